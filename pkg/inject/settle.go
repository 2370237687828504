package inject

// What became of a key that was sent, by asking the device.

import (
	"context"
	"strings"
	"time"

	"poskey/internal/fault"
	"poskey/pkg/device"
	"poskey/pkg/dukpt"
	"poskey/pkg/keyblock"
	"poskey/pkg/store"
)

// settleAll settles what earlier runs left open, before anything else is taken down: while nobody knows about one load of
// a device, the journal takes no other one.
func (r *run) settleAll(ctx context.Context) {
	for i := range r.clear.loads {
		g := r.loading(i)
		last := r.book.last[string(g.out.Slot)]
		if !last.State.Open() || ctx.Err() != nil || r.silent() {
			continue
		}
		g.earlier(ctx, last)
	}
}

// silent reports that the device does not answer.
func (r *run) silent() bool {
	for i := range r.report.Loads {
		if k := fault.KindOf(r.report.Loads[i].Err); r.report.Loads[i].Err != nil && (k == fault.DeviceLink || k == fault.DeviceTimeout) {
			return true
		}
	}
	return false
}

// exchangeLimit is how long another station may be at a load before it is taken for gone: longer than any dialect waits.
const exchangeLimit = 2 * time.Minute

// atWork reports a load that another station has sent so lately that it may be at it still. Its bytes may be on their way
// to the terminal: a verdict now could be overtaken by them.
func (g *loading) atWork(last *store.Load) bool {
	return last.State == store.LoadSent && last.Station != g.clear.job.Station && g.Now().Sub(last.Changed) < exchangeLimit
}

// earlier settles an open load of an earlier run.
func (g *loading) earlier(ctx context.Context, last store.Load) {
	if g.atWork(&last) {
		g.out.Load, g.out.State = last, last.State
		g.fail(fault.New(fault.Busy, "station %s has sent a key to slot %s since %s and may be at it still; wait %s", last.Station, last.Slot,
			last.Changed.UTC().Format(time.RFC3339), exchangeLimit))
		return
	}
	if last.State == store.LoadReserved {
		if !g.ready.isOf(&last) {
			g.giveUpLoad(ctx, last, fault.New(fault.NotPermitted, "run %s has taken another key down for slot %s; "+
				"--again gives that up", last.Run, last.Slot))
		}
		return
	}
	settled, err := g.settle(ctx, last)
	if err != nil {
		g.out.Load, g.out.State = last, last.State
		g.fail(err)
		return
	}
	g.book.last[last.Slot] = settled
	switch settled.State {
	case store.LoadFailed: // it is loaded anew, with another number
	case store.LoadConfirmed:
		same := g.out.Same
		g.out.done(settled)
		g.out.Done, g.out.Settled, g.out.Same = false, true, same
		if !g.ready.isOf(&settled) {
			g.out.Err = g.otherKey(&settled)
		}
	default:
		g.giveUpLoad(ctx, settled, fault.New(fault.OutcomeUnknown, "slot %s of %s: an earlier run told the terminal to store "+
			"a key, and nothing tells whether it did; wipe the terminal or prove the key, then load anew with --again", last.Slot,
			last.Serial))
	}
}

func (r *run) otherKey(last *store.Load) error {
	return fault.New(fault.NotPermitted, "run %s loaded another key into slot %s; give the new plan a run of its own", last.Run, last.Slot)
}

// giveUpLoad gives an open load up where that was asked for. Otherwise it is over, for the reason given.
func (g *loading) giveUpLoad(ctx context.Context, last store.Load, why error) {
	if g.Again {
		_, err := g.book.step(ctx, store.LoadStep{ID: last.ID, To: store.LoadFailed, Reason: "given up: loaded anew"})
		if err == nil {
			last.State = store.LoadFailed
			g.book.last[last.Slot] = last
			return
		}
		why = err
	}
	g.out.Load, g.out.State = last, last.State
	g.fail(why)
}

