package futurex

import (
	"fmt"
	"slices"
	"strconv"

	"poskey/internal/fault"
	"poskey/internal/secret"
	"poskey/pkg/device/futurex/table"
	"poskey/pkg/keys"
)

// Inject is command 02: a key for a slot. Fields are text as they stand on the line; check values have four digits, the
// KSN twenty, zeros where there is none.
type Inject struct {
	Slot, KTKSlot      int
	Type, Enc          string // of package table
	Algorithm, Subtype string // only in layouts with fields
	Check, KTKCheck    string
	KSN                string
	Key                *secret.Bytes // clear or cryptogram, as Enc says
	Total, Index       int           // only in layouts with fields, and there only together: this is key Index of Total
}

// What stands between the command and the key: ver slot ktkslot type enc [alg subtype] kcv ktkkcv KSN len.
const (
	headLen   = 41
	fieldsLen = 4
	countLen  = 6 // total and index, behind the key
)

func (l Layout) headLen() int {
	if l.Fields {
		return headLen + fieldsLen
	}
	return headLen
}

// Inject makes the frame.
func (l Layout) Inject(m Inject) (Frame, error) {
	slot, err := l.slotDigits(m.Slot)
	if err != nil {
		return Frame{}, err
	}
	ktk, err := l.slotDigits(m.KTKSlot)
	if err != nil {
		return Frame{}, err
	}
	if err := m.check(l); err != nil {
		return Frame{}, err
	}
	digits := secret.New(2 * m.Key.Len())
	defer digits.Wipe()
	if err := keys.WriteHex(&overwrite{digits.Expose()}, m.Key); err != nil {
		return Frame{}, err
	}
	head := table.Inject + table.Version + slot + ktk + m.Type + m.Enc + m.Algorithm + m.Subtype + m.Check + m.KTKCheck +
		m.KSN + fmt.Sprintf("%03X", m.Key.Len())
	count := ""
	if m.Total > 0 {
		count = fmt.Sprintf("%03d%03d", m.Total, m.Index)
	}
	return NewFrame([]byte(head), digits.Expose(), []byte(count))
}

// check holds each field against its form.
func (m Inject) check(l Layout) error {
	for _, f := range []struct {
		name, value string
		digits      int
	}{
		{"type", m.Type, 2}, {"encryption type", m.Enc, 2}, {"check value", m.Check, table.CheckDigits},
		{"check value of the KTK", m.KTKCheck, table.CheckDigits}, {"KSN", m.KSN, table.KSNDigits},
		{"algorithm", m.Algorithm, l.fieldWidth()}, {"subtype", m.Subtype, l.fieldWidth()},
	} {
		if len(f.value) != f.digits || !isHex(f.value) {
			return notDigits(f.name, f.digits)
		}
	}
	if !slices.Contains(table.KeyLengths(), m.Key.Len()) {
		return fault.New(fault.MalformedLength, "a key has 8, 16, 24, 32 or 48 bytes here, not %d", m.Key.Len())
	}
	if counted := m.Total != 0 || m.Index != 0; counted &&
		(!l.Fields || m.Index < 1 || m.Index > m.Total || m.Total > 999) {
		return fault.New(fault.Malformed, "key %d of %d cannot be said here", m.Index, m.Total)
	}
	return nil
}

func notDigits(field string, n int) error {
	return fault.New(fault.Malformed, "field %s is not %d digits of hex", field, n)
}

func (l Layout) fieldWidth() int {
	if l.Fields {
		return 2
	}
	return 0
}

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

// fields cuts public fields off a text one by one; what is not there is "".
type fields struct{ rest []byte }

func (r *fields) take(n int) string {
	n = min(n, len(r.rest))
	out := string(r.rest[:n])
	r.rest = r.rest[n:]
	return out
}

// overwrite is a writer into memory that is already there, so that no growing buffer leaves copies behind.
type overwrite struct{ to []byte }

func (o *overwrite) Write(p []byte) (int, error) {
	n := copy(o.to, p)
	o.to = o.to[n:]
	return n, nil
}

// Legacy is commands 00 and 01: a key without a length and without a check value. The driver does not send them: a
// wrong key would be stored without a word.
type Legacy struct {
	Slot int
	KSN  string // of command 00; "" makes it 01
	Key  *secret.Bytes
}

// Legacy makes the frame.
func (l Layout) Legacy(m Legacy) (Frame, error) {
	slot, err := l.slotDigits(m.Slot)
	if err != nil {
		return Frame{}, err
	}
	command := table.LegacyKey
	if m.KSN != "" {
		command = table.LegacyInitial
	}
	if err := m.check(); err != nil {
		return Frame{}, err
	}
	digits := secret.New(2 * m.Key.Len())
	defer digits.Wipe()
	if err := keys.WriteHex(&overwrite{digits.Expose()}, m.Key); err != nil {
		return Frame{}, err
	}
	return NewFrame([]byte(command+slot+m.KSN), digits.Expose())
}

func (m Legacy) check() error {
	if m.KSN != "" && (len(m.KSN) != table.KSNDigits || !isHex(m.KSN)) {
		return notDigits("KSN", table.KSNDigits)
	}
	if !slices.Contains(table.KeyLengths(), m.Key.Len()) {
		return fault.New(fault.MalformedLength, "a key has 8, 16, 24, 32 or 48 bytes here, not %d", m.Key.Len())
	}
	return nil
}

// ParseLegacy reads commands 00 and 01; the key is the caller's to wipe. The poll looks like 01 and is none.
func (l Layout) ParseLegacy(f Frame) (Legacy, error) {
	if IsPoll(f) || f.Command() != table.LegacyInitial && f.Command() != table.LegacyKey {
		return Legacy{}, fault.New(fault.Malformed, "this is no legacy command: %q", f.Command())
	}
	r := fields{rest: f.Data()}
	slot, err := l.slotNumber([]byte(r.take(table.SlotDigits)))
	if err != nil {
		return Legacy{}, err
	}
	m := Legacy{Slot: slot}
	if f.Command() == table.LegacyInitial {
		if m.KSN = r.take(table.KSNDigits); m.KSN == "" {
			return Legacy{}, fault.New(fault.MalformedLength, "the legacy command ends before its KSN")
		}
	}
	if m.Key, err = readKey(r.rest); err != nil {
		return Legacy{}, err
	}
	if err := m.check(); err != nil {
		m.Key.Wipe()
		return Legacy{}, err
	}
	return m, nil
}
