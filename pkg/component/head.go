package component

import (
	"bytes"
	"slices"
	"strconv"
	"strings"

	"poskey/internal/fault"
	"poskey/internal/secret"
	"poskey/pkg/kcv"
	"poskey/pkg/keys"
)

// head reads everything above the rows, up to and including its check.
func (s *sheetReader) head() error {
	if err := s.readTitle(); err != nil {
		return err
	}
	steps := []struct {
		label string
		read  func(value []byte) error
	}{
		{labelSet, s.readSet},
		{labelPart, s.readNumber},
		{labelScheme, s.readScheme},
		{labelThreshold, s.readThreshold},
		{labelAlgorithm, s.readAlgorithm},
		{labelLength, s.readLength},
		{labelKeyCheck, func(v []byte) (err error) { s.part.KeyCheck, err = s.checkValue(v); return err }},
		{labelPartCheck, func(v []byte) (err error) { s.part.Check, err = s.checkValue(v); return err }},
		{labelShare, s.readShareCheck},
	}
	for _, step := range steps {
		if s.hasNo(step.label) {
			continue
		}
		value, err := s.field(step.label)
		if err != nil {
			return err
		}
		if err := step.read(value); err != nil {
			return s.here(err)
		}
	}
	return s.readHeadCheck()
}

// hasNo knows the fields that this sheet, as far as it was read, goes without.
func (s *sheetReader) hasNo(label string) bool {
	switch label {
	case labelThreshold, labelShare:
		return s.part.Scheme == XOR
	case labelLength:
		return s.part.Algorithm.KeyLen() != 0
	}
	return false
}

func (s *sheetReader) readTitle() error {
	line := s.peek()
	s.advance()
	switch {
	case string(line) == title:
		return nil
	case bytes.HasPrefix(line, []byte(titleName+" ")):
		return s.here(fault.New(fault.MalformedSheet, "this version of the sheet is not known; known: 1"))
	}
	return s.here(fault.New(fault.MalformedSheet, "a component sheet begins with %q", title))
}

// field reads the line of a label. Its words are not secret; those of a line that is not understood may be, so errors
// do not repeat them.
func (s *sheetReader) field(label string) ([]byte, error) {
	if s.done() {
		return nil, fault.New(fault.MalformedSheet, "the sheet ends before its field %q", label)
	}
	line := s.peek()
	s.advance()
	value, ok := bytes.CutPrefix(line, []byte(label+": "))
	if !ok {
		return nil, s.here(s.misplaced(line, label))
	}
	s.seen = append(s.seen, label)
	return value, nil
}

func (s *sheetReader) misplaced(line []byte, want string) error {
	name := ""
	for _, label := range labels() {
		if bytes.HasPrefix(line, []byte(label+":")) {
			name = label
		}
	}
	switch {
	case bytes.HasPrefix(line, []byte("row ")), string(line) == lastLine:
		return fault.New(fault.MalformedSheet, "the field %q is missing", want)
	case name == "":
		return fault.New(fault.MalformedSheet, "unknown field; %q is expected here", want)
	case slices.Contains(s.seen, name):
		return fault.New(fault.MalformedSheet, "the field %q stands there twice", name)
	case name == want:
		return fault.New(fault.MalformedSheet, "the field %q is empty", name)
	}
	return fault.New(fault.MalformedSheet, "the field %q stands where %q is expected", name, want)
}

func (s *sheetReader) readSet(v []byte) error {
	if !validSet(string(v)) {
		return fault.New(fault.MalformedSheet, "the set is not of the form 7F3A-91C2")
	}
	s.part.Set = string(v)
	return nil
}

func (s *sheetReader) readNumber(v []byte) error {
	index, of, ok := bytes.Cut(v, []byte(" of "))
	p := &s.part
	p.Index, p.Of = digit(index), digit(of)
	if !ok || p.Of < MinParts || p.Index < 1 || p.Index > p.Of {
		return fault.New(fault.MalformedSheet, "the part is not of the form 2 of 3, with at most %d parts", MaxParts)
	}
	p.Threshold = p.Of // unless a share says otherwise
	return nil
}

