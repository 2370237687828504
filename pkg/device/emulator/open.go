package emulator

// Getting at an offered key: in clear, in a block, as a cryptogram.

import (
	"encoding/hex"
	"strings"
	"time"

	"poskey/internal/cipherx"
	"poskey/internal/fault"
	"poskey/internal/secret"
	"poskey/pkg/device"
	"poskey/pkg/dukpt"
	"poskey/pkg/kcv"
	"poskey/pkg/keyblock"
	"poskey/pkg/keys"
)

// open gets at the key. It gives the key that protected it.
func (t *Terminal) open(p *Pending) (kek *entry, why Refusal) {
	o := &p.offer
	if o.Clear != nil {
		p.entry = &entry{key: o.Clear, alg: o.Clear.Algorithm(), usage: o.Usage, mode: o.Mode}
		p.ksn = o.KSN
		return nil, Accepted
	}
	if o.Block == "" {
		if kek, why = t.kek(o.KEK, o.KEKCheck); why != Accepted {
			return nil, why
		}
		p.entry, why = openCryptogram(o, kek.key)
		p.ksn = o.KSN
		return kek, why
	}
	block, why := t.layout.parse(o.Block, o.Initial)
	if why != Accepted {
		return nil, why
	}
	if kek, why = t.kek(o.KEK, o.KEKCheck); why != Accepted {
		return nil, why
	}
	if p.entry, why = openBlock(block, kek.key); why != Accepted {
		return nil, why
	}
	if o.Initial {
		if p.ksn, why = ksnOf(block); why != Accepted {
			p.entry.key.Wipe()
		}
	}
	return kek, why
}

// kek gives the key in a slot that protects others.
func (t *Terminal) kek(slot device.Slot, check string) (*entry, Refusal) {
	if slot == "" {
		slot = t.layout.KEK
	}
	if t.layout.Known != nil && !t.layout.Known(slot) {
		return nil, RefusedKEKSlot
	}
	e, ok := t.s.slots[slot]
	switch {
	case !ok:
		return nil, RefusedNoKEK
	case e.key == nil:
		return nil, RefusedKEKBroken
	case e.usage != keys.UsageKEK && e.usage != keys.UsageKBPK:
		return nil, RefusedKEKUsage
	case t.expired(slot, e):
		return nil, RefusedExpired
	case !checks(e.key, check):
		return nil, RefusedKEKCheck
	}
	return e, Accepted
}

// expired goes by the terminal's own clock.
func (t *Terminal) expired(slot device.Slot, e *entry) bool {
	at := t.expiry(slot, e)
	return !at.IsZero() && !t.now().Before(at)
}

// expiry is the day on which a key ends; zero never. One that is ordered to have expired did so the day before.
func (t *Terminal) expiry(slot device.Slot, e *entry) time.Time {
	if at, on := t.faults.value(ExpiredKey); on && (at == string(slot) || at == "" && slot == t.layout.KEK) {
		return t.now().Add(-24 * time.Hour)
	}
	return e.expires
}

// checks compares a check value as far as it goes.
func checks(k *keys.Key, want string) bool {
	if want == "" {
		return true
	}
	full, err := kcv.Compute(k.Algorithm(), k.Secret().Expose(), kcv.Default(k.Algorithm()))
	return err == nil && strings.HasPrefix(strings.ToUpper(hex.EncodeToString(full)), strings.ToUpper(want))
}

func openCryptogram(o *Offer, kek *keys.Key) (*entry, Refusal) {
	c, err := kek.Cipher()
	if err != nil || len(o.Cryptogram) == 0 || len(o.Cryptogram)%c.BlockSize() != 0 {
		return nil, RefusedDecryption
	}
	clear := secret.New(len(o.Cryptogram))
	cipherx.ECBDecrypt(c, clear.Expose(), o.Cryptogram)
	key, err := keys.New(o.Algorithm, clear)
	if err != nil {
		clear.Wipe()
		return nil, RefusedLength
	}
	return &entry{key: key, alg: key.Algorithm(), usage: o.Usage, mode: o.Mode}, Accepted
}

// openBlock opens a key block. It is the one place of the emulator that knows pkg/keyblock's flow.
func openBlock(block *keyblock.Block, kek *keys.Key) (*entry, Refusal) {
	p, err := keyblock.NewProtector(block.Version, kek)
	if err != nil {
		return nil, RefusedNoKEK
	}
	opened, err := p.Unwrap(block)
	switch {
	case fault.Is(err, fault.MACMismatch), fault.Is(err, fault.KBPKWrong):
		return nil, RefusedMAC
	case err != nil:
		return nil, RefusedDecryption
	}
	if keyblock.AlgorithmChar(opened.Key.Algorithm()) != block.Algorithm {
		opened.Wipe() // the header says DES or TDES, the key inside has another length
		return nil, RefusedAlgorithm
	}
	return &entry{key: opened.Key, alg: opened.Key.Algorithm(), usage: block.Usage, mode: block.Mode}, Accepted
}

// ksnOf reads optional block KS, or IK of an AES key.
func ksnOf(block *keyblock.Block) (dukpt.KSN, Refusal) {
	digits, ok := block.Opt("KS")
	if !ok {
		if digits, ok = block.Opt("IK"); ok {
			digits += "00000000"
		}
	}
	ksn, err := dukpt.ParseKSN(digits)
	if !ok || err != nil {
		return dukpt.KSN{}, RefusedKSN
	}
	return ksn, Accepted
}
