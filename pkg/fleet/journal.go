package fleet

// The journal of a station: that of the store, waited for while a database is away, with numbers from the station's own
// leases.

import (
	"context"
	"errors"
	"iter"
	"sync"
	"time"

	"poskey/internal/fault"
	"poskey/pkg/device"
	"poskey/pkg/store"
)

// stored marks an error of the database: the device has nothing to do with it.
type stored struct{ error }

func (e *stored) Unwrap() error { return e.error }

// ofStore reports an error of the database.
func ofStore(err error) bool {
	var s *stored
	return errors.As(err, &s)
}

// passes reports an error of the database that another try may mend. Every step of the journal and every result of a
// run may be said twice, so a commit that nobody heard of is such a one.
func passes(err error) bool {
	return fault.Is(err, fault.DeviceLink) || fault.Is(err, fault.Busy) || fault.Is(err, fault.OutcomeUnknown)
}

// blame marks what is wrong with the database, or with what all devices need of it. A refusal is about one device.
func blame(err error) error {
	switch fault.KindOf(err) {
	case fault.NotPermitted, fault.NotFound, fault.Usage, fault.Interrupted, fault.DeviceTimeout:
		return err
	}
	return &stored{err}
}

// Pauses between tries to reach a database.
const (
	shortPause = 20 * time.Millisecond
	longPause  = time.Second
)

// patience is how long a database is waited for.
type patience struct {
	clock device.Clock
	most  time.Duration
}

// ask asks a database until it answers, for as long as patience lasts.
func (p patience) ask(ctx context.Context, f func() error) error {
	var waited time.Duration
	for pause := shortPause; ; pause = min(2*pause, longPause) {
		err := f()
		if err == nil {
			return nil
		}
		if !passes(err) || waited >= p.most || ctx.Err() != nil {
			return blame(err)
		}
		fired, stop := p.clock.After(pause)
		select {
		case <-fired:
		case <-ctx.Done():
		}
		stop()
		waited += pause
	}
}

// keeper is the journal as pkg/inject uses it.
type keeper struct {
	db       *store.Store
	change   store.Change
	journal  *store.Journal
	patience patience
	keys     *keyWatch
	leases   map[string]*lessee // by key set
	fresh    fresh

	mu  sync.Mutex
	out map[string]bool // loads that this station let go
}

// fresh are devices of which the journal had nothing when the station began. The first try at such a device does not ask
// the journal what earlier tries did; where somebody was faster after all, the journal tells when the first load is to
// be taken down.
type fresh struct {
	mu sync.Mutex
	is map[string]bool
}

// take reports whether a device is fresh, once.
func (f *fresh) take(serial string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	is := f.is[serial]
	delete(f.is, serial)
	return is
}

// Reserve takes a load down; the number of an initial key comes from a lease of the station.
func (k *keeper) Reserve(ctx context.Context, r store.LoadRequest) (store.Load, error) {
	if err := k.keys.alarm.raised(); err != nil {
		return store.Load{}, err
	}
	load, err := k.reserve(ctx, r)
	return load, k.whose(ctx, err)
}

// whose marks a refusal that every device would meet: a key of the plan is out of use, or a key set is frozen.
func (k *keeper) whose(ctx context.Context, err error) error {
	if !fault.Is(err, fault.NotPermitted) || ofStore(err) || inTrouble(err) {
		return err
	}
	if found := k.keys.look(ctx, 0); found != nil {
		return found
	}
	for id := range k.leases {
		var set store.KeySet
		found := k.patience.ask(ctx, func() (err error) {
			set, err = k.db.KeySet(ctx, id)
			return err
		})
		if found == nil && set.Frozen {
			return k.keys.alarm.raise(err)
		}
	}
	return err
}

func (k *keeper) reserve(ctx context.Context, r store.LoadRequest) (store.Load, error) {
	var load store.Load
	reserve := func() error {
		return k.patience.ask(ctx, func() (err error) {
			load, err = k.journal.Reserve(ctx, r)
			return err
		})
	}
	l := k.leases[r.KeySet]
	if l == nil {
		if err := reserve(); err != nil {
			return store.Load{}, err
		}
		return load, begun(&load)
	}
	for {
		var err error
		if r.Lease, err = l.current(ctx, k); err != nil {
			return store.Load{}, err
		}
		if err = reserve(); err == nil {
			return load, begun(&load)
		}
		if !l.spent(r.Lease, err) && !l.over(ctx, k, r.Lease, err) {
			return store.Load{}, err
		}
	}
}

// begun refuses a load that somebody had begun before: it is looked up and settled at the next try.
func begun(l *store.Load) error {
	if !l.Again || l.State == store.LoadReserved {
		return nil
	}
	return fault.New(fault.Busy, "slot %s of %s was begun by somebody else", l.Slot, l.Serial)
}

// Step writes a step. A load goes out once: when the commit of that step was not heard of and a second try is refused,
// nothing has been sent, and the device may be tried anew with another number.
//
// A load that was not let go, because of what every device would meet, is no failure: it stays reserved with its number.
func (k *keeper) Step(ctx context.Context, s store.LoadStep) (same []string, err error) {
	switch s.To {
	case store.LoadSent:
		if err := k.keys.look(ctx, freshLook); err != nil {
			return nil, err
		}
		k.let(s.ID, true)
	case store.LoadFailed:
		if err := k.keys.alarm.raised(); err != nil && !k.wasLet(s.ID) {
			return nil, err
		}
	}
	same, err = k.step(ctx, s)
	if s.To == store.LoadSent && fault.Is(err, fault.NotPermitted) {
		k.let(s.ID, false)
		err = k.whose(ctx, err)
	}
	if s.To != store.LoadSent && err == nil {
		k.let(s.ID, false)
	}
	return same, err
}

func (k *keeper) let(id string, is bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if is {
		k.out[id] = true
	} else {
		delete(k.out, id)
	}
}

func (k *keeper) wasLet(id string) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.out[id]
}

func (k *keeper) step(ctx context.Context, s store.LoadStep) (same []string, err error) {
	tries := 0
	err = k.patience.ask(ctx, func() error {
		tries++
		same, err = k.journal.Step(ctx, s)
		return err
	})
	if s.To == store.LoadSent && tries > 1 && fault.Is(err, fault.NotPermitted) {
		err = fault.New(fault.Busy, "nobody heard whether the load was let go; it is given up, nothing was sent")
	}
	return same, err
}

// history is the journal as pkg/inject asks it about one device.
type history struct {
	*keeper
	fresh bool
}

// Loads finds what earlier tries did.
func (h history) Loads(ctx context.Context, f store.LoadFilter) iter.Seq2[store.Load, error] {
	if h.fresh {
		return func(func(store.Load, error) bool) {}
	}
	return h.keeper.Loads(ctx, f)
}

// Loads finds what earlier tries did.
func (k *keeper) Loads(ctx context.Context, f store.LoadFilter) iter.Seq2[store.Load, error] {
	return func(yield func(store.Load, error) bool) {
		var all []store.Load
		err := k.patience.ask(ctx, func() error {
			all = all[:0]
			for l, err := range k.db.Loads(ctx, f) {
				if err != nil {
					return err
				}
				all = append(all, l)
			}
			return nil
		})
		if err != nil {
			yield(store.Load{}, err)
			return
		}
		for _, l := range all {
			if !yield(l, nil) {
				return
			}
		}
	}
}
