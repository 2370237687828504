package fleet

// What all devices of a run need: the keys of the plan in use, numbers to give, and a boundary that answers. When it is
// missing, no device is to blame, and the station stops.

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"poskey/internal/fault"
	"poskey/internal/secret"
	"poskey/pkg/hsm"
	"poskey/pkg/inject"
	"poskey/pkg/keyblock"
	"poskey/pkg/store"
)

// trouble marks an error that every device would meet.
type trouble struct{ error }

func (e *trouble) Unwrap() error { return e.error }

// inTrouble reports an error that every device would meet.
func inTrouble(err error) bool {
	var t *trouble
	return errors.As(err, &t)
}

// alarm keeps the first trouble of a station. After it nothing new is begun.
type alarm struct {
	mu  sync.Mutex
	err error
}

func (a *alarm) raise(err error) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !inTrouble(err) {
		err = &trouble{err}
	}
	if a.err == nil {
		a.err = err
	}
	return err
}

func (a *alarm) raised() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.err
}

// keyWatch looks whether the keys of the plan are in use still: officers may take one out of use while a run goes on.
type keyWatch struct {
	db       *store.Store
	patience patience
	now      func() time.Time
	alarm    *alarm

	mu     sync.Mutex
	refs   []store.Ref
	looked time.Time
}

// fresh is how old the last look at the keys may be when a key goes out.
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

// look refuses a key that is not in use, unless somebody has looked so lately.
func (w *keyWatch) look(ctx context.Context, lately time.Duration) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	began := w.now()
	if age := began.Sub(w.looked); len(w.refs) == 0 || age >= 0 && age < lately {
		return nil
	}
	var states map[store.Ref]store.State
	err := w.patience.ask(ctx, func() (err error) {
		states, err = w.db.KeyStates(ctx, w.refs)
		return err
	})
	if err != nil {
		return err
	}
	for _, ref := range w.refs {
		switch state, has := states[ref]; {
		case !has:
			return w.alarm.raise(fault.New(fault.NotFound, "the store has no key %s any more", ref))
		case state != store.Active:
			return w.alarm.raise(fault.New(fault.NotPermitted, "key %s is %s", ref, string(state)))
		}
	}
	w.looked = began
	return nil
}

// guarded is the boundary, whose failures are nobody's but the station's.
type guarded struct {
	hsm.Boundary
	alarm *alarm
}

// common reports failures of the boundary itself: it is gone, sealed, or has too much to do.
func common(err error) bool {
	for _, kind := range []fault.Kind{fault.Sealed, fault.Busy, fault.DeviceLink, fault.DeviceTimeout, fault.DeviceFailed,
		fault.OutcomeUnknown, fault.AuthFailed, fault.LogBroken, fault.Interrupted, fault.Terminated, fault.Failure} {
		if fault.Is(err, kind) {
			return true
		}
	}
	return false
}

func (g guarded) mark(ctx context.Context, err error, all bool) error {
	if err == nil || ctx.Err() != nil || !all && !common(err) {
		return err
	}
	return g.alarm.raise(err)
}

// Derive derives from what all devices share.
func (g guarded) Derive(ctx context.Context, base hsm.Key, d hsm.Derivation, p hsm.Policy) (hsm.Key, error) {
	k, err := g.Boundary.Derive(ctx, base, d, p)
	return k, g.mark(ctx, err, !fault.Is(err, fault.WeakKey))
}

// Wrap closes under a key that may be the device's own: a refusal is about that device.
func (g guarded) Wrap(ctx context.Context, k, kbpk hsm.Key, h keyblock.Header, o keyblock.WrapOptions) (hsm.Wrapped, error) {
	w, err := g.Boundary.Wrap(ctx, k, kbpk, h, o)
	return w, g.mark(ctx, err, false)
}

// Reveal gives a key out; see Wrap.
func (g guarded) Reveal(ctx context.Context, k hsm.Key) (*secret.Bytes, error) {
	b, err := g.Boundary.Reveal(ctx, k)
	return b, g.mark(ctx, err, false)
}

// loadCache asks for the loads of a key loading key once.
type loadCache struct {
	ask   func(ctx context.Context, kbpk string) ([]inject.Plan, error)
	keys  *keyWatch
	mu    sync.Mutex
	known map[string][]inject.Plan
}

func (c *loadCache) get(ctx context.Context, kbpk string) ([]inject.Plan, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if known := c.known[kbpk]; known != nil {
		return known, nil
	}
	plans, err := c.ask(ctx, kbpk)
	if err == nil {
		err = c.keys.add(plans)
	}
	switch {
	case err == nil:
		c.known[kbpk] = plans
		return plans, nil
	case ctx.Err() != nil, kbpk != "" && !common(err): // the list names a key for this device that cannot be had
		return nil, err
	}
	return nil, c.keys.alarm.raise(err)
}
