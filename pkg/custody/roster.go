package custody

import (
	"slices"
	"sync"

	"poskey/internal/fault"
)

// Roster is the list of a store's officers. One person is one officer: an id, a name, a signing key or a recipient that
// is there already is refused. It may be used from several goroutines. The zero value is of no use.
type Roster struct {
	environment Environment
	mu          sync.Mutex
	cards       []Card
}

// NewRoster makes a roster of cards that were admitted before. Errors: those of Admit.
func NewRoster(e Environment, cards ...Card) (*Roster, error) {
	if err := e.check(); err != nil {
		return nil, err
	}
	r := &Roster{environment: e}
	for _, c := range cards {
		if err := r.Admit(c); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// Admit takes an officer in. Errors: not_permitted for a card of another environment and for a person who is there.
func (r *Roster) Admit(c Card) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := fits(r.cards, c, r.environment); err != nil {
		return err
	}
	r.cards = append(r.cards, c)
	return nil
}

// Revoke takes an officer out: their approvals count no more. Error: not_found.
func (r *Roster) Revoke(f Fingerprint) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	before := len(r.cards)
	r.cards = slices.DeleteFunc(r.cards, func(c Card) bool { return c.fingerprint == f })
	if len(r.cards) == before {
		return fault.New(fault.NotFound, "no officer has the fingerprint %s", f)
	}
	return nil
}

// Find gives the card of a fingerprint. Error: not_found.
func (r *Roster) Find(f Fingerprint) (Card, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, c := range r.cards {
		if c.fingerprint == f {
			return c, nil
		}
	}
	return Card{}, fault.New(fault.NotFound, "no officer has the fingerprint %s", f)
}

// Cards gives all cards, in the order in which they came.
func (r *Roster) Cards() []Card {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.cards)
}

// fits refuses a card that cannot stand beside the others.
func fits(others []Card, c Card, e Environment) error {
	if c.IsZero() {
		return fault.New(fault.Bug, "the card is empty")
	}
	if c.environment != e {
		return fault.New(fault.NotPermitted, "the card of %s is for %s, this is %s", c.id, string(c.environment), string(e))
	}
	for _, o := range others {
		switch {
		case o.signingKey == c.signingKey || o.recipient == c.recipient:
			return fault.New(fault.NotPermitted, "%s and %s have the same key: one person is one officer", o.id, c.id)
		case o.id == c.id:
			return fault.New(fault.NotPermitted, "there are two officers with the id %s", c.id)
		case o.name == c.name:
			return fault.New(fault.NotPermitted, "%s and %s have the same name: one person is one officer; "+
				"tell namesakes apart in their names", o.id, c.id)
		}
	}
	return nil
}

// OneManager lists the managers to whom enough of the officers report to put a key together (PCI PIN 25-1: custodians
// who together can form a key do not report to one manager; small organisations are excepted, so it is the caller's
// warning and no refusal).
func OneManager(cards []Card, threshold int) []string {
	count := map[string]int{}
	var managers []string
	for _, c := range cards {
		if c.manager == "" {
			continue
		}
		if count[c.manager]++; count[c.manager] == threshold {
			managers = append(managers, c.manager)
		}
	}
	return managers
}