// settle asks the device about a load whose outcome an earlier run did not learn, and writes what the answer proves. A
// load that nothing can be asked about stays unknown.
func (g *loading) settle(ctx context.Context, last store.Load) (store.Load, error) {
	step := store.LoadStep{ID: last.ID, To: store.LoadUnknown, Reason: "nothing tells whether the terminal stored the key", Device: store.QuarantinedDevice}
	verdict, proof, err := g.ask(ctx, last)
	if err != nil {
		return last, err
	}
	switch verdict {
	case holdsIt:
		step = store.LoadStep{ID: last.ID, To: store.LoadConfirmed, Proof: string(proof), Device: g.whole()}
	case holdsOther:
		step = store.LoadStep{ID: last.ID, To: store.LoadFailed, Reason: "asked later, the terminal does not have the key", Device: g.fallen()}
	}
	if step.To == last.State {
		return last, nil
	}
	same, err := g.book.step(ctx, step)
	if err != nil {
		return last, err
	}
	g.out.Same = same
	last.State, last.Proof, last.Reason = step.To, step.Proof, step.Reason
	return last, nil
}

// verdict is what a question told.
type verdict int

const (
	cannotTell verdict = iota
	holdsIt
	holdsOther // another key, or none
)

// ask asks by what the dialect has: whether the slot is empty, its attributes, the check value, a MAC with the key.
func (g *loading) ask(ctx context.Context, last store.Load) (verdict, device.Proof, error) {
	if !asks(g.device.Capabilities(), g.ready.plan) {
		return cannotTell, "", nil
	}
	now, err := g.device.ReadSlot(ctx, g.ready.plan.Slot)
	switch {
	case err != nil:
		return cannotTell, "", err
	case !now.Loaded, g.hasOthers(now, last):
		return holdsOther, "", nil
	}
	if v := byCheck(now, last); v != cannotTell {
		return v, device.ProofCheckValue, nil
	}
	match, proof, err := g.byMAC(ctx, last.Check)
	switch {
	case err != nil:
		return cannotTell, "", err
	case proof == "":
		return cannotTell, "", nil
	case match:
		return holdsIt, proof, nil
	}
	return holdsOther, "", nil
}

// hasOthers reports attributes that the key of the load would not have.
func (g *loading) hasOthers(now device.SlotState, last store.Load) bool {
	p := &g.ready.plan
	if !now.HasAttributes || !g.ready.isOf(&last) {
		return false
	}
	if now.Usage != p.Usage || now.Mode != p.Mode {
		return true
	}
	return !p.initial() && now.Algorithm != keyblock.AlgorithmChar(p.Key.Key().Algorithm)
}

// minDigits is the least that two check values must share to count as equal.
const minDigits = 4

// byCheck compares the check value that the terminal computed, and the number where it tells it.
func byCheck(now device.SlotState, last store.Load) verdict {
	got, want := now.Check.Digits, last.Check.Digits
	n := min(len(got), len(want))
	switch {
	case n < minDigits || now.Check.Method != last.Check.Method:
		return cannotTell
	case !strings.EqualFold(got[:n], want[:n]):
		return holdsOther
	case last.KSN == "" || now.KSN == "":
		return holdsIt
	}
	same, known := sameNumber(now.KSN, last.KSN)
	switch {
	case !known:
		return cannotTell
	case same:
		return holdsIt
	}
	return holdsOther
}

// sameNumber compares two KSNs without their counters: the terminal may have used the key since. An AES initial key id
// has none.
func sameNumber(told, want string) (same, known bool) {
	const ikid = 16
	if len(told) == ikid && len(want) >= ikid {
		return strings.EqualFold(told, want[:ikid]), true
	}
	x, errX := dukpt.ParseKSN(told)
	y, errY := dukpt.ParseKSN(want)
	if errX != nil || errY != nil {
		return false, false
	}
	return x.Initial().String() == y.Initial().String(), true
}

// stronger makes the proof of a load better where the device can: a MAC with the key shows that the terminal holds that
// very key.
func (g *loading) stronger(ctx context.Context, result device.LoadResult) (device.LoadResult, error) {
	if result.Proof == device.ProofCheckValue {
		return result, nil
	}
	match, proof, err := g.byMAC(ctx, g.key.Check)
	switch {
	case err != nil || proof == "": // the load stands as it was proven; that more cannot be had takes nothing from it
		return result, nil //nolint:nilerr // see above
	case !match:
		return result, fault.New(fault.KCVMismatch, "slot %s: the terminal's MAC is not one of the key %s; it holds another key",
			string(result.Slot), g.key.Check)
	}
	result.Proof = proof
	return result, nil
}
