package inject

// One load: reserve, send, confirm, each written down before the next one begins.

import (
	"context"
	"errors"

	"poskey/internal/fault"
	"poskey/internal/text"
	"poskey/pkg/device"
	"poskey/pkg/dukpt"
	"poskey/pkg/hsm"
	"poskey/pkg/store"
)

// loading is one load on its way.
type loading struct {
	*run
	index   int
	ready   *Ready
	out     *Outcome // in the report
	over    bool
	replace bool
	attempt int
	key     hsm.Key
	receipt device.Commit
}

func (g *loading) unknown() bool { return fault.Is(g.out.Err, fault.OutcomeUnknown) }

// mayBeIn reports whether the key was handed over.
func (g *loading) mayBeIn() bool { return g.out.Err == nil || g.unknown() }

func (g *loading) fail(err error) { g.out.Err, g.over = err, true }

func (r *run) loading(i int) *loading {
	return &loading{run: r, index: i, ready: &r.clear.loads[i], out: &r.report.Loads[i], attempt: 1, replace: r.Replace}
}

// begin takes the load down, as the attempt after those of which is known that the device does not have them.
func (r *run) begin(ctx context.Context, i int) *loading {
	g := r.loading(i)
	if last, before := r.book.last[string(g.out.Slot)]; before {
		g.attempt = attemptOf(last.ID)
		if last.State != store.LoadReserved { // nothing was sent: the same number goes on
			g.attempt++
		}
		g.replace = g.replace || r.anew[i]
	}
	load, err := r.book.reserve(ctx, &g.ready.plan, g.attempt, g.replace)
	if err != nil {
		g.fail(err)
		return g
	}
	g.out.Load, g.out.State = load, load.State
	if load.State != store.LoadReserved {
		g.fail(g.elsewhereBegun())
		return g
	}
	r.tell(g.out.Slot, store.LoadReserved)
	return g
}

func (g *loading) elsewhereBegun() error {
	return fault.New(fault.Busy, "slot %s of %s is being loaded by another run; nothing was sent from here", string(g.out.Slot),
		g.book.serial)
}

// send gets the key ready, writes that it goes, and hands it over.
func (g *loading) send(ctx context.Context) {
	parcel, err := g.pack(ctx)
	if err != nil {
		g.failed(ctx, err)
		return
	}
	g.key = parcel.key
	if err := g.gone(ctx); err != nil {
		parcel.wipe()
		g.kept(ctx, err)
		return
	}
	g.receipt, err = parcel.deliver(ctx, g.device)
	var unknown *device.OutcomeUnknown
	switch {
	case errors.As(err, &unknown):
		g.receipt, g.out.Err = unknown.Commit, err
	case fault.Is(err, fault.OutcomeUnknown):
		g.receipt, g.out.Err = device.Commit{Slot: g.out.Slot}, err
	case err != nil:
		g.failed(ctx, err)
		return
	}
	if g.device.Capabilities().Proof == device.ProofCheckValue { // the driver knows the block, not the key in it
		g.receipt.Want.Check = g.key.Check
	}
}

// gone writes that from here on the key may be in the device.
func (g *loading) gone(ctx context.Context) error {
	under, err := g.ready.plan.under()
	if err == nil {
		_, err = g.book.step(ctx, store.LoadStep{ID: g.out.Load.ID, To: store.LoadSent, Check: g.key.Check, Under: under, Device: store.Sent})
	}
	if err == nil {
		g.out.State, g.out.Load.State, g.out.Load.Check = store.LoadSent, store.LoadSent, g.key.Check
		g.tell(g.out.Slot, store.LoadSent)
	}
	return err
}

// kept is a load that the journal did not let go: nothing was sent. One that the journal refuses may be another run's,
// which is at it now; that is left alone.
func (g *loading) kept(ctx context.Context, cause error) {
	if fault.Is(cause, fault.NotPermitted) {
		now, err := g.book.reserve(ctx, &g.ready.plan, g.attempt, g.replace)
		if err != nil || now.State != store.LoadReserved {
			g.out.Err = fault.WrapAs(fault.Busy, cause, "slot %s of %s is being loaded by another run; nothing was sent from here",
				string(g.out.Slot), g.book.serial)
			return
		}
	}
	g.failed(ctx, cause)
}

