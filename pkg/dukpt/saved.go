package dukpt

// The state of a terminal over a loss of power.

import (
	"math/bits"

	"poskey/internal/fault"
	"poskey/internal/secret"
	"poskey/pkg/keys"
)

// Save gives the state of the device, future keys included, for a memory that keeps secrets; the caller wipes it. The
// form is one byte each for version (1), scheme (the length of a KSN) and length of the keys, the next KSN and the last
// one (the next is zero at the end of life), and for each register, the lowest bit first, 0, or 1 and the key.
func (d *Device) Save() (*secret.Bytes, error) {
	if d.future == nil {
		return nil, fault.New(fault.Failure, "the device was wiped")
	}
	n := d.alg.KeyLen()
	out := secret.New(savedLen(int(d.last.n), n, len(d.future)))
	b := out.Expose()
	b[0], b[1], b[2] = savedVersion, d.last.n, byte(n)
	at := savedHead
	at += copy(b[at:], d.ksn.b[:d.last.n])
	at += copy(b[at:], d.last.b[:d.last.n])
	for _, r := range d.future {
		if r != nil {
			b[at] = 1
			copy(b[at+1:], r.Expose())
		}
		at += 1 + n
	}
	return out, nil
}

const (
	savedVersion = 1
	savedHead    = 3
)

func savedLen(ksn, key, registers int) int { return savedHead + 2*ksn + registers*(1+key) }

// RestoreDevice makes a device of what Save gave. It holds the registers against the counter: a key too many or too few
// is malformed. That the keys belong together it cannot see; the memory must prove that nothing was changed.
func RestoreDevice(saved *secret.Bytes) (*Device, error) {
	b := saved.Expose()
	if len(b) < savedHead || b[0] != savedVersion || b[1] != tdesLen && b[1] != aesLen {
		return nil, badSaved()
	}
	d := &Device{last: KSN{n: b[1]}, scheme: TDES, alg: keys.TDES128}
	if b[1] == aesLen {
		d.scheme, d.alg = AES, keys.AES128.ForLength(int(b[2]))
	}
	registers := bits.Len32(d.last.counterMask())
	if d.alg.KeyLen() != int(b[2]) || len(b) != savedLen(int(b[1]), int(b[2]), registers) {
		return nil, badSaved()
	}
	b = b[savedHead:]
	next := KSN{n: d.last.n}
	b = b[copy(next.b[:next.n], b):]
	b = b[copy(d.last.b[:d.last.n], b):]
	if next != (KSN{n: next.n}) {
		d.ksn = next
	}
	if err := d.restore(b, registers); err != nil {
		d.Wipe()
		return nil, err
	}
	return d, nil
}

// restore fills the registers.
func (d *Device) restore(b []byte, registers int) error {
	if !d.ksn.IsZero() && (d.ksn.CheckCounter() != nil || d.ksn.Initial() != d.last.Initial()) {
		return badSaved()
	}
	n := d.alg.KeyLen()
	d.future = make([]*secret.Bytes, registers)
	for i := range d.future {
		filled := b[0] == 1
		if b[0] > 1 || filled != d.wants(i) {
			return badSaved()
		}
		if filled {
			d.future[i] = secret.Copy(b[1 : 1+n])
		}
		b = b[1+n:]
	}
	return nil
}

// wants tells whether register i holds a key when the KSN is the next one.
func (d *Device) wants(i int) bool {
	if d.ksn.IsZero() {
		return false
	}
	_, ok := pending(d.ksn, i)
	return ok
}

func badSaved() error {
	return fault.New(fault.Malformed, "the saved state of a DUKPT device cannot be read")
}
