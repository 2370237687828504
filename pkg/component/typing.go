package component

// A sheet that is typed from the paper, row by row: each row is held against its check before the next one is asked
// for.

import (
	"bytes"
	"strings"

	"poskey/internal/fault"
	"poskey/internal/secret"
	"poskey/pkg/keys"
)

// Typing is a part that its custodian types from the sheet. Wipe it on every way out.
type Typing struct {
	part  Part
	value *secret.Bytes
	rows  int // typed
}

// NewTyping begins a part of so many bytes. about is what the head of the sheet says: Set, Index, Of, Threshold,
// Scheme, Algorithm, Check and KeyCheck; its Value stays out. Errors: those of a sheet whose head cannot be.
func NewTyping(about Part, length int) (*Typing, error) {
	about.Value = secret.New(length)
	if !about.isSheet() {
		about.Value.Wipe()
		return nil, fault.New(fault.Usage, "a part that came without a sheet has none")
	}
	if err := about.checkForm(); err != nil {
		about.Value.Wipe()
		return nil, about.place(err, about.Index)
	}
	return &Typing{part: about, value: about.Value}, nil
}

// Rows is how many rows the sheet has.
func (t *Typing) Rows() int { return rowsOf(t.value.Len()) }

// Typed is how many of them are there.
func (t *Typing) Typed() int { return t.rows }

// Digits is how many digits the next row has, without its check.
func (t *Typing) Digits() int { return 2 * min(rowBytes, t.value.Len()-t.rows*rowBytes) }

// Row takes the next row as it is typed: its digits in either case with blanks and dashes anywhere, then the four
// digits of its check, the word check between them or not. Errors name the position of what is no digit, and of the
// wrong digit if only one is wrong; the row can be typed again. Kinds: MalformedHex, MalformedLength, ChecksumMismatch.
func (t *Typing) Row(typed []byte) error {
	size := t.Digits() / 2
	if size <= 0 {
		return fault.New(fault.Usage, "the sheet has no more rows")
	}
	line := secret.Copy(typed)
	defer line.Wipe()
	blankWord(line.Expose(), strings.TrimSpace(checkWord))
	row, err := keys.ParseHex(line.Expose())
	if err != nil {
		return err
	}
	defer row.Wipe()
	if row.Len() != size+2 {
		return fault.New(fault.MalformedLength, "the row has %d digits with its check, want %d", 2*row.Len(), 2*size+4)
	}
	b := row.Expose()
	want := rowCheck(t.part.Set, t.part.Index, t.rows+1, b[:size])
	diff := want ^ (uint16(b[size])<<8 | uint16(b[size+1]))
	if diff != 0 {
		return wrongDigit(diff, size)
	}
	copy(t.value.Expose()[t.rows*rowBytes:], b[:size])
	t.rows++
	return nil
}

// blankWord puts blanks in the place of a word.
func blankWord(line []byte, word string) {
	if i := bytes.Index(bytes.ToLower(line), []byte(word)); i >= 0 {
		copy(line[i:], bytes.Repeat([]byte{' '}, len(word)))
	}
}

// wrongDigit says which digit of a row is wrong if only one is. The check tells any two such slips apart, and its own
// digits from those of the row; the answer comes from the difference of checks alone.
func wrongDigit(diff uint16, size int) error {
	zero := crc16(make([]byte, size))
	for digit := range 2 * size {
		for delta := range byte(16) {
			row := make([]byte, size)
			row[digit/2] = delta << (4 * (1 - digit%2))
			if crc16(row)^zero == diff {
				return fault.New(fault.ChecksumMismatch, "the row does not agree with its check: if one digit is wrong, it is digit %d",
					digit+1)
			}
		}
	}
	for digit := range 4 {
		if diff&^(0xF000>>(4*digit)) == 0 {
			return fault.New(fault.ChecksumMismatch, "the row does not agree with its check: if one digit is wrong, it is digit %d",
				2*size+digit+1)
		}
	}
	return fault.New(fault.ChecksumMismatch, "the row does not agree with its check: a digit is wrong or two are exchanged")
}

// Part gives the part when all rows are there, which is the caller's then. Errors: MalformedLength while rows are
// missing; KCVMismatch when it does not have the check value of its sheet.
func (t *Typing) Part() (*Part, error) {
	if t.rows < t.Rows() {
		return nil, fault.New(fault.MalformedLength, "the sheet has %d rows, %d were typed", t.Rows(), t.rows)
	}
	p := t.part
	p.Value = t.value
	if err := p.checkOwn(); err != nil {
		return nil, p.place(err, p.Index)
	}
	t.value = secret.New(0)
	return &p, nil
}

// Wipe destroys what was typed.
func (t *Typing) Wipe() { t.value.Wipe() }

// Refuse looks at a part alone: what adds no secrecy is refused before another one is asked for. Kind PartRefused.
func (p *Part) Refuse(o Options) error { return refuseParts([]*Part{p}, o) }

// Rows is how many rows the sheet of the part has.
func (p *Part) Rows() int { return rowsOf(p.Value.Len()) }

// HasRowCheck reports whether the sheet of the part has this check at a row, counted from 1: it proves that a sheet can
// be read. The typed digits are as secret as the part.
func (p *Part) HasRowCheck(row int, typed []byte) (bool, error) {
	if !p.isSheet() || row < 1 || row > p.Rows() {
		return false, fault.New(fault.Usage, "the part has no such row")
	}
	digits, err := keys.ParseHex(typed)
	if err != nil {
		return false, err
	}
	defer digits.Wipe()
	value := p.Value.Expose()[(row-1)*rowBytes:]
	check := rowCheck(p.Set, p.Index, row, value[:min(rowBytes, len(value))])
	return equalBytes(digits.Expose(), []byte{byte(check >> 8), byte(check)}), nil
}
