package cli

// Officers, as commands show them and warn about them.

import (
	"strings"
	"time"

	"poskey/internal/render"
	"poskey/internal/text"
	"poskey/pkg/custody"
)

// expiresSoon is how long before its end an identity is warned about: time enough to admit its successor.
const expiresSoon = 30 * 24 * time.Hour

// officerDoc is an officer in an answer.
type officerDoc struct {
	ID          string              `json:"id"`
	Name        string              `json:"name"`
	Roles       []custody.Role      `json:"roles"`
	ReportsTo   string              `json:"reports_to,omitempty"`
	Environment custody.Environment `json:"environment"`
	Created     string              `json:"created"`
	Expires     string              `json:"expires"`
	Expired     bool                `json:"expired"`
	Fingerprint string              `json:"fingerprint"`
	Words       string              `json:"words"`
	Digits      string              `json:"digits"`
	Recipient   string              `json:"recipient"`
	NoteKey     string              `json:"note_key"`
}

func newOfficerDoc(c custody.Card, now time.Time) officerDoc {
	return officerDoc{ID: c.ID(), Name: c.Name(), Roles: c.Roles(), ReportsTo: c.Manager(), Environment: c.Environment(),
		Created: c.Created().Format(time.RFC3339), Expires: c.Expires().Format(time.RFC3339), Expired: !now.Before(c.Expires()),
		Fingerprint: c.Fingerprint().String(), Words: c.Fingerprint().Words(), Digits: c.Fingerprint().Digits(),
		Recipient: c.Recipient(), NoteKey: c.NoteKey()}
}

// kdfDoc is what a guess at the passphrase of an identity costs.
type kdfDoc struct {
	Name   string `json:"name"`
	Passes uint32 `json:"passes"`
	Memory uint32 `json:"memory_kib"`
	Lanes  uint8  `json:"lanes"`
}

func newKDFDoc(c custody.Cost) *kdfDoc { return &kdfDoc{"argon2id", c.Passes, c.MemoryKiB, c.Lanes} }

// officerWarning is something about an officer's file that is no error yet.
type officerWarning struct {
	id   string
	text text.Text
}

// officerWarnings looks at the dates, and at who can read an identity.
func officerWarnings(o officerFile, now time.Time) (all []officerWarning) {
	c := o.card
	switch left := c.Expires().Sub(now); {
	case left <= 0:
		all = append(all, officerWarning{"expired", text.New("the identity of %s expired at %s", c.ID(), c.Expires().Format(time.RFC3339))})
	case c.CheckTime(now) != nil:
		all = append(all, officerWarning{"not_yet_valid",
			text.New("the identity of %s was made at %s, which is in the future: look at the clock", c.ID(), c.Created().Format(time.RFC3339))})
	case left <= expiresSoon:
		all = append(all, officerWarning{"expires_soon",
			text.New("the identity of %s expires in %d days; make a new one and admit it while this one is good", c.ID(), int(left/(24*time.Hour)))})
	}
	if o.exposed {
		all = append(all, officerWarning{"file_exposed",
			text.New("others than its owner can read the identity file of %s: only the passphrase keeps them out", c.ID())})
	}
	return all
}

func officerWarningDocs(all []officerWarning) []warningDoc {
	docs := []warningDoc{}
	for _, w := range all {
		docs = append(docs, warningDoc{w.id, w.text.String()})
	}
	return docs
}

func roleNames() string {
	var names []string
	for _, r := range custody.AllRoles() {
		names = append(names, string(r))
	}
	return strings.Join(names, " ")
}

// rolesText names roles for people.
func rolesText(p *render.Page, roles []custody.Role) string {
	names := make([]string, len(roles))
	for i, r := range roles {
		names[i] = p.T(r.Text())
	}
	return strings.Join(names, ", ")
}

// officerPage shows who an officer is.
func officerPage(p *render.Page, c custody.Card, d officerDoc) {
	p.Fields(
		render.F(text.New("officer"), d.ID),
		render.F(text.New("name"), d.Name),
		render.F(text.New("roles"), rolesText(p, d.Roles)),
		render.F(text.New("reports to"), d.ReportsTo),
		render.F(text.New("environment"), p.T(d.Environment.Text())),
		render.F(text.New("created"), d.Created),
		render.F(text.New("expires"), d.Expires),
	)
	fingerprintPage(p, c.Fingerprint())
}

// fingerprintPage shows a fingerprint for reading aloud, in words and in digits, and whole for the eye.
func fingerprintPage(p *render.Page, f custody.Fingerprint) {
	p.Blank()
	p.Line(text.New("fingerprint, to be read aloud and compared with the officer: in words"))
	wordsPage(p, f)
	p.Line(text.New("or in digits"))
	p.Raw("  " + f.Digits())
	p.Line(text.New("and whole"))
	whole := strings.Fields(f.Hex())
	p.Raw("  " + strings.Join(whole[:len(whole)/2], " "))
	p.Raw("  " + strings.Join(whole[len(whole)/2:], " "))
}

func wordsPage(p *render.Page, f custody.Fingerprint) {
	words := strings.Fields(f.Words())
	for len(words) > 0 {
		n := min(8, len(words))
		p.Raw("  " + strings.Join(words[:n], " "))
		words = words[n:]
	}
}

// rosterPage shows the officers of a store by what ties their cards to people.
func rosterPage(p *render.Page, cards []custody.Card) {
	p.Blank()
	p.Line(text.New("Compare with each officer, who reads from their own card (poskey officer show):"))
	for _, c := range cards {
		p.Raw(c.ID() + "  " + rolesText(p, c.Roles()))
		wordsPage(p, c.Fingerprint())
	}
}

func officerWarningPage(p *render.Page, all []officerWarning) {
	for i, w := range all {
		if i == 0 {
			p.Blank()
		}
		p.Bad(text.New("warning: %s", w.text))
	}
}
