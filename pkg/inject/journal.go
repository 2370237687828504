package inject

import (
	"context"
	"iter"
	"time"

	"poskey/internal/fault"
	"poskey/pkg/device"
	"poskey/pkg/store"
)

// Journal keeps what became of every load. When a call returns without an error its change is on the disk.
// store.Journal is one, and writes the steps of many loads at once.
type Journal interface {
	Reserve(ctx context.Context, r store.LoadRequest) (store.Load, error)
	Step(ctx context.Context, s store.LoadStep) (same []string, err error)
}

// History finds loads of earlier runs; store.Store is one.
type History interface {
	Loads(ctx context.Context, f store.LoadFilter) iter.Seq2[store.Load, error]
}

// patience is how long the journal may take for a step when the run was given up: what is on the line must get down.
const patience = 30 * time.Second

// book is the journal of one job; without a journal it remembers nothing.
type book struct {
	journal Journal
	job     *Job
	serial  string
	last    map[string]store.Load // the newest load of each slot
}

// openBook reads what earlier runs of the job did.
func openBook(ctx context.Context, l *Loader, c *Cleared) (*book, error) {
	b := &book{journal: l.Journal, job: &c.job, serial: c.serial, last: map[string]store.Load{}}
	if l.History == nil || l.Journal == nil {
		return b, nil
	}
	for load, err := range l.History.Loads(ctx, store.LoadFilter{Run: c.job.Run, Serial: c.serial}) {
		if err != nil {
			return nil, fault.Wrap(err, "read the journal of run %s", c.job.Run)
		}
		if before, ok := b.last[load.Slot]; !ok || attemptOf(load.ID) > attemptOf(before.ID) {
			b.last[load.Slot] = load
		}
	}
	return b, nil
}

// reserve takes a load down, as the attempt of that number.
func (b *book) reserve(ctx context.Context, p *Plan, attempt int, replace bool) (store.Load, error) {
	r := store.LoadRequest{ID: requestID(b.job.Run, b.serial, p.Slot, attempt), Run: b.job.Run, Serial: b.serial,
		Slot: string(p.Slot), Key: p.Ref, KeySet: p.KeySet, Station: b.job.Station, Clear: p.Clear, Replace: replace && p.initial()}
	if b.journal == nil {
		return store.Load{LoadRequest: r, State: store.LoadReserved}, nil
	}
	load, err := b.journal.Reserve(ctx, r)
	return load, fault.Wrap(err, "take the load of slot %s down", string(p.Slot))
}

// step writes a step. What was sent cannot be taken back, so its outcome is written even when the run is given up.
func (b *book) step(ctx context.Context, s store.LoadStep) (same []string, err error) {
	if b.journal == nil {
		return nil, nil
	}
	if s.To != store.LoadSent {
		var stop context.CancelFunc
		ctx, stop = context.WithTimeout(context.WithoutCancel(ctx), patience)
		defer stop()
	}
	same, err = b.journal.Step(ctx, s)
	if s.Device != "" && fault.Is(err, fault.NotPermitted) { // another run moved the device; what became of the load counts more
		s.Device = ""
		same, err = b.journal.Step(ctx, s)
	}
	return same, fault.Wrap(err, "write the journal")
}

// elsewhere writes down that a terminal of the inventory took keys that were meant for another one: it has an open load of
// each slot from now on, without a number of its own, and is in quarantine.
func (b *book) elsewhere(ctx context.Context, serial string, meant []store.Load, why string) error {
	if b.journal == nil {
		return nil
	}
	ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer stop()
	var steps []store.LoadStep
	for _, l := range meant {
		id := requestID(b.job.Run, serial+"<"+b.serial, device.Slot(l.Slot), attemptOf(l.ID))
		r := store.LoadRequest{ID: id, Run: b.job.Run, Serial: serial, Slot: l.Slot, Key: l.Key, Station: b.job.Station, Clear: l.Clear}
		if _, err := b.journal.Reserve(ctx, r); err != nil {
			return err
		}
		steps = append(steps, store.LoadStep{ID: id, To: store.LoadSent, Check: l.Check, Device: store.Sent})
	}
	for i := range meant { // all are reserved: no other one is, once one of them is unknown
		steps = append(steps, store.LoadStep{ID: steps[i].ID, To: store.LoadUnknown, Reason: why, Device: store.QuarantinedDevice})
	}
	for _, s := range steps {
		if _, err := b.journal.Step(ctx, s); err != nil {
			return err
		}
	}
	return nil
}
