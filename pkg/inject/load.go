package inject

// One load: reserve, send, confirm, each written down before the next one begins.

import (
	"context"
	"errors"

	"poskey/internal/fault"
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

// begin takes the load down, after it has settled what an earlier run left of it.
func (r *run) begin(ctx context.Context, i int) *loading {
	g := &loading{run: r, index: i, ready: &r.clear.loads[i], out: &r.report.Loads[i], attempt: 1, replace: r.Replace}
	if last, before := r.book.last[string(g.out.Slot)]; before {
		g.attempt = attemptOf(last.ID)
		next := g.earlier(ctx, last)
		if g.over {
			return g
		}
		g.attempt += next
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

// earlier settles what an earlier run left. It says by how much the number of the attempt grows.
func (g *loading) earlier(ctx context.Context, last store.Load) (next int) {
	switch last.State {
	case store.LoadConfirmed: // and lost since: the number that it had is given up
		g.replace = g.replace || g.anew[g.index]
		return 1
	case store.LoadFailed: // known not to be in the device, or given up
		return 1
	case store.LoadReserved: // nothing was sent: the same number goes on
		if g.ready.isOf(&last) {
			return 0
		}
		return g.giveUpLoad(ctx, last, fault.New(fault.NotPermitted, "run %s has taken another key down for slot %s; "+
			"--again gives that up", last.Run, last.Slot))
	}
	settled, err := g.settle(ctx, last)
	if err != nil {
		g.out.Load, g.out.State = last, last.State
		g.fail(err)
		return 0
	}
	switch settled.State {
	case store.LoadConfirmed:
		same := g.out.Same
		g.out.done(settled)
		g.out.Done, g.out.Settled, g.out.Same = false, true, same
		g.over = true
		if !g.ready.isOf(&settled) {
			g.out.Err = fault.New(fault.NotPermitted, "run %s loaded another key into slot %s; give the new plan a run of its own",
				last.Run, last.Slot)
		}
		return 0
	case store.LoadFailed:
		return 1
	}
	return g.giveUpLoad(ctx, settled, fault.New(fault.OutcomeUnknown, "slot %s of %s: an earlier run told the terminal to store "+
		"a key, and nothing tells whether it did; wipe the terminal or prove the key, then load anew with --again", last.Slot,
		last.Serial))
}

// giveUpLoad gives an open load up where that was asked for. Otherwise it is over, for the reason given.
func (g *loading) giveUpLoad(ctx context.Context, last store.Load, why error) (next int) {
	if g.Again {
		_, err := g.book.step(ctx, store.LoadStep{ID: last.ID, To: store.LoadFailed, Reason: "given up: loaded anew"})
		if err == nil {
			return 1
		}
		why = err
	}
	g.out.Load, g.out.State = last, last.State
	g.fail(why)
	return 0
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
	_, err := g.book.step(ctx, store.LoadStep{ID: g.out.Load.ID, To: store.LoadSent, Check: g.key.Check, Device: store.Sent})
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
			g.out.Err = fault.WrapAs(fault.Busy, cause, "%s", g.elsewhereBegun())
			return
		}
	}
	g.failed(ctx, cause)
}

// failed writes that the key is known not to be in the device.
func (g *loading) failed(ctx context.Context, cause error) {
	_, err := g.book.step(ctx, store.LoadStep{ID: g.out.Load.ID, To: store.LoadFailed, Reason: reason(cause), Device: g.fallen()})
	if err != nil {
		g.out.Err = fault.Wrap(err, "the load failed (%s), and the journal could not be told", reason(cause))
	} else {
		g.out.Err, g.out.State = cause, store.LoadFailed
		g.out.Load.State, g.out.Load.Reason = store.LoadFailed, reason(cause)
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

// lost writes that nobody can know. The first error stays: it says where the line failed.
func (g *loading) lost(ctx context.Context, err error) {
	if g.out.Err == nil {
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
