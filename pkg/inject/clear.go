package inject

// Clear keys: together, without a question among them, and then into whom they went.

import (
	"context"
	"slices"

	"poskey/internal/fault"
	"poskey/pkg/device"
	"poskey/pkg/store"
)

func (c *Cleared) hasClear() bool {
	return slices.ContainsFunc(c.loads, func(r Ready) bool { return r.plan.Clear })
}

// isClearMaster reports a clear load that makes a terminal erase its other master keys.
func (r *Ready) isClearMaster() bool { return r.plan.Clear && !r.plan.initial() }

// clearTogether lets the clear master keys of a job go together, also those that an earlier run loaded: the first one
// that a terminal takes in its key inject mode erases all others. A dialect of cryptograms takes no second key into a
// slot, and has no such rule.
func (r *run) clearTogether() {
	if r.device.Capabilities().Cryptograms {
		return
	}
	left := false
	for i := range r.clear.loads {
		left = left || r.clear.loads[i].isClearMaster() && !r.report.Loads[i].handled()
	}
	for i := range r.clear.loads {
		if out := &r.report.Loads[i]; left && out.Done && r.clear.loads[i].isClearMaster() {
			*out = Outcome{Slot: out.Slot}
			r.anew[i] = true
		}
	}
}

// clearLoads hands all clear keys over, and asks about them when the last one is over.
func (r *run) clearLoads(ctx context.Context) {
	if !r.clear.hasClear() {
		return
	}
	if r.asksFirst() && !r.met(ctx) {
		return
	}
	var sent []*loading
	for i := range r.clear.loads {
		if !r.clear.loads[i].plan.Clear || !r.goesOn(ctx, i) {
			continue
		}
		g := r.begin(ctx, i)
		if g.over {
			continue
		}
		g.send(ctx)
		if g.mayBeIn() {
			sent = append(sent, g)
		}
	}
	who := r.identify(ctx)
	for _, g := range sent {
		if who == nil {
			g.confirm(ctx)
		} else {
			g.misplaced(ctx, who)
		}
	}
	if who != nil {
		r.giveUp(who)
		return
	}
	if len(sent) > 0 {
		r.lookAgain(ctx)
	}
}

// asksFirst reports whether an earlier run left something that the device must be asked about. The question ends the key
// inject mode; where clear keys are refused for that, they are sent with the next run, which has nothing to ask.
func (r *run) asksFirst() bool {
	for i := range r.clear.loads {
		last := r.book.last[string(r.clear.loads[i].plan.Slot)]
		if last.State == store.LoadSent || last.State == store.LoadUnknown {
			return true
		}
	}
	return false
}

// met makes sure that it is the right device that is asked.
func (r *run) met(ctx context.Context) bool {
	err := r.identify(ctx)
	if err != nil {
		r.giveUp(err)
	}
	return err == nil
}

// giveUp leaves everything that was not begun.
func (r *run) giveUp(why error) {
	for i := range r.report.Loads {
		if o := &r.report.Loads[i]; !o.handled() {
			o.Err = why
		}
	}
}

// identify asks who is on the line. A device that tells no serial number is who it is said to be.
func (r *run) identify(ctx context.Context) error {
	s, tells := r.device.(device.Serials)
	if !tells || r.clear.serial == "" {
		return nil
	}
	ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer stop()
	got, err := s.Serial(ctx)
	if err != nil {
		return fault.Wrap(err, "ask who took the clear keys")
	}
	if got != "" && got != r.clear.serial {
		r.told = got
		return fault.Wrap(WrongDevice(got, r.clear.serial), "another terminal is on the line")
	}
	return nil
}

// misplaced writes down that the key went into another terminal, or nobody knows into which one. Neither that one nor
// the one that was meant is taken for what the journal has of it until it has been asked.
func (g *loading) misplaced(ctx context.Context, who error) {
	if g.out.Err == nil || g.told != "" {
		g.out.Err = who
	}
	g.lost(ctx, who)
	if g.told == "" {
		return
	}
	if err := g.book.elsewhere(ctx, g.told, g.out.Load, reason(who)); err != nil {
		g.out.Err = fault.Wrap(who, "terminal %s took a clear key, and the journal could not be told (%s)", g.told, reason(err))
	}
}

// lookAgain looks at what earlier runs loaded, after clear keys have gone in: a key that the terminal erased for them is
// loaded anew.
func (r *run) lookAgain(ctx context.Context) {
	for i := range r.clear.loads {
		out := &r.report.Loads[i]
		if !out.Done || r.stopped() || !asks(r.device.Capabilities(), r.clear.loads[i].plan) {
			continue
		}
		now, err := r.device.ReadSlot(ctx, out.Slot)
		if err != nil {
			out.Err = err
			continue
		}
		if !now.Loaded {
			*out = Outcome{Slot: out.Slot}
			r.anew[i] = true
		}
	}
}
