package inject

// A job on its way: what goes in which order.

import (
	"context"
	"io"
	"slices"
	"strings"
	"time"

	"poskey/internal/fault"
	"poskey/pkg/device"
	"poskey/pkg/hsm"
	"poskey/pkg/store"
)

// Loader loads jobs. It may be used for many devices at once.
type Loader struct {
	Boundary hsm.Boundary
	Journal  Journal // nil remembers nothing: for one key given on the spot
	History  History // what earlier runs did; nil with a nil Journal
	Now      func() time.Time
	// Rand draws what a terminal is asked to prove a key with; nil asks by the check value alone.
	Rand io.Reader
	// Again tries anew what an earlier run left without a known outcome, and what the device has lost since, with a new
	// number each. Without it only what the journal shows to be safe goes on.
	Again bool
	// Replace gives up the number that a device has of a key set in the slot: it is burnt when the new one is taken.
	Replace bool
	// Progress hears of every step; may be nil.
	Progress func(slot device.Slot, to store.LoadState)
}

// run is a job on its way.
type run struct {
	*Loader
	device device.Device
	clear  *Cleared
	book   *book
	anew   []bool // loads that were confirmed and are not in the device any more
	told   string // serial number of another device that took the clear keys
	report Report
}

// Run loads a job that passed its preflight. Every load has its outcome in the report, with its error; the error besides
// is for what kept the run from beginning, and for a run that was given up: nothing of it is lost, since the journal has
// it.
func (l *Loader) Run(ctx context.Context, d device.Device, c Cleared) (Report, error) {
	if len(c.loads) == 0 {
		return Report{}, fault.New(fault.Usage, "nothing passed its preflight")
	}
	if err := l.journalled(&c); err != nil {
		return Report{}, err
	}
	book, err := openBook(ctx, l, &c)
	if err != nil {
		return Report{}, err
	}
	r := &run{Loader: l, device: d, clear: &c, book: book, anew: make([]bool, len(c.loads)),
		report: Report{Run: c.job.Run, Serial: c.serial, Began: l.Now(), Loads: make([]Outcome, len(c.loads))}}
	r.report.Beside = r.beside()
	r.recall()
	if r.knowsWhom(ctx) {
		r.settleAll(ctx)
		r.clearLoads(ctx)
	}
	for i := range c.loads {
		if !c.loads[i].plan.Clear && r.goesOn(ctx, i) {
			r.one(ctx, i)
		}
	}
	if r.report.Err() != nil || r.report.Confirmed() { // it says more than that the run was given up
		return r.report, nil
	}
	return r.report, interrupted(ctx)
}

// beside finds open loads of the run that the plan does not have.
func (r *run) beside() []store.Load {
	var out []store.Load
	for slot, last := range r.book.last {
		planned := func(l Ready) bool { return string(l.plan.Slot) == slot }
		if last.State.Open() && !slices.ContainsFunc(r.clear.loads, planned) {
			out = append(out, last)
		}
	}
	slices.SortFunc(out, func(a, b store.Load) int { return strings.Compare(a.Slot, b.Slot) })
	return out
}

func interrupted(ctx context.Context) error {
	if ctx.Err() == nil {
		return nil
	}
	return fault.WrapAs(fault.Interrupted, context.Cause(ctx), "the run was given up; the journal has how far it came")
}

// journalled refuses initial keys without a journal: their numbers must be taken for good before anything is sent.
func (l *Loader) journalled(c *Cleared) error {
	initial := slices.ContainsFunc(c.loads, func(r Ready) bool { return r.plan.initial() })
	switch {
	case l.Journal == nil && initial:
		return fault.New(fault.Usage, "initial keys are loaded with a journal only, which keeps the numbers apart; it stands in the store")
	case l.Journal != nil && c.serial == "":
		return fault.New(fault.Usage, "the device tells no serial number; say which device of the inventory it is (--serial)")
	}
	return nil
}

// goesOn reports whether a load is still to be done, and can be.
func (r *run) goesOn(ctx context.Context, i int) bool {
	return !r.report.Loads[i].handled() && ctx.Err() == nil && !r.stopped()
}

// stopped reports whether the line failed, or nobody knows what the device holds: what comes after would only fail too.
func (r *run) stopped() bool {
	for i := range r.report.Loads {
		o := &r.report.Loads[i]
		if o.Err == nil {
			continue
		}
		switch fault.KindOf(o.Err) {
		case fault.DeviceLink, fault.DeviceTimeout, fault.OutcomeUnknown, fault.Interrupted:
			return true
		}
		if o.State == store.LoadUnknown || o.State == store.LoadSent {
			return true
		}
	}
	return false
}

// recall takes over what earlier runs confirmed.
func (r *run) recall() {
	for i := range r.clear.loads {
		ready, out := &r.clear.loads[i], &r.report.Loads[i]
		out.Slot = ready.plan.Slot
		last, has := r.book.last[string(out.Slot)]
		switch {
		case !has || last.State != store.LoadConfirmed:
		case !ready.isOf(&last):
			out.Err = r.otherKey(&last)
		case !ready.asked || ready.before.Loaded:
			out.done(last)
		case r.Again:
			r.anew[i] = true
		default:
			out.Err = fault.New(fault.DeviceFailed, "slot %s of %s was loaded by this run and is empty now: the terminal lost its keys; "+
				"find out why, then load anew with --again", last.Slot, last.Serial)
		}
	}
}

func (o *Outcome) done(last store.Load) {
	*o = Outcome{Slot: o.Slot, State: last.State, Load: last, Done: true}
	o.Result.Slot, o.Result.Proof = o.Slot, device.Proof(last.Proof)
}

// isOf reports whether a load of the journal is of the key that the plan has.
func (r *Ready) isOf(l *store.Load) bool {
	p := &r.plan
	if l.KeySet != p.KeySet || l.Clear != p.Clear || !p.Ref.IsZero() && l.Key != p.Ref {
		return false
	}
	if p.initial() || l.Check.Digits == "" {
		return true
	}
	key := p.Key.Key().Check
	return key.Method != l.Check.Method || strings.EqualFold(key.Digits, l.Check.Digits)
}

// one does one load from its reservation to its verdict.
func (r *run) one(ctx context.Context, i int) {
	g := r.begin(ctx, i)
	if g.over {
		return
	}
	g.send(ctx)
	if g.mayBeIn() {
		g.confirm(ctx)
	}
}

func (r *run) tell(slot device.Slot, to store.LoadState) {
	if r.Progress != nil {
		r.Progress(slot, to)
	}
}
