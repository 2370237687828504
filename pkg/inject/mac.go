package inject

// The proof by a MAC: the terminal computes one with the key that it holds.

import (
	"context"
	"crypto/subtle"
	"encoding/hex"
	"io"
	"strings"

	"poskey/internal/cipherx"
	"poskey/internal/fault"
	"poskey/pkg/device"
	"poskey/pkg/kcv"
	"poskey/pkg/keys"
)

// macBlock is the length of a MAC.
const macBlock = 8

// question is what a terminal is asked to make a MAC of, and what it should answer.
type question struct {
	session, message []byte
	mac              string // in upper-case hex, as much of it as is known
	proof            device.Proof
}

// byMAC lets the device make a MAC with the key of the slot. Where the boundary gives the key out (keys given on the
// spot), the message is drawn and the whole MAC is compared: nobody answers that without the key. Else the message is a
// block of zero bytes, whose retail MAC is the key's check value by ECB in full (protocols: confirmed by computation),
// and what is known of that is compared: that is a check value told by the terminal, and called so. A terminal that
// refuses has not been asked, and then the proof is "".
func (g *loading) byMAC(ctx context.Context, want kcv.Value) (match bool, proof device.Proof, err error) {
	prover, ok := g.device.(device.Prover)
	if !ok || want.Method != kcv.ECBZero || len(want.Digits) < minDigits {
		return false, "", nil
	}
	q, ok := g.question(ctx, want)
	if !ok {
		return false, "", nil
	}
	answer, err := prover.MAC(ctx, g.ready.plan.Slot, q.session, q.message)
	if fault.Is(err, fault.DeviceFailed) || fault.Is(err, fault.Usage) {
		return false, "", nil
	}
	if err != nil {
		return false, "", err
	}
	got := strings.ToUpper(hex.EncodeToString(answer))
	clear(answer)
	n := min(len(got), len(q.mac))
	return subtle.ConstantTimeCompare([]byte(got[:n]), []byte(q.mac[:n])) == 1 && n >= minDigits, q.proof, nil
}

// question chooses the better of the two questions that can be asked.
func (g *loading) question(ctx context.Context, want kcv.Value) (question, bool) {
	usage := g.ready.plan.Usage
	if usage != keys.UsageRetail && usage != keys.UsageKEK {
		return question{}, false
	}
	if q, ok := g.drawn(ctx, want); ok {
		return q, true
	}
	if usage != keys.UsageRetail {
		return question{}, false
	}
	return question{make([]byte, macBlock), make([]byte, macBlock), strings.ToUpper(want.Digits), device.ProofCheckValue}, true
}

// drawn makes a question that nobody has asked before. A key-encrypting key is asked by a session key: the terminal
// decrypts the session with the key of the slot, and so is done here. A strict boundary gives nothing out, and would note
// that somebody asked.
func (g *loading) drawn(ctx context.Context, want kcv.Value) (question, bool) {
	key := g.ready.plan.Key.Key()
	same := key.Check.Method == want.Method && strings.EqualFold(key.Check.Digits, want.Digits)
	if g.Rand == nil || g.Boundary.Info().Strict || !same || !key.Algorithm.IsDES() || key.Len != 2*macBlock {
		return question{}, false
	}
	if !takesMACKeys(g.device.Capabilities(), g.ready.plan.Slot) {
		return question{}, false
	}
	with, err := g.Boundary.Reveal(ctx, key)
	if err != nil {
		return question{}, false
	}
	defer with.Wipe()
	q := question{session: make([]byte, macBlock), message: make([]byte, 2*macBlock), proof: device.ProofMAC}
	if _, err := io.ReadFull(g.Rand, q.message); err != nil {
		return question{}, false
	}
	if g.ready.plan.Usage == keys.UsageKEK {
		q.session = make([]byte, 2*macBlock)
		if _, err := io.ReadFull(g.Rand, q.session); err != nil {
			return question{}, false
		}
		c, err := cipherx.NewTDES(with.Expose())
		if err != nil {
			return question{}, false
		}
		cipherx.ECBDecrypt(c, with.Expose(), q.session)
	}
	mac, err := cipherx.RetailMAC(with.Expose(), q.message)
	if err != nil {
		return question{}, false
	}
	q.mac = strings.ToUpper(hex.EncodeToString(mac))
	return q, true
}

// takesMACKeys reports a slot of the group that MACs are made with.
func takesMACKeys(caps device.Capabilities, slot device.Slot) bool {
	for _, rule := range caps.Slots {
		if rule.Usage == keys.UsageRetail && rule.Has(slot) {
			return true
		}
	}
	return false
}
