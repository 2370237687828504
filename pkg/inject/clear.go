package inject

// Clear keys: together, without a question among them, and then into whom they went.

import (
	"context"
	"slices"

	"poskey/internal/fault"
	"poskey/internal/text"
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
		if out := &r.report.Loads[i]; left && (out.Done || out.Settled) && out.Err == nil && r.clear.loads[i].isClearMaster() {
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
	r.clearTogether()
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
	if who := r.identify(ctx); who != nil {
		r.misplaced(ctx, sent, who)
		r.giveUp(who)
		return
	}
	for _, g := range sent {
		g.confirm(ctx)
	}
	if len(sent) > 0 {
		r.lookAgain(ctx)
	}
}

// knowsWhom makes sure that it is the right device that is asked about what an earlier run left open. Otherwise the
// preflight has seen to it, or nothing is asked before the clear keys are over: a question ends the key inject mode. Where
// clear keys are refused for that, they go with the next run, which has nothing to ask.
func (r *run) knowsWhom(ctx context.Context) bool {
	if !r.clear.hasClear() {
		return true
	}
	for i := range r.clear.loads {
		last := r.book.last[string(r.clear.loads[i].plan.Slot)]
		if last.State != store.LoadSent && last.State != store.LoadUnknown {
			continue
		}
		if err := r.identify(ctx); err != nil {
			r.giveUp(err)
			return false
		}
		return true
	}
	return true
}

// giveUp leaves everything that was not begun.
func (r *run) giveUp(why error) {
	for i := range r.report.Loads {
		o := &r.report.Loads[i]
		if o.handled() {
			continue
		}
		if last, has := r.book.last[string(o.Slot)]; has {
			o.Load, o.State = last, last.State
		}
		o.Err = why
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
		return fault.Wrap(wrongDevice(got, r.clear.serial), "another terminal is on the line")
	}
	return nil
}

// misplaced writes down that keys went into another terminal, or nobody knows into which one. Neither that one nor the one
// that was meant is taken for what the journal has of it until it has been asked.
func (r *run) misplaced(ctx context.Context, sent []*loading, who error) {
	var all []store.Load
	for _, g := range sent {
		if g.out.Err == nil || r.told != "" {
			g.out.Err = who
		}
		g.lost(ctx, who)
		all = append(all, g.out.Load)
	}
	if r.told == "" || len(all) == 0 {
		return
	}
	if err := r.book.elsewhere(ctx, r.told, all, reason(who)); err != nil {
		sent[0].out.Err = fault.Wrap(who, "terminal %s took clear keys, and the journal could not be told (%s)", text.Redact(r.told), reason(err))
	}
}

// lookAgain looks at what earlier runs loaded, after clear keys have gone in: a key that the terminal erased for them is
// loaded anew.
func (r *run) lookAgain(ctx context.Context) {
	for i := range r.clear.loads {
		out := &r.report.Loads[i]
		if !out.Done && !out.Settled || out.Err != nil || r.stopped() || !asks(r.device.Capabilities(), r.clear.loads[i].plan) {
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
