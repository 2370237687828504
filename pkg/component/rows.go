package component

import (
	"bytes"
	"fmt"

	"poskey/internal/fault"
	"poskey/internal/secret"
	"poskey/pkg/keys"
)

// value reads the rows.
func (s *sheetReader) value() (*secret.Bytes, error) {
	value := secret.New(s.length)
	rest := value.Expose()
	for i := 1; len(rest) > 0; i++ {
		row, err := s.row(i, min(rowBytes, len(rest)))
		if err != nil {
			value.Wipe()
			return nil, fault.Wrap(err, "part %d, row %d", s.part.Index, i)
		}
		rest = rest[copy(rest, row.Expose()):]
		row.Wipe()
	}
	return value, nil
}

// row reads a row of so many bytes and holds it against its check.
func (s *sheetReader) row(i, size int) (*secret.Bytes, error) {
	rows := rowsOf(s.length)
	line := s.peek()
	if s.done() || string(line) == lastLine {
		return nil, fault.New(fault.MalformedSheet, "the row is missing")
	}
	s.advance()
	text, ok := bytes.CutPrefix(line, fmt.Appendf(nil, "row %d of %d: ", i, rows))
	if !ok {
		return nil, fault.New(fault.MalformedSheet, "line %d does not begin with row %d of %d and a colon", s.at, i, rows)
	}
	digits, check, ok := cutLast(text, []byte(checkWord))
	if !ok {
		return nil, fault.New(fault.MalformedSheet, "the row does not end in the word check and 4 digits")
	}
	want, err := parseWord(check)
	if err != nil {
		return nil, err
	}
	row, err := keys.ParseHex(digits)
	if err != nil {
		return nil, err
	}
	if err := s.checkRow(row, digits, i, size, want); err != nil {
		row.Wipe()
		return nil, err
	}
	return row, nil
}

func (s *sheetReader) checkRow(row *secret.Bytes, digits []byte, i, size int, want uint16) error {
	if got := row.Len(); got != size {
		return fault.New(fault.MalformedLength, "the row has %d digits, want %d", 2*got, 2*size)
	}
	if !grouped(digits) {
		return fault.New(fault.MalformedSheet, "the digits do not stand in groups of 4 with one blank between")
	}
	if rowCheck(s.part.Set, s.part.Index, i, row.Expose()) != want {
		return fault.New(fault.ChecksumMismatch,
			"the row does not agree with its check: a digit is wrong or two are exchanged")
	}
	return nil
}

// grouped reports whether hex digits stand as a sheet has them.
func grouped(digits []byte) bool {
	for i, c := range digits {
		if (i%5 == 4) != (c == ' ') || c != ' ' && !isUpperHex([]byte{c}) {
			return false
		}
	}
	return len(digits)%5 != 0 // not after a blank
}

func cutLast(b, sep []byte) (before, after []byte, ok bool) {
	i := bytes.LastIndex(b, sep)
	if i < 0 {
		return nil, nil, false
	}
	return b[:i], b[i+len(sep):], true
}

// parseWord reads 4 check digits.
func parseWord(digits []byte) (uint16, error) {
	if len(digits) != 4 || !isUpperHex(digits) {
		return 0, fault.New(fault.MalformedSheet, "the check is not 4 hex digits")
	}
	sec, err := keys.ParseHex(digits)
	if err != nil {
		return 0, err
	}
	defer sec.Wipe()
	return uint16(sec.Expose()[0])<<8 | uint16(sec.Expose()[1]), nil
}
