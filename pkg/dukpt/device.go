package dukpt

// The terminal's side: future keys, the next counter, the end of life.

import (
	"math/bits"

	"poskey/internal/fault"
	"poskey/internal/secret"
	"poskey/pkg/kcv"
	"poskey/pkg/keys"
)

// Device is the DUKPT state of a terminal (X9.24-1:2009 A.2, X9.24-3:2017 C.3.2 and 6.5). It keeps one register for
// each bit of the counter. Register i holds the key of the next counter whose lowest set bit is i, so that the current
// transaction's key stands ready, and those after it are derived from it before it is erased. From what is in the
// registers no key of a past transaction can be computed.
//
// A Device is not safe for concurrent use.
type Device struct {
	scheme Scheme
	alg    keys.Algorithm
	ksn    KSN // of the next transaction; zero at the end of life
	last   KSN // of the transaction before; the initial KSN before the first
	future []*secret.Bytes
}

// NewDevice loads an initial key into a terminal and wipes it, also with an error. A KSN with counter 0 is the first
// loading; any other gives the state in which the terminal is about to use that counter, which must be a transaction's.
func NewDevice(ik *IK, ksn KSN) (*Device, error) {
	defer ik.Wipe()
	if err := checkScheme(ik.scheme, ksn); err != nil {
		return nil, err
	}
	start := ksn
	if ksn.Counter() == 0 {
		start = ksn.withCounter(1)
	}
	if err := start.CheckCounter(); err != nil {
		return nil, err
	}
	d := &Device{scheme: ik.scheme, alg: ik.key.Algorithm(), ksn: start, last: ksn.Initial()}
	d.future = make([]*secret.Bytes, bits.Len32(ksn.counterMask()))
	for i := range d.future {
		at, ok := pending(start, i)
		if !ok {
			continue
		}
		t, err := ik.walk(at)
		if err != nil {
			d.Wipe()
			return nil, err
		}
		d.future[i] = t.key.Secret()
	}
	return d, nil
}

// pending tells which key register i holds when the KSN's counter is the next: the first counter from there on whose
// lowest set bit is i, if the counter that it is derived from is over (or is 0, the initial key) and it is a
// transaction.
func pending(ksn KSN, i int) (KSN, bool) {
	c, bit := uint64(ksn.Counter()), uint64(1)<<i
	parent := c &^ (2*bit - 1)
	at := ksn.withCounter(uint32(parent | bit))
	return at, parent < c && c <= parent|bit && at.CheckCounter() == nil
}

// Next gives the key of the current counter, makes the future keys that depend on it, erases it and goes on to the next
// counter. At the end of life there is none (kind end_of_life). The caller wipes the transaction key.
func (d *Device) Next() (*Transaction, error) {
	if d.future == nil {
		return nil, fault.New(fault.Failure, "the device was wiped")
	}
	if d.ksn.IsZero() {
		return nil, fault.New(fault.EndOfLife,
			"the device has used all its counters, the last was %X: it needs a new initial key", d.last.Counter())
	}
	i := bits.TrailingZeros32(d.ksn.Counter())
	if err := d.derive(i); err != nil {
		return nil, err
	}
	t, err := newTransaction(d.scheme, d.alg, d.future[i], d.ksn)
	if err != nil {
		return nil, err
	}
	d.future[i] = nil
	d.last = d.ksn
	d.ksn, _ = d.ksn.Next() // zero at the end of life
	return t, nil
}

// derive fills the registers below i from the key in i, which is the current one. A counter with all the bits it may
// have has no such keys.
func (d *Device) derive(i int) error {
	if d.ksn.BitsSet() == d.ksn.MaxBits() {
		return nil
	}
	for below := range i {
		sec := d.future[i].Clone()
		at := d.ksn.withCounter(d.ksn.Counter() | 1<<below)
		if err := step(sec.Expose(), d.alg, at); err != nil {
			sec.Wipe()
			return err
		}
		d.future[below].Wipe() // nil: it was used
		d.future[below] = sec
	}
	return nil
}

// step derives in place the key of a counter from that of the counter without its lowest bit.
func step(key []byte, alg keys.Algorithm, ksn KSN) error {
	if alg.IsAES() {
		return aesDerive(key, key, derivation{usageDerivation, like(alg), ofCounter(ksn)})
	}
	return tdesStep(key, ksn.b[tdesLen-half:tdesLen])
}

// Wipe erases all registers.
func (d *Device) Wipe() {
	if d == nil {
		return
	}
	for _, r := range d.future {
		r.Wipe()
	}
	d.future = nil
}

// State is what may be shown of a device.
type State struct {
	Scheme    Scheme
	KSN       KSN    // of the next transaction; zero at the end of life
	Last      KSN    // of the transaction before; the initial KSN before the first
	Remaining uint64 // transactions to come, the next one counted
	Registers []Register
}

// Register is one future key, by its check value.
type Register struct {
	Bit    uint32    // the counter bit that the register belongs to
	KSN    KSN       // whose key it holds; zero when it is empty
	Check  kcv.Value // of that key, by the default method; empty when the register is
	Filled bool
}

// State shows the device without its keys. The registers stand in the order of their bits, the highest first.
func (d *Device) State() (State, error) {
	s := State{Scheme: d.scheme, KSN: d.ksn, Last: d.last}
	if !d.ksn.IsZero() {
		s.Remaining = d.ksn.Remaining() + 1
	}
	for i := len(d.future) - 1; i >= 0; i-- {
		r, err := d.register(i)
		if err != nil {
			return State{}, err
		}
		s.Registers = append(s.Registers, r)
	}
	return s, nil
}

func (d *Device) register(i int) (Register, error) {
	r := Register{Bit: 1 << i}
	if d.future[i] == nil {
		return r, nil
	}
	check, err := kcv.Of(d.alg, d.future[i].Expose(), kcv.Default(d.alg), 0)
	if err != nil {
		return Register{}, err
	}
	r.KSN, _ = pending(d.ksn, i)
	r.Check, r.Filled = check, true
	return r, nil
}
