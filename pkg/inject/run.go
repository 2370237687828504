package inject

import (
	"context"
	"errors"
	"slices"
	"time"

	"poskey/internal/fault"
	"poskey/pkg/device"
	"poskey/pkg/dukpt"
	"poskey/pkg/hsm"
	"poskey/pkg/store"
)

// Loader loads jobs. It may be used for many devices at once.
type Loader struct {
	Boundary hsm.Boundary
	Journal  Journal // nil remembers nothing: for one key given on the spot
	History  History // what earlier runs did; nil with a nil Journal
	Now      func() time.Time
	// Again tries anew what an earlier run left failed or without a known outcome, with a new number each. Without it
	// only what the journal shows to be safe goes on.
	Again bool
	// Progress hears of every step; may be nil.
	Progress func(slot device.Slot, to store.LoadState)
}

// run is a job on its way.
type run struct {
	*Loader
	device device.Device
	clear  *Cleared
	book   *book
	report Report
}

// Run loads a job that passed its preflight. Every load has its outcome in the report; the error is for what kept the
// run from going on: nothing of it is lost, since the journal has it.
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
	r := &run{Loader: l, device: d, clear: &c, book: book, report: Report{Run: c.job.Run, Serial: c.serial, Began: l.Now()}}
	r.clearLoads(ctx)
	if err := r.identify(ctx); err != nil {
		return r.report, err
	}
	for i := range c.loads {
		if !c.loads[i].plan.Clear && ctx.Err() == nil && !r.stopped() {
			r.report.Loads = append(r.report.Loads, r.one(ctx, &c.loads[i]))
		}
	}
	if r.report.Err() != nil { // it says more than that the run was given up
		return r.report, nil
	}
	return r.report, interrupted(ctx)
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

// stopped reports whether the line failed: what comes after would only fail too.
func (r *run) stopped() bool {
	for _, o := range r.report.Loads {
		switch fault.KindOf(o.Err) {
		case fault.DeviceLink, fault.DeviceTimeout, fault.OutcomeUnknown, fault.Interrupted:
			return true
		}
	}
	return false
}

// clearLoads hands all clear keys over, and asks about them when the last one is over.
func (r *run) clearLoads(ctx context.Context) {
	var sent []*loading
	for i := range r.clear.loads {
		if !r.clear.loads[i].plan.Clear || ctx.Err() != nil {
			continue
		}
		g := r.begin(ctx, &r.clear.loads[i])
		if g.over {
			r.report.Loads = append(r.report.Loads, g.out)
			continue
		}
		g.send(ctx)
		if g.out.Err != nil && !g.unknown() {
			r.report.Loads = append(r.report.Loads, g.out)
			if r.stopped() {
				break
			}
			continue
		}
		sent = append(sent, g)
	}
	for _, g := range sent {
		g.confirm(ctx)
		r.report.Loads = append(r.report.Loads, g.out)
	}
}

// identify asks who it was that took the clear keys.
func (r *run) identify(ctx context.Context) error {
	s, tells := r.device.(device.Serials)
	if !tells || len(r.report.Loads) == 0 || r.clear.serial == "" || r.stopped() {
		return nil
	}
	got, err := s.Serial(ctx)
	if err != nil {
		return fault.Wrap(err, "ask the serial number after the clear loads")
	}
	if got != "" && got != r.clear.serial {
		return fault.Wrap(WrongDevice(got, r.clear.serial), "the clear keys went into another terminal")
	}
	return nil
}

// one does one load from its reservation to its verdict.
func (r *run) one(ctx context.Context, ready *Ready) Outcome {
	g := r.begin(ctx, ready)
	if g.over {
		return g.out
	}
	g.send(ctx)
	if g.out.Err == nil || g.unknown() {
		g.confirm(ctx)
	}
	return g.out
}

// loading is one load on its way.
type loading struct {
	*run
	ready   *Ready
	out     Outcome
	over    bool
	key     hsm.Key
	receipt device.Commit
}

func (g *loading) unknown() bool { return fault.Is(g.out.Err, fault.OutcomeUnknown) }

func (r *run) tell(slot device.Slot, to store.LoadState) {
	if r.Progress != nil {
		r.Progress(slot, to)
	}
}

// begin takes the load down, after it has settled what an earlier run left of it.
func (r *run) begin(ctx context.Context, ready *Ready) *loading {
	g := &loading{run: r, ready: ready, out: Outcome{Slot: ready.plan.Slot}}
	last, before := r.book.last[string(ready.plan.Slot)]
	attempt := 1
	if before {
		attempt = attemptOf(last.ID)
		if last.State != store.LoadReserved { // nothing was sent: the same number goes on
			next, over := g.earlier(ctx, last)
			if over {
				g.over = true
				return g
			}
			attempt += next
		}
	}
	load, err := r.book.reserve(ctx, &ready.plan, attempt)
	if err != nil {
		g.fail(err)
		return g
	}
	g.out.Load, g.out.State = load, load.State
	r.tell(ready.plan.Slot, store.LoadReserved)
	return g
}

func (g *loading) fail(err error) { g.out.Err, g.over = err, true }

