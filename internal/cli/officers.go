package cli

// Officers' files and passphrases, as the commands on officers and on the log need them.

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
	"unicode"

	"poskey/internal/fault"
	"poskey/internal/render"
	"poskey/internal/secret"
	"poskey/internal/source"
	"poskey/internal/text"
	"poskey/pkg/custody"
)

const (
	// maxOfficerFile is more than a card or an identity ever has, and bounds what a wrong path can lead to.
	maxOfficerFile = 16 << 10
	// expiresSoon is how long before its end an identity is warned about: time enough to admit its successor.
	expiresSoon = 30 * 24 * time.Hour
	// typings is how often a new passphrase is asked for at a terminal before the command gives up.
	typings = 3
)

// officerFile is a card or an identity as it lies in a file.
type officerFile struct {
	path    string
	raw     []byte
	card    custody.Card
	locked  *custody.Locked // of an identity
	exposed bool            // others than its owner can read it
}

// What an officer's file is, by its first words.
const (
	identityStart = "poskey officer identity "
	cardStart     = "poskey officer card "
)

// readOfficerFile reads a card or an identity and verifies all that can be verified without a passphrase.
func readOfficerFile(ctx context.Context, path string) (officerFile, error) {
	raw, exposed, err := readShort(ctx, path, maxOfficerFile)
	if err != nil {
		return officerFile{}, err
	}
	o := officerFile{path: path, raw: raw}
	switch {
	case bytes.HasPrefix(raw, []byte(identityStart)):
		o.exposed = exposed
		if o.locked, err = custody.ParseIdentity(raw); err == nil {
			o.card = o.locked.Card()
		}
	case bytes.HasPrefix(raw, []byte(cardStart)):
		o.card, err = custody.ParseCard(raw)
	default:
		err = fault.New(fault.Malformed, "it is neither an officer's identity nor a card")
	}
	if err != nil {
		return officerFile{}, fault.Wrap(err, "%s", pathWord(path))
	}
	return o, nil
}

// readIdentityFile reads an identity, and no card.
func readIdentityFile(ctx context.Context, path string) (officerFile, error) {
	o, err := readOfficerFile(ctx, path)
	if err == nil && o.locked == nil {
		return officerFile{}, fault.New(fault.Usage, "%s is an officer's card; the identity file is needed", pathWord(path))
	}
	return o, err
}

// readShort reads a file that has no more than limit bytes, and tells whether others than its owner can read it.
func readShort(ctx context.Context, path string, limit int64) (raw []byte, exposed bool, err error) {
	f, err := source.Open(ctx, path)
	if err != nil {
		return nil, false, err
	}
	defer func() { _ = f.Close() }() // it was read
	info, err := f.Stat()
	if err != nil {
		return nil, false, fault.WrapAs(fault.Failure, err, "read %s", pathWord(path))
	}
	raw, err = io.ReadAll(io.LimitReader(source.Abortable(ctx, f), limit+1))
	switch {
	case err != nil:
		return nil, false, fault.WrapAs(fault.KindOf(err), err, "read %s", pathWord(path))
	case int64(len(raw)) > limit:
		return nil, false, fault.New(fault.TooLarge, "%s has more than %d bytes; that is not the file that is meant", pathWord(path), limit)
	}
	return raw, source.Exposed(info), nil
}

// pathWord is a file's name for people. Names come from other people's media: what cannot be printed is escaped.
func pathWord(path string) string {
	word := text.Redact(path)
	if strings.ContainsFunc(word, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return strconv.Quote(word)
	}
	return word
}

// newPassphrase reads a passphrase that is to be set. At a terminal it is asked for twice, and again when it will not do.
// check says whether it will.
func (a *App) newPassphrase(ctx context.Context, src string, what text.Text) (*secret.Bytes, error) {
	for n := 1; ; n++ {
		p, err := a.typeTwice(ctx, src, what)
		if err == nil {
			return p, nil
		}
		if src != string(source.Prompt) || n == typings || !badPassphrase(err) {
			return nil, err
		}
		a.render.Warn(text.New("%s", err))
	}
}

// badPassphrase tells a passphrase that may be typed anew from an error that stays.
func badPassphrase(err error) bool {
	switch fault.KindOf(err) {
	case fault.NotPermitted, fault.Malformed, fault.TooLarge, fault.Usage:
		return true
	}
	return false
}

