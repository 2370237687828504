package component

import (
	"bytes"

	"poskey/internal/fault"
)

// ParseSheet reads one sheet as people hand it in: [Normalise] first, then the canonical form, of which every byte is
// checked. The part's value has the check value printed on the sheet. Errors name line, or part and row:
// MalformedSheet, MalformedHex, MalformedLength and TooLarge for the form, ChecksumMismatch for a wrong digit,
// KCVMismatch for a value that is not the one the check value was made of.
func ParseSheet(in []byte) (*Part, error) {
	text, err := Normalise(in)
	if err != nil {
		return nil, err
	}
	defer text.Wipe()
	return parseCanonical(text.Expose())
}

func parseCanonical(in []byte) (*Part, error) {
	s, err := newSheetReader(in)
	if err != nil {
		return nil, err
	}
	if err := s.head(); err != nil {
		return nil, err
	}
	value, err := s.value()
	if err != nil {
		return nil, err
	}
	p := s.part
	p.Value = value
	if err := s.finish(&p); err != nil {
		value.Wipe()
		return nil, err
	}
	return &p, nil
}

// sheetReader goes through the lines of a sheet.
type sheetReader struct {
	text  []byte
	lines [][]byte
	at    int // lines read
	size  int // their bytes
	seen  []string

	part       Part
	length     int    // of the value in bytes
	shareCheck uint16 // Shamir: on the sheet
	shareLine  int
}

func newSheetReader(in []byte) (*sheetReader, error) {
	body, ok := bytes.CutSuffix(in, []byte("\n"))
	switch {
	case len(in) > maxSheet:
		return nil, fault.New(fault.TooLarge, "a component sheet has no more than %d bytes", maxSheet)
	case len(in) == 0:
		return nil, fault.New(fault.MalformedSheet, "the sheet is empty")
	case !ok:
		return nil, fault.New(fault.MalformedSheet, "the last line has no line feed")
	}
	return &sheetReader{text: in, lines: bytes.Split(body, []byte("\n"))}, nil
}

func (s *sheetReader) done() bool { return s.at == len(s.lines) }

// peek gives the next line, an empty one behind the last.
func (s *sheetReader) peek() []byte {
	if s.done() {
		return nil
	}
	return s.lines[s.at]
}

func (s *sheetReader) advance() {
	s.size += len(s.lines[s.at]) + 1
	s.at++
}

// here puts the number of the line just read in front of an error.
func (s *sheetReader) here(err error) error { return fault.Wrap(err, "line %d", s.at) }

// finish asks for the end and holds the whole part against what the head says of it.
func (s *sheetReader) finish(p *Part) error {
	if s.done() {
		return fault.New(fault.MalformedSheet, "the sheet does not end in the line %q", lastLine)
	}
	line := s.peek()
	s.advance()
	if string(line) != lastLine {
		return s.here(fault.New(fault.MalformedSheet, "the line %q is expected here", lastLine))
	}
	if !s.done() {
		s.advance()
		return s.here(fault.New(fault.MalformedSheet, "nothing may follow the end of the sheet"))
	}
	if p.Scheme == Shamir && shareCheck(p.Set, p.Index, p.Threshold, p.Value.Expose()) != s.shareCheck {
		return fault.New(fault.ChecksumMismatch, "line %d: the rows do not agree with the check of the share", s.shareLine)
	}
	return p.place(p.checkOwn(), p.Index)
}