// earlier settles what an earlier run left. It says by how much the number of the attempt grows, or that it is over.
func (g *loading) earlier(ctx context.Context, last store.Load) (next int, over bool) {
	if last.State == store.LoadSent || last.State == store.LoadUnknown {
		settled, err := g.settle(ctx, last)
		if err != nil {
			g.out.Load, g.out.State, g.out.Err = last, last.State, err
			return 0, true
		}
		last, g.out.Settled = settled, true
	}
	g.out.Load, g.out.State = last, last.State
	switch last.State {
	case store.LoadConfirmed:
		g.out.Done = !g.out.Settled
		g.out.Result.Slot, g.out.Result.Proof = g.ready.plan.Slot, device.Proof(last.Proof)
		return 0, true
	case store.LoadFailed:
		g.out = Outcome{Slot: g.out.Slot}
		return 1, false // known not to be in the device, or given up: a new number, if it is one that needs it
	}
	if !g.Again {
		g.out.Err = fault.New(fault.OutcomeUnknown, "slot %s of %s: an earlier run told the terminal to store a key, and nothing tells "+
			"whether it did; wipe the terminal or prove the key, then load anew with --again", last.Slot, last.Serial)
		return 0, true
	}
	if _, err := g.book.step(ctx, store.LoadStep{ID: last.ID, To: store.LoadFailed, Reason: "given up: loaded anew"}); err != nil {
		g.out.Err = err
		return 0, true
	}
	g.out = Outcome{Slot: g.out.Slot}
	return 1, false
}

// send gets the key ready, writes that it goes, and hands it over.
func (g *loading) send(ctx context.Context) {
	parcel, err := g.pack(ctx)
	if err == nil {
		g.key = parcel.key
		err = g.gone(ctx)
	}
	if err == nil {
		g.receipt, err = parcel.deliver(ctx, g.device)
	} else {
		parcel.wipe()
	}
	var unknown *device.OutcomeUnknown
	switch {
	case err == nil:
	case errors.As(err, &unknown):
		g.receipt, g.out.Err = unknown.Commit, err
	default:
		g.failed(ctx, err)
	}
}

// gone writes that from here on the key may be in the device.
func (g *loading) gone(ctx context.Context) error {
	_, err := g.book.step(ctx, store.LoadStep{ID: g.out.Load.ID, To: store.LoadSent, Check: g.key.Check, Device: store.Sent})
	if err == nil {
		g.out.State, g.out.Load.Check = store.LoadSent, g.key.Check
		g.tell(g.ready.plan.Slot, store.LoadSent)
	}
	return err
}

// failed writes that the key is known not to be in the device.
func (g *loading) failed(ctx context.Context, cause error) {
	_, err := g.book.step(ctx, store.LoadStep{ID: g.out.Load.ID, To: store.LoadFailed, Reason: reason(cause), Device: store.Failed})
	g.out.Err, g.out.State = cause, store.LoadFailed
	if err != nil {
		g.out.Err, g.out.State = fault.Wrap(err, "the load failed (%s), and the journal could not be told", reason(cause)), store.LoadSent
	}
	g.tell(g.ready.plan.Slot, g.out.State)
}

// confirm asks the device about the slot and writes the verdict.
func (g *loading) confirm(ctx context.Context) {
	if g.device.Capabilities().Proof == device.ProofCheckValue { // else the terminal reports none to compare with
		g.receipt.Want.Check = g.key.Check
	}
	result, err := g.device.Confirm(ctx, g.receipt)
	if err == nil {
		result, err = g.stronger(ctx, result)
	}
	switch {
	case err == nil:
		g.confirmed(ctx, result)
	case fault.Is(err, fault.OutcomeUnknown):
		g.lost(ctx, err)
	default:
		g.failed(ctx, err)
	}
}

func (g *loading) confirmed(ctx context.Context, result device.LoadResult) {
	same, err := g.book.step(ctx, store.LoadStep{ID: g.out.Load.ID, To: store.LoadConfirmed, Proof: string(result.Proof), Device: g.whole()})
	g.out.Err, g.out.Same = err, same
	g.out.Result = Result{LoadResult: result, Version: g.ready.version, Key: g.key}
	if err == nil {
		g.out.State, g.out.Load.Proof = store.LoadConfirmed, string(result.Proof)
	}
	g.tell(g.ready.plan.Slot, g.out.State)
}

// whole is the state of the device after the last load of its plan, "" before.
func (g *loading) whole() store.DeviceState {
	confirmed := 0
	for _, o := range g.report.Loads {
		if o.State == store.LoadConfirmed {
			confirmed++
		}
	}
	if confirmed+1 == len(g.clear.loads) {
		return store.Confirmed
	}
	return ""
}

// lost writes that nobody can know. The first error stays: it says where the line failed.
func (g *loading) lost(ctx context.Context, err error) {
	if g.out.Err == nil {
		g.out.Err = err
	}
	_, failed := g.book.step(ctx, store.LoadStep{ID: g.out.Load.ID, To: store.LoadUnknown, Reason: reason(err), Device: store.QuarantinedDevice})
	if failed == nil {
		g.out.State = store.LoadUnknown
	}
	g.tell(g.ready.plan.Slot, g.out.State)
}

// maxReason bounds what the journal keeps of an error.
const maxReason = 200

// reason is an error in one line. Errors hold no key bytes.
func reason(err error) string {
	line := []rune(err.Error())
	for i, c := range line {
		if c < ' ' {
			line[i] = ' '
		}
	}
	return string(line[:min(len(line), maxReason)])
}

// derivation is the initial key for a load's number.
func derivation(load *store.Load) (hsm.Derivation, error) {
	ksn, err := dukpt.ParseKSN(load.KSN)
	if err != nil {
		return hsm.Derivation{}, fault.Wrap(err, "the number of the load")
	}
	return hsm.Derivation{From: hsm.FromBDK, KSN: ksn, Want: hsm.WantIK}, nil
}
