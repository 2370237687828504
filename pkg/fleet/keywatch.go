package fleet

// The keys of the plan: in use, or not any more.

import (
	"context"
	"slices"
	"sync"
	"time"

	"poskey/internal/fault"
	"poskey/pkg/inject"
	"poskey/pkg/store"
)

// keyWatch looks whether the keys of the plan are in use still: officers may take one out of use while a run goes on.
type keyWatch struct {
	db       *store.Store
	patience patience
	now      func() time.Time
	alarm    *alarm

	mu     sync.Mutex
	refs   []store.Ref
	looked time.Time
	busy   chan struct{} // closed when the one who looks is through; nil: nobody does
}

// freshLook is how old the last look at the keys may be when a key goes out.
const freshLook = 100 * time.Millisecond

// watchAgain is how often a station looks that has nothing else to do.
const watchAgain = time.Second

// add takes the keys of loads in, as far as they are from the store.
func (w *keyWatch) add(plans []inject.Plan) error {
	var refs []store.Ref
	for i := range plans {
		p := &plans[i]
		if !p.Ref.IsZero() {
			refs = append(refs, p.Ref)
		}
		if p.KLK == nil || p.KLK.Label == "" {
			continue
		}
		ref, err := store.ParseRef(p.KLK.Label)
		if err != nil {
			return err
		}
		refs = append(refs, ref)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, ref := range refs {
		if !slices.Contains(w.refs, ref) {
			w.refs, w.looked = append(w.refs, ref), time.Time{}
		}
	}
	return nil
}

// look refuses a key that is not in use, unless somebody has looked so lately. One looks at a time; the others wait for
// what comes of it, as long as they are not told to stop.
func (w *keyWatch) look(ctx context.Context, lately time.Duration) error {
	for {
		refs, other := w.turn(lately)
		if other != nil {
			select {
			case <-other:
				continue
			case <-ctx.Done():
				return fault.WrapAs(fault.Interrupted, context.Cause(ctx), "look at the keys of the plan")
			}
		}
		if len(refs) == 0 {
			return nil
		}
		began := w.now()
		err := w.inUse(ctx, refs)
		w.looking(began, len(refs), err)
		return err
	}
}

// turn gives the keys that are to be looked at, none when somebody has done so lately, or what to wait for while somebody
// is at it.
func (w *keyWatch) turn(lately time.Duration) (refs []store.Ref, other <-chan struct{}) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if age := w.now().Sub(w.looked); len(w.refs) == 0 || age >= 0 && age < lately {
		return nil, nil
	}
	if w.busy != nil {
		return nil, w.busy
	}
	w.busy = make(chan struct{})
	return slices.Clone(w.refs), nil
}

// looking ends a turn. Keys that came in meanwhile were not looked at.
func (w *keyWatch) looking(began time.Time, refs int, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err == nil && refs == len(w.refs) {
		w.looked = began
	}
	close(w.busy)
	w.busy = nil
}

func (w *keyWatch) inUse(ctx context.Context, refs []store.Ref) error {
	var states map[store.Ref]store.State
	err := w.patience.ask(ctx, func() (err error) {
		states, err = w.db.KeyStates(ctx, refs)
		return err
	})
	if err != nil {
		return err
	}
	for _, ref := range refs {
		switch state, has := states[ref]; {
		case !has:
			return w.alarm.raise(fault.New(fault.NotFound, "the store has no key %s any more", ref))
		case state != store.Active:
			return w.alarm.raise(fault.New(fault.NotPermitted, "key %s is %s", ref, string(state)))
		}
	}
	return nil
}