// failed writes that the key is known not to be in the device.
func (g *loading) failed(ctx context.Context, cause error) {
	_, err := g.book.step(ctx, store.LoadStep{ID: g.out.Load.ID, To: store.LoadFailed, Reason: reason(cause),
		Refusal: refusal(cause), Device: g.fallen()})
	if err != nil {
		g.out.Err = fault.Wrap(err, "the load failed (%s), and the journal could not be told", reason(cause))
	} else {
		g.out.Err, g.out.State = cause, store.LoadFailed
		g.out.Load.State, g.out.Load.Reason, g.out.Load.Refusal = store.LoadFailed, reason(cause), refusal(cause)
	}
	g.tell(g.out.Slot, g.out.State)
}

// fallen is the state of the device after a load failed: that of the others, while nobody knows about one of them.
func (g *loading) fallen() store.DeviceState {
	for i := range g.report.Loads {
		if s := g.report.Loads[i].State; i != g.index && (s == store.LoadSent || s == store.LoadUnknown) {
			return ""
		}
	}
	return store.Failed
}

// confirm asks the device about the slot and writes the verdict. What was sent is asked about also when the run is given
// up: it cannot be taken back.
func (g *loading) confirm(ctx context.Context) {
	ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer stop()
	result, err := g.device.Confirm(ctx, g.receipt)
	if err == nil {
		result, err = g.stronger(ctx, result)
	}
	switch {
	case err == nil:
		g.confirmed(ctx, result)
	case g.mayHold(ctx, err):
		g.lost(ctx, err)
	default:
		g.failed(ctx, err)
	}
}

// mayHold reports whether the device may hold what was sent, or holds something in its place, after its answer did not
// confirm the load. Another check value than the key's is one of these: the number went with it, and whether the device
// stored another key or computes check values otherwise is not for a guess.
func (g *loading) mayHold(ctx context.Context, err error) bool {
	switch {
	case fault.Is(err, fault.OutcomeUnknown), fault.Is(err, fault.KCVMismatch):
		return true
	case !g.receipt.Closed:
		return false // the slot shows that the commit did not arrive
	case !asks(g.device.Capabilities(), g.ready.plan):
		return true
	}
	now, askErr := g.device.ReadSlot(ctx, g.out.Slot)
	return askErr != nil || now.Loaded
}

func (g *loading) confirmed(ctx context.Context, result device.LoadResult) {
	same, err := g.book.step(ctx, store.LoadStep{ID: g.out.Load.ID, To: store.LoadConfirmed, Proof: string(result.Proof), Device: g.whole()})
	g.out.Err, g.out.Same = err, same
	g.out.Result = Result{LoadResult: result, Version: g.ready.version, Key: g.key}
	if err == nil {
		g.out.State, g.out.Load.State, g.out.Load.Proof = store.LoadConfirmed, store.LoadConfirmed, string(result.Proof)
	}
	g.tell(g.out.Slot, g.out.State)
}

// whole is the state of the device when all its loads are confirmed with this one, "" before.
func (g *loading) whole() store.DeviceState {
	for i := range g.report.Loads {
		if o := &g.report.Loads[i]; i != g.index && (o.State != store.LoadConfirmed || o.Err != nil) {
			return ""
		}
	}
	return store.Confirmed
}

// lost writes that nobody can know. The first error stays, since it says where the line failed; that the device holds
// something else says more.
func (g *loading) lost(ctx context.Context, err error) {
	if g.out.Err == nil || fault.Is(err, fault.KCVMismatch) {
		g.out.Err = err
	}
	_, failed := g.book.step(ctx, store.LoadStep{ID: g.out.Load.ID, To: store.LoadUnknown, Reason: reason(err), Device: store.QuarantinedDevice})
	if failed == nil {
		g.out.State, g.out.Load.State, g.out.Load.Reason = store.LoadUnknown, store.LoadUnknown, reason(err)
	}
	g.tell(g.out.Slot, g.out.State)
}

// maxReason bounds what the journal keeps of an error.
const maxReason = 200

// reason is an error in one line. Errors hold no key bytes.
func reason(err error) string { return text.OneLine(err.Error(), maxReason) }

// refusal is the device's own no in an error, where there is one.
func refusal(err error) store.Refusal {
	dialect, answer, _ := device.RefusalIn(err)
	return store.Refusal{Dialect: dialect, Answer: answer}
}

// derivation is the initial key for a load's number.
func derivation(load *store.Load) (hsm.Derivation, error) {
	ksn, err := dukpt.ParseKSN(load.KSN)
	if err != nil {
		return hsm.Derivation{}, fault.Wrap(err, "the number of the load")
	}
	return hsm.Derivation{From: hsm.FromBDK, KSN: ksn, Want: hsm.WantIK}, nil
}
