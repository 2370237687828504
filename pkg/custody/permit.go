package custody

import (
	"slices"
	"sync/atomic"

	"poskey/internal/fault"
)

// Permit is the proof that one action may be done, once. Only [Book.Admit] and [Authorisation.Permit] make one, so what
// asks for a Permit cannot be called without.
type Permit struct {
	action   Action
	officers []Card
	standing bool
	spent    atomic.Bool
}

// Action is what may be done.
func (p *Permit) Action() Action { return p.action }

// Officers lists who stands behind it.
func (p *Permit) Officers() []Card { return slices.Clone(p.officers) }

// Standing reports whether it comes from an authorisation and not from approvals of this action.
func (p *Permit) Standing() bool { return p.standing }

// Spend uses the permit up for an action: not_permitted for another action and the second time.
func (p *Permit) Spend(a Action) error {
	if p == nil || p.action != a {
		return fault.New(fault.NotPermitted, "%s was not permitted", string(a.Activity))
	}
	if !p.spent.CompareAndSwap(false, true) {
		return fault.New(fault.NotPermitted, "the permit for %s was used already", string(a.Activity))
	}
	return nil
}

// Permit allows one action of an activity that was allowed for the time. Errors: those of Allowed, and usage for an
// action that cannot be.
func (a *Authorisation) Permit(action Action) (*Permit, error) {
	if err := action.check(); err != nil {
		return nil, err
	}
	if err := a.Allowed(action.Activity); err != nil {
		return nil, err
	}
	return &Permit{action: action, officers: a.Officers(), standing: true}, nil
}

// Guard decides for an open store: what was allowed for a time needs nobody, all else takes approvals, and after the
// end nothing goes.
type Guard struct {
	Authorisation *Authorisation
	Book          *Book
}

// Admit gives the permit for an action. Errors: those of [Authorisation.Permit] and [Book.Admit].
func (g Guard) Admit(a Action, approvals []Approval) (*Permit, error) {
	if why, ended := g.Authorisation.Ended(); ended {
		return nil, fault.New(fault.NotPermitted, "the store is sealed: %s", why)
	}
	if len(approvals) == 0 && slices.Contains(g.Authorisation.activities, a.Activity) {
		return g.Authorisation.Permit(a)
	}
	return g.Book.Admit(a, approvals)
}
