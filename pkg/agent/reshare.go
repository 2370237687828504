package agent

// Other officers for the same master key, and who has to agree to them.

import (
	"context"
	"slices"
	"strings"

	"poskey/internal/fault"
	"poskey/internal/text"
	"poskey/pkg/audit"
	"poskey/pkg/custody"
)

// staffing is what a resharing does to the officers of a store.
type staffing struct {
	environment custody.Environment
	threshold   int
	holders     []custody.Card // who will have a share
	tomorrow    []custody.Card // all officers
	joins       []custody.Card
	leaves      []custody.Card
}

// reshare opens the master key and seals it to other officers. Who joins and who leaves is recorded before the documents
// are handed out.
func (a *agent) reshare(ctx context.Context) error {
	var made custody.SealedStore
	err := a.recorded(audit.StoreReshare, func(p *audit.Pending) error {
		today, err := parseCards(a.config.Roster)
		if err != nil {
			return err
		}
		s, err := a.staffing(today)
		if err != nil {
			return because(p, err)
		}
		if err := s.agreedBy(a.named()); err != nil { // before anybody types
			return because(p, err)
		}
		opened, err := a.open(ctx, p, today, s.lines())
		if err != nil {
			return err
		}
		defer opened.wipe()
		if err := s.agreedBy(opened.cards()); err != nil {
			return because(p, err)
		}
		p.After.With = actorsOf(opened.cards())
		if made.Master, err = opened.Reshare(s.holders, s.threshold); err != nil {
			return err
		}
		if made.Roster, err = custody.Enrol(opened.Key(), made.Master, s.tomorrow); err != nil {
			return err
		}
		if err := a.recordStaffing(s, made, p.After.With); err != nil {
			return err
		}
		return a.signed(opened)
	})
	if err != nil {
		return err
	}
	return a.handOut(made)
}

// signed lets those who are there sign the log with the resharing in it: database and log from before it, put back
// together, are then found out by the checkpoint beside them.
func (a *agent) signed(opened *opening) error {
	note, err := checkpoint(a.log, a.starter(), opened.present)
	if err != nil {
		return err
	}
	return a.ports.Report(Event{Kind: Signed, Document: note, Officers: idsOf(opened.Officers())})
}

// named are the cards of those who will be asked; what is wrong with a file is told when it is opened.
func (a *agent) named() []custody.Card {
	var all []custody.Card
	for _, file := range a.config.Identities {
		if l, err := custody.ParseIdentity(file); err == nil {
			all = append(all, l.Card())
		}
	}
	return all
}

// staffing holds the officers of tomorrow against those of today: nobody leaves or comes without being named.
func (a *agent) staffing(today []custody.Card) (*staffing, error) {
	holders, tomorrow, err := a.tomorrow()
	if err != nil {
		return nil, err
	}
	if _, err := custody.NewRoster(a.config.Environment, tomorrow...); err != nil {
		return nil, err
	}
	s := &staffing{environment: a.config.Environment, threshold: a.config.Threshold, holders: holders, tomorrow: tomorrow,
		joins: without(tomorrow, today), leaves: without(today, tomorrow)}
	for _, id := range a.config.Leave {
		is := func(c custody.Card) bool { return c.ID() == id }
		switch {
		case slices.ContainsFunc(s.leaves, is):
		case slices.ContainsFunc(today, is):
			return nil, fault.New(fault.Usage, "%s is to leave and to stay", id)
		default:
			return nil, fault.New(fault.NotFound, "the store has no officer %s", id)
		}
	}
	for _, c := range s.leaves {
		if !slices.Contains(a.config.Leave, c.ID()) {
			return nil, fault.New(fault.NotPermitted, "%s is an officer of the store and neither stays nor leaves", c.ID())
		}
	}
	for _, c := range s.joins {
		if err := c.CheckTime(a.ports.Env.Now()); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// without gives the cards that are not among others.
func without(cards, others []custody.Card) []custody.Card {
	var left []custody.Card
	for _, c := range cards {
		if !slices.ContainsFunc(others, func(o custody.Card) bool { return o.Fingerprint() == c.Fingerprint() }) {
			left = append(left, c)
		}
	}
	return left
}

// agreedBy holds those who are there against the rules for admitting and revoking.
func (s *staffing) agreedBy(there []custody.Card) error {
	if terms, met := s.terms(custody.OfficerAdmit, there); len(s.joins) > 0 && !met {
		return fault.New(fault.NotPermitted, "%s joins the store, which takes %s there (officer.admit); name their identities too",
			s.joins[0].ID(), terms)
	}
	if terms, met := s.terms(custody.OfficerRevoke, there); len(s.leaves) > 0 && !met {
		return fault.New(fault.NotPermitted, "%s leaves the store, which takes %s there (officer.revoke); name their identities too",
			s.leaves[0].ID(), terms)
	}
	return nil
}

// terms says what an activity takes, and whether those who are there suffice. One that has no rule is met by nobody.
func (s *staffing) terms(a custody.Activity, there []custody.Card) (text.Text, bool) {
	rule, err := custody.RuleOf(a)
	if err != nil {
		return text.Raw(string(a)), false
	}
	terms := rule.Terms(s.environment)
	return terms.Text(), terms.MetBy(there)
}

// fewWords of a fingerprint tell officers apart who are known; one who joins is compared by all of them.
const fewWords = 4

// lines tell every officer what they are asked to agree to.
func (s *staffing) lines() []text.Text {
	lines := []text.Text{text.New("to agree to: other officers for the master key"),
		text.New("from then on it takes %d of these %d:", s.threshold, len(s.holders))}
	for _, c := range s.holders {
		lines = append(lines, text.New("- %s (%s)", c.ID(), spoken(c, fewWords)))
	}
	for _, c := range s.joins {
		lines = append(lines, text.New("joins: %s, %s (%s)", c.ID(), rolesOf(c), c.Fingerprint().Words()))
	}
	for _, c := range s.leaves {
		lines = append(lines, text.New("leaves: %s (%s)", c.ID(), spoken(c, fewWords)))
	}
	return lines
}

func spoken(c custody.Card, n int) string {
	return strings.Join(strings.Fields(c.Fingerprint().Words())[:n], " ")
}

func rolesOf(c custody.Card) string {
	var all []string
	for _, r := range c.Roles() {
		all = append(all, string(r))
	}
	return strings.Join(all, " ")
}

// recordStaffing records each who joins or leaves, with those who agreed.
func (a *agent) recordStaffing(s *staffing, made custody.SealedStore, by []audit.Actor) error {
	note := func(op audit.Operation, about []custody.Card) error {
		for _, c := range about {
			e := audit.Entry{Who: a.starter(), With: by, Operation: op,
				Object: audit.Object{Kind: audit.KindOfficer, Label: c.ID()},
				Details: audit.Details{fieldGeneration: generationWord(made.Master.Generation()),
					fieldFingerprint: c.Fingerprint().String()[:fewDigits]}}
			if err := a.ledger.append(e, audit.OK()); err != nil {
				return err
			}
		}
		return nil
	}
	if err := note(audit.OfficerRemove, s.leaves); err != nil {
		return err
	}
	return note(audit.OfficerAdd, s.joins)
}

// fieldFingerprint names an officer by the first digits of the fingerprint: more would look like a key.
const fieldFingerprint audit.Field = "fingerprint"

const fewDigits = 8
