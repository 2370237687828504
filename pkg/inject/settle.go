package inject

// What became of a key that was sent, by asking the device.

import (
	"context"
	"crypto/subtle"
	"encoding/hex"
	"strings"

	"poskey/internal/fault"
	"poskey/pkg/device"
	"poskey/pkg/dukpt"
	"poskey/pkg/kcv"
	"poskey/pkg/keys"
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
		step = store.LoadStep{ID: last.ID, To: store.LoadFailed, Reason: "asked later, the terminal does not have the key", Device: store.Failed}
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

// ask asks by what the dialect has: the check value, whether the slot is empty, a MAC with the key.
func (g *loading) ask(ctx context.Context, last store.Load) (verdict, device.Proof, error) {
	if !asks(g.device.Capabilities(), g.ready.plan) {
		return cannotTell, "", nil
	}
	now, err := g.device.ReadSlot(ctx, g.ready.plan.Slot)
	switch {
	case err != nil:
		return cannotTell, "", err
	case !now.Loaded:
		return holdsOther, "", nil
	case now.Check.Digits != "" && now.Check.Method == last.Check.Method:
		if sameDigits(now.Check.Digits, last.Check.Digits) && (last.KSN == "" || now.KSN == "" || sameNumber(now.KSN, last.KSN)) {
			return holdsIt, device.ProofCheckValue, nil
		}
		return holdsOther, "", nil
	}
	match, asked, err := g.byMAC(ctx, last.Check)
	switch {
	case err != nil || !asked:
		return cannotTell, "", err
	case match:
		return holdsIt, device.ProofMAC, nil
	}
	return holdsOther, "", nil
}

// minDigits is the least that two check values must share to count as equal.
const minDigits = 4

func sameDigits(a, b string) bool {
	n := min(len(a), len(b))
	return n >= minDigits && strings.EqualFold(a[:n], b[:n])
}

// sameNumber compares two KSNs without their counters: the terminal may have used the key since.
func sameNumber(a, b string) bool {
	x, errX := dukpt.ParseKSN(a)
	y, errY := dukpt.ParseKSN(b)
	return errX == nil && errY == nil && x.Initial().String() == y.Initial().String()
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

// byMAC lets the device make a MAC with the key of the slot over a block of zero bytes. With retail MAC that is the
// check value by ECB in full (protocols: confirmed by computation), so six digits of it are compared and the rest is
// forgotten. Only a key that makes MACs can be asked so.
func (g *loading) byMAC(ctx context.Context, want kcv.Value) (match, asked bool, err error) {
	prover, ok := g.device.(device.Prover)
	mac := g.ready.plan.Usage == keys.UsageRetail && want.Method == kcv.ECBZero && len(want.Digits) >= minDigits
	if !ok || !mac {
		return false, false, nil
	}
	answer, err := prover.MAC(ctx, g.ready.plan.Slot, make([]byte, 8), make([]byte, 8))
	if err != nil {
		return false, false, err
	}
	got := strings.ToUpper(hex.EncodeToString(answer))
	clear(answer)
	n := min(len(got), len(want.Digits))
	return subtle.ConstantTimeCompare([]byte(got[:n]), []byte(strings.ToUpper(want.Digits[:n]))) == 1, true, nil
}
