package inject

// What became of a key that was sent, by asking the device.

import (
	"context"
	"strings"

	"poskey/internal/fault"
	"poskey/pkg/device"
	"poskey/pkg/dukpt"
	"poskey/pkg/keyblock"
	"poskey/pkg/store"
)

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
	match, asked, err := g.byMAC(ctx, last.Check)
	switch {
	case err != nil:
		return cannotTell, "", err
	case !asked:
		return cannotTell, "", nil
	case match:
		return holdsIt, device.ProofMAC, nil
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
	match, asked, err := g.byMAC(ctx, g.key.Check)
	switch {
	case err != nil || !asked: // the load stands as it was proven; that more cannot be had takes nothing from it
		return result, nil //nolint:nilerr // see above
	case !match:
		return result, fault.New(fault.KCVMismatch, "slot %s: the terminal's MAC is not one of the key %s; it holds another key",
			string(result.Slot), g.key.Check)
	}
	result.Proof = device.ProofMAC
	return result, nil
}
