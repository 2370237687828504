package custody

import (
	"slices"
	"time"

	"poskey/internal/fault"
	"poskey/pkg/keys"
)

// Opened is a master key that enough officers have opened. Only [Opening.Master] makes one, so what asks for an Opened
// has the officers behind it.
type Opened struct {
	env     keys.Env
	doc     *SealedMaster
	rec     Recorder
	key     *keys.Key
	present []Card
}

// Key is the master key. It stays the Opened's and goes with Wipe.
func (o *Opened) Key() *keys.Key { return o.key }

// Officers lists those who opened it.
func (o *Opened) Officers() []Card { return slices.Clone(o.present) }

// Wipe destroys the master key.
func (o *Opened) Wipe() {
	if o != nil {
		o.key.Wipe()
	}
}

// Reshare seals the same master key to other officers or with another threshold: a new generation, of shares that do
// not fit the old ones. The store must keep the new generation's number; by that the old documents are void. What was
// revealed stays revealed: officers who together kept an old document can still open it with their identities, so a
// master key whose officers are not trusted any more is replaced and not reshared. It is recorded before the document
// is handed out. Errors: those of [Seal].
func (o *Opened) Reshare(cards []Card, threshold int) (*SealedMaster, error) {
	if o.key.Len() == 0 {
		return nil, fault.New(fault.Bug, "the master key was wiped")
	}
	p := Plan{Store: o.doc.store, Environment: o.doc.environment, Threshold: threshold}
	next, err := seal(o.env, o.key, cards, p, o.doc.generation+1)
	if err != nil {
		return nil, err
	}
	event := Event{At: o.env.Now(), Kind: MasterReshared, Store: next.store, Generation: next.generation,
		Officers: slices.Clone(cards), Check: next.check}
	if err := record(o.rec, event); err != nil {
		return nil, err
	}
	return next, nil
}

// Revoke reshares to all officers but one. The cards are those of the others, since the document holds fingerprints
// only. Errors: those of Reshare; not_found for an officer who holds no share; usage and not_permitted when the cards
// are not exactly those of the others.
func (o *Opened) Revoke(f Fingerprint, others []Card) (*SealedMaster, error) {
	gone, ok := o.doc.find(f)
	if !ok {
		return nil, fault.New(fault.NotFound, "no officer has the fingerprint %s", f)
	}
	for _, c := range others {
		if place, ok := o.doc.find(c.fingerprint); !ok || place == gone {
			return nil, fault.New(fault.NotPermitted, "%s is not among the officers who stay", c.id)
		}
	}
	for i, h := range o.doc.holders {
		there := slices.ContainsFunc(others, func(c Card) bool { return c.fingerprint == h.fingerprint })
		if i != gone && !there {
			return nil, fault.New(fault.Usage, "the card of %s is missing", h.id)
		}
	}
	if len(others) < o.doc.threshold {
		return nil, fault.New(fault.NotPermitted, "%d would be left and %d are needed: reshare with another "+
			"threshold or to another officer instead", len(others), o.doc.threshold)
	}
	return o.Reshare(others, o.doc.threshold)
}

// Authorise allows activities for a time, on behalf of the officers who opened the store. It is recorded before it
// holds. Errors: usage for an unknown activity, none at all or a time out of bounds; not_permitted for an activity that
// takes approvals each time.
func (o *Opened) Authorise(clock Clock, limit time.Duration, activities ...Activity) (*Authorisation, error) {
	return newAuthorisation(o, clock, limit, activities)
}
