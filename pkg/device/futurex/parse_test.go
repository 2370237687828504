package futurex

// The inject command read back: what the driver writes is what the tests take apart. Nothing else reads it here; the
// emulator has a reading of its own.

import (
	"strconv"

	"poskey/internal/fault"
	"poskey/internal/secret"
	"poskey/pkg/device/futurex/table"
	"poskey/pkg/keys"
)

// ParseInject reads command 02; the key is the caller's to wipe.
func (l Layout) ParseInject(f Frame) (Inject, error) {
	data := f.Data()
	if f.Command() != table.Inject || len(data) < l.headLen() {
		return Inject{}, fault.New(fault.MalformedLength, "this is no inject command: %q with %d characters", f.Command(),
			len(data))
	}
	r := fields{rest: data}
	if r.take(2) != table.Version {
		return Inject{}, fault.New(fault.Malformed, "the version of the inject command is not %s", table.Version)
	}
	slot, ktk := r.take(2), r.take(2)
	m := Inject{Type: r.take(2), Enc: r.take(2)}
	if l.Fields {
		m.Algorithm, m.Subtype = r.take(2), r.take(2)
	}
	m.Check, m.KTKCheck, m.KSN = r.take(table.CheckDigits), r.take(table.CheckDigits), r.take(table.KSNDigits)
	n, err := strconv.ParseUint(r.take(table.LengthDigits), 16, 12)
	if err != nil {
		return Inject{}, fault.New(fault.Malformed, "the length of the key is not three hex digits")
	}
	if m.Slot, err = l.slotNumber([]byte(slot)); err != nil {
		return Inject{}, err
	}
	if m.KTKSlot, err = l.slotNumber([]byte(ktk)); err != nil {
		return Inject{}, err
	}
	if err := m.finish(l, r.rest, int(n)); err != nil {
		m.Key.Wipe()
		return Inject{}, err
	}
	return m, nil
}

// finish reads the key of n bytes and what follows it.
func (m *Inject) finish(l Layout, rest []byte, n int) error {
	if l.Fields && len(rest) == 2*n+countLen {
		count := fields{rest: rest[2*n:]}
		total, err1 := strconv.ParseUint(count.take(3), 10, 10)
		index, err2 := strconv.ParseUint(count.take(3), 10, 10)
		if err1 != nil || err2 != nil || total == 0 {
			return fault.New(fault.Malformed, "total and index are not three decimal digits each")
		}
		m.Total, m.Index = int(total), int(index)
		rest = rest[:2*n]
	}
	if len(rest) != 2*n {
		return fault.New(fault.MalformedLength, "a key of %d bytes does not stand in %d characters", n, len(rest))
	}
	key, err := readKey(rest)
	if err != nil {
		return err
	}
	m.Key = key
	return m.check(l)
}

// readKey reads digits as the dialect writes them: no small letters, no blanks.
func readKey(digits []byte) (*secret.Bytes, error) {
	if len(digits)%2 != 0 || len(digits) == 0 || !isHex(digits) {
		return nil, fault.New(fault.MalformedHex, "the key is not whole bytes in hex digits")
	}
	return keys.ParseHex(digits)
}

// slotNumber reads a slot number as the terminal writes it.
func (l Layout) slotNumber(digits []byte) (int, error) {
	base := 10
	if l.HexSlots {
		base = 16
	}
	n, err := strconv.ParseUint(string(digits), base, 8)
	if err != nil || !isHex(digits) {
		return 0, fault.New(fault.Malformed, "a slot is two digits, decimal or hex as the terminal writes them")
	}
	return int(n), nil
}