// digit reads a number of one digit; -1 is none.
func digit(v []byte) int {
	if len(v) != 1 || v[0] < '0' || v[0] > '9' {
		return -1
	}
	return int(v[0] - '0')
}

func (s *sheetReader) readScheme(v []byte) error {
	scheme, err := ParseScheme(string(v))
	if err != nil || string(scheme) != string(v) {
		return fault.New(fault.MalformedSheet, "unknown scheme; known: xor shamir")
	}
	s.part.Scheme = scheme
	return nil
}

func (s *sheetReader) readThreshold(v []byte) error {
	p := &s.part
	p.Threshold = digit(v)
	if p.Threshold < MinParts || p.Threshold > p.Of {
		return fault.New(fault.MalformedSheet, "the threshold is not a number from %d to %d", MinParts, p.Of)
	}
	return nil
}

func (s *sheetReader) readAlgorithm(v []byte) error {
	if err := checkAlgorithm(keys.Algorithm(v)); err != nil {
		return fault.New(fault.MalformedSheet, "unknown algorithm")
	}
	s.part.Algorithm = keys.Algorithm(v)
	s.length = s.part.Algorithm.KeyLen()
	return nil
}

func (s *sheetReader) readLength(v []byte) error {
	number, ok := bytes.CutSuffix(v, []byte(lengthUnit))
	n, err := strconv.Atoi(string(number))
	if !ok || err != nil || strconv.Itoa(n) != string(number) || n < minBytes || n > maxBytes {
		return fault.New(fault.MalformedSheet, "the length is not of the form 20 bytes, from %d to %d", minBytes, maxBytes)
	}
	s.length = n
	return nil
}

func (s *sheetReader) checkValue(v []byte) (kcv.Value, error) {
	digits, method, _ := strings.Cut(string(v), " ")
	value := kcv.Value{Method: kcv.Method(method), Digits: digits}
	if err := checkValueForm(s.part.Algorithm, value); err != nil {
		return kcv.Value{}, err
	}
	return value, nil
}

// readShareCheck keeps the check until the rows are known.
func (s *sheetReader) readShareCheck(v []byte) error {
	check, err := parseWord(v)
	s.shareCheck, s.shareLine = check, s.at
	return err
}

func (s *sheetReader) readHeadCheck() error {
	head := s.text[:s.size]
	lines := s.at
	value, err := s.field(labelHeadCheck)
	if err != nil {
		return err
	}
	want, err := parseWord(value)
	if err != nil {
		return s.here(err)
	}
	if crc16(head) == want {
		return nil
	}
	suspects := suspectLines(head, want)
	if len(suspects) == 0 {
		return s.here(fault.New(fault.ChecksumMismatch, "lines 1 to %d do not agree with their check: "+
			"more than one digit is wrong, compare them with the paper", lines))
	}
	return s.here(fault.New(fault.ChecksumMismatch, "lines 1 to %d do not agree with their check: "+
		"one wrong digit in line %s would explain it", lines, list(suspects)))
}

// suspectLines are the lines in which one other digit would make the check right. The wrong one is always among them;
// a second one is there by chance about once in fifty times.
func suspectLines(head []byte, want uint16) []int {
	scratch := secret.Copy(head) // the share check in it is secret
	defer scratch.Wipe()
	var suspects []int
	line := 1
	for i, c := range head {
		if c == '\n' {
			line++
		}
		if isUpperHex([]byte{c}) && !slices.Contains(suspects, line) && explains(scratch.Expose(), i, want) {
			suspects = append(suspects, line)
		}
	}
	diff := crc16(head) ^ want
	if diff&0xFFF0 == 0 || diff&0xFF0F == 0 || diff&0xF0FF == 0 || diff&0x0FFF == 0 {
		suspects = append(suspects, line) // the check's own
	}
	return suspects
}

// explains tries the other digits at one position and puts the old one back.
func explains(text []byte, at int, want uint16) bool {
	old := text[at]
	found := false
	for _, d := range []byte("0123456789ABCDEF") {
		text[at] = d
		found = found || d != old && crc16(text) == want
	}
	text[at] = old
	return found
}
