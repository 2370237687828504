package futurex

import (
	"fmt"
	"slices"

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
	digits := keys.Hex(m.Key)
	defer digits.Wipe()
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
