package emulator

import (
	"slices"

	"poskey/internal/cipherx"
	"poskey/internal/fault"
	"poskey/internal/secret"
	"poskey/pkg/device"
	"poskey/pkg/dukpt"
	"poskey/pkg/kcv"
	"poskey/pkg/keys"
)

// newEngine makes a DUKPT engine of an initial key, which is gone afterwards.
func (t *Terminal) newEngine(e *entry, ksn dukpt.KSN, check kcv.Value) (*engine, error) {
	defer e.key.Wipe()
	full, err := kcv.Compute(e.alg, e.key.Secret().Expose(), kcv.Default(e.alg))
	if err != nil {
		return nil, err
	}
	ik, err := dukpt.NewIK(ksn.Scheme(), e.key)
	if err != nil {
		return nil, err
	}
	dev, err := dukpt.NewDevice(ik, ksn)
	if err != nil {
		return nil, err
	}
	return &engine{dev: dev, alg: e.alg, check: check, mark: t.marked(e.alg, full)}, nil
}

func (e *engine) state() (dukpt.State, error) {
	if e.dev == nil {
		return dukpt.State{}, fault.New(fault.NotFound, "the DUKPT engine is damaged")
	}
	return e.dev.State()
}

// Transaction gives the key of an engine's next transaction, after the counter has gone on, on disk too. The caller
// wipes it.
func (t *Terminal) Transaction(slot device.Slot) (*dukpt.Transaction, Refusal) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if why := t.ready(); why != Accepted {
		return nil, why
	}
	e, ok := t.s.engines[slot]
	switch {
	case !ok:
		return nil, RefusedEmpty
	case e.dev == nil:
		return nil, RefusedDamaged
	}
	tx, err := e.dev.Next()
	switch {
	case fault.Is(err, fault.EndOfLife):
		return nil, RefusedExhausted
	case err != nil:
		return nil, RefusedDamaged
	}
	e.record = nil
	if err := t.keep(); err != nil { // the counter stays ahead of the disk until the next store: this key is never given
		tx.Wipe()
		return nil, RefusedStorage
	}
	return tx, Accepted
}

// MAC computes ISO 9797-1 algorithm 3 (zero padding, zero IV; DES in CBC mode for a single-length key) with the key
// that the session cryptogram gives under the slot's key, or with the slot's own where session is all zero.
func (t *Terminal) MAC(slot device.Slot, session, message []byte) ([]byte, Refusal) {
	t.mu.Lock()
	defer t.mu.Unlock()
	key, why := t.macKey(slot, session)
	if why != Accepted {
		return nil, why
	}
	defer key.Wipe()
	return macOf(key.Expose(), message)
}

// macOf pads with zeros and computes the MAC.
func macOf(key, message []byte) ([]byte, Refusal) {
	padded := make([]byte, max(8, (len(message)+7)/8*8))
	defer secret.Wipe(padded)
	copy(padded, message)
	if len(key) == 8 {
		c, err := cipherx.NewTDES(key)
		if err != nil {
			return nil, RefusedLength
		}
		mac := make([]byte, 8)
		cipherx.CBCMAC(c, mac, padded)
		return mac, Accepted
	}
	if len(key) != 16 {
		return nil, RefusedLength
	}
	mac, err := cipherx.RetailMAC(key, padded)
	if err != nil {
		return nil, RefusedLength
	}
	return mac, Accepted
}

// macKey gives the key that MACs are made with. The caller wipes it.
func (t *Terminal) macKey(slot device.Slot, session []byte) (*secret.Bytes, Refusal) {
	e, why := t.usable(slot)
	if why != Accepted {
		return nil, why
	}
	own := !slices.ContainsFunc(session, func(b byte) bool { return b != 0 })
	switch {
	case own && e.usage == keys.UsageKEK, !own && e.usage != keys.UsageKEK:
		return nil, RefusedUsage
	case own && (e.usage != keys.UsageMAC1 && e.usage != keys.UsageRetail || e.mode != 'G'):
		return nil, RefusedUsage
	case own:
		return e.key.Secret().Clone(), Accepted
	}
	c, err := e.key.Cipher()
	if err != nil || len(session) != 8 && len(session) != 16 {
		return nil, RefusedLength
	}
	out := secret.New(len(session))
	cipherx.ECBDecrypt(c, out.Expose(), session)
	return out, Accepted
}

// usable gives the key in a slot if it can be worked with. The lock is held.
func (t *Terminal) usable(slot device.Slot) (*entry, Refusal) {
	if why := t.ready(); why != Accepted {
		return nil, why
	}
	e, ok := t.s.slots[slot]
	switch {
	case !ok:
		return nil, RefusedEmpty
	case e.key == nil:
		return nil, RefusedDamaged
	case t.expired(slot, e):
		return nil, RefusedExpired
	}
	return e, Accepted
}
