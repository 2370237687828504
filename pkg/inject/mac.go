package inject

// The proof by a MAC: the terminal computes one with the key that it holds.

import (
	"context"
	"crypto/subtle"
	"encoding/hex"
	"strings"

	"poskey/internal/cipherx"
	"poskey/internal/fault"
	"poskey/internal/secret"
	"poskey/pkg/device"
	"poskey/pkg/kcv"
	"poskey/pkg/keys"
)

// macBlock is the length of the message and of its MAC.
const macBlock = 8

// byMAC lets the device make a MAC over a block of zero bytes and holds it against the key. That can be asked of a key
// that makes MACs (M3), and of a key-encrypting key in a slot for such keys. A terminal that refuses has not been asked.
func (g *loading) byMAC(ctx context.Context, want kcv.Value) (match, asked bool, err error) {
	prover, ok := g.device.(device.Prover)
	if !ok || want.Method != kcv.ECBZero || len(want.Digits) < minDigits {
		return false, false, nil
	}
	session, mac := g.macOf(ctx, want)
	if mac == "" {
		return false, false, nil
	}
	answer, err := prover.MAC(ctx, g.ready.plan.Slot, session, make([]byte, macBlock))
	if fault.Is(err, fault.DeviceFailed) || fault.Is(err, fault.Usage) {
		return false, false, nil
	}
	if err != nil {
		return false, false, err
	}
	got := strings.ToUpper(hex.EncodeToString(answer))
	clear(answer)
	n := min(len(got), len(mac))
	return subtle.ConstantTimeCompare([]byte(got[:n]), []byte(mac[:n])) == 1 && n >= minDigits, true, nil
}

// macOf gives the session to ask with and the MAC to expect, "" where the key cannot be asked for one. With a session of
// zeros a retail MAC over zeros is the key's check value by ECB in full (protocols: confirmed by computation), so what is
// known of that is compared.
func (g *loading) macOf(ctx context.Context, want kcv.Value) (session []byte, mac string) {
	switch g.ready.plan.Usage {
	case keys.UsageRetail:
		return make([]byte, macBlock), strings.ToUpper(want.Digits)
	case keys.UsageKEK:
		return g.sessionMAC(ctx, want)
	}
	return nil, ""
}

// sessionMAC asks a key-encrypting key by a session key that nobody else uses: the terminal decrypts the session with the
// key of the slot, and so is done here, where the boundary gives the key out.
func (g *loading) sessionMAC(ctx context.Context, want kcv.Value) (session []byte, mac string) {
	key := g.ready.plan.Key.Key()
	same := key.Check.Method == want.Method && strings.EqualFold(key.Check.Digits, want.Digits)
	if g.Boundary.Info().Strict { // it gives nothing out, and would note that somebody asked
		return nil, ""
	}
	if !same || !key.Algorithm.IsDES() || !takesMACKeys(g.device.Capabilities(), g.ready.plan.Slot) {
		return nil, ""
	}
	clear, err := g.Boundary.Reveal(ctx, key)
	if err != nil {
		return nil, ""
	}
	defer clear.Wipe()
	c, err := cipherx.NewTDES(clear.Expose())
	if err != nil {
		return nil, ""
	}
	session = []byte("poskey asks: MAC") // any two blocks that differ will do
	under := secret.New(len(session))
	defer under.Wipe()
	cipherx.ECBDecrypt(c, under.Expose(), session)
	if c, err = cipherx.NewTDES(under.Expose()); err != nil {
		return nil, ""
	}
	out := make([]byte, macBlock)
	c.Encrypt(out, out)
	return session, strings.ToUpper(hex.EncodeToString(out))
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