func (a *App) typeTwice(ctx context.Context, src string, what text.Text) (*secret.Bytes, error) {
	p, err := a.sources().ReadPassphrase(ctx, src, what)
	if err != nil {
		return nil, err
	}
	if err := custody.CheckPassphrase(p); err != nil {
		p.Wipe()
		return nil, err
	}
	if src != string(source.Prompt) {
		return p, nil
	}
	again, err := a.sources().ReadPassphrase(ctx, src, text.New("%s, once more", what))
	if err != nil {
		p.Wipe()
		return nil, err
	}
	defer again.Wipe()
	if !p.Equal(again) {
		p.Wipe()
		return nil, fault.New(fault.Usage, "the two passphrases are not the same")
	}
	return p, nil
}

// cost is what a guess at a passphrase shall cost: the usual, or over so many MiB.
func kdfCost(usual custody.Cost, mebibytes uint32) (custody.Cost, error) {
	if mebibytes == 0 {
		return usual, nil
	}
	if mebibytes > 1<<20 {
		return custody.Cost{}, fault.New(fault.NotPermitted, "%d MiB are no sensible cost of a passphrase", mebibytes)
	}
	usual.MemoryKiB = mebibytes << 10
	return usual, usual.Check()
}

// unrecorded is for officers' files outside of any store: there is no log.
func unrecorded() custody.Recorder {
	return custody.RecorderFunc(func(custody.Event) error { return nil })
}

// parseSpan reads a length of time as people write it: 365d, 36h, 90m.
func parseSpan(s string) (time.Duration, error) {
	units := map[byte]time.Duration{'d': 24 * time.Hour, 'h': time.Hour, 'm': time.Minute}
	if len(s) > 1 {
		n, err := strconv.ParseUint(s[:len(s)-1], 10, 16)
		if unit := units[s[len(s)-1]]; err == nil && unit != 0 {
			return time.Duration(n) * unit, nil
		}
	}
	return 0, fault.New(fault.Usage, "%q is no length of time; write 365d, 36h or 90m", text.Redact(s))
}

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
		render.F(text.New("environment"), p.T(environmentText(d.Environment))),
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
	p.Line(text.New("Compare these words with each officer, who reads them from their own card (poskey officer show):"))
	for _, c := range cards {
		p.Raw(c.ID() + "  " + rolesText(p, c.Roles()))
		wordsPage(p, c.Fingerprint())
	}
}

func environmentText(e custody.Environment) text.Text {
	switch e {
	case custody.Test:
		return text.New("test")
	case custody.Production:
		return text.New("production")
	}
	return text.Raw(string(e))
}

func officerWarningPage(p *render.Page, all []officerWarning) {
	for i, w := range all {
		if i == 0 {
			p.Blank()
		}
		p.Bad(text.New("warning: %s", w.text))
	}
}

// listed is an officer's file found in a folder, or why it cannot be taken.
type listed struct {
	officerFile
	err error
}

// listCards reads the cards and identities among files and in folders. In a folder everything else is passed over, and so
// is what lies there a second time, such as the card beside its identity. A file that is named must be one.
func listCards(ctx context.Context, paths []string) ([]listed, error) {
	var all []listed
	seen := map[custody.Fingerprint]bool{}
	for _, path := range paths {
		info, err := os.Stat(path)
		if err == nil && info.IsDir() {
			found, err := listFolder(ctx, path, seen)
			if err != nil {
				return nil, err
			}
			all = append(all, found...)
			continue
		}
		o, err := readOfficerFile(ctx, path)
		if err != nil {
			return nil, err
		}
		if !seen[o.card.Fingerprint()] {
			seen[o.card.Fingerprint()] = true
			all = append(all, listed{officerFile: o})
		}
	}
	return all, nil
}

func listFolder(ctx context.Context, dir string, seen map[custody.Fingerprint]bool) ([]listed, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fault.WrapAs(fault.NotPermitted, err, "folder %s", pathWord(dir))
	}
	var all []listed
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		if !isOfficerFile(path) {
			continue
		}
		o, err := readOfficerFile(ctx, path)
		if err != nil {
			all = append(all, listed{officerFile{path: path}, err})
			continue
		}
		if !seen[o.card.Fingerprint()] {
			seen[o.card.Fingerprint()] = true
			all = append(all, listed{officerFile: o})
		}
	}
	return all, nil
}

// isOfficerFile looks at the first words of a regular file.
func isOfficerFile(path string) bool {
	info, err := os.Stat(path)
	if err != nil || !info.Mode().IsRegular() {
		return false
	}
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer func() { _ = f.Close() }() // it was read
	start := make([]byte, len(identityStart))
	n, _ := io.ReadFull(f, start)
	return string(start[:n]) == identityStart || strings.HasPrefix(string(start[:n]), cardStart)
}
