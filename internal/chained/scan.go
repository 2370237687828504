package chained

// Reading members in the order in which they are written. Reading is strict by construction: whoever reads a line
// writes it again, and it must be the same.

import (
	"strconv"
	"strings"
	"time"

	"poskey/internal/fault"
	"poskey/internal/text"
)

// Scanner reads the members of a line. After the first thing that is wrong it reads nothing more.
type Scanner struct {
	text  string
	at    int
	wrong text.Text // what is missing at byte at
}

// NewScanner begins at the beginning of a line.
func NewScanner(line string) *Scanner { return &Scanner{text: line} }

// Failed reports whether something was wrong.
func (s *Scanner) Failed() bool { return !s.wrong.IsZero() }

// Err says what was wrong first, and where.
func (s *Scanner) Err() error {
	if !s.Failed() {
		return nil
	}
	return fault.New(fault.Malformed, "%s is expected at byte %d", s.wrong, s.at+1)
}

// Miss keeps the first thing that is missing.
func (s *Scanner) Miss(what text.Text) {
	if !s.Failed() {
		s.wrong = what
	}
}

// Seal asks that only the hash at the end is left.
func (s *Scanner) Seal() {
	if s.at != len(s.text)-SealLength {
		s.Miss(text.Raw(hashStart))
	}
}

// Must reads what has to stand here.
func (s *Scanner) Must(literal string) {
	if !s.May(literal) {
		s.Miss(text.Raw(literal))
	}
}

// May reads what may stand here.
func (s *Scanner) May(literal string) bool {
	if s.Failed() || !strings.HasPrefix(s.text[s.at:], literal) {
		return false
	}
	s.at += len(literal)
	return true
}

// Needed reads a member that is always there.
func (s *Scanner) Needed(name string) string {
	s.Must(name)
	return s.Quoted()
}

// Optional reads a member that may be left out.
func (s *Scanner) Optional(name string) string {
	if !s.May(name) {
		return ""
	}
	return s.Quoted()
}

// Number reads a number that is always there.
func (s *Scanner) Number(name string) uint64 {
	s.Must(name)
	return s.Digits()
}

// Count reads a number that is left out when it is zero.
func (s *Scanner) Count(name string) uint64 {
	if !s.May(name) {
		return 0
	}
	return s.Digits()
}

// Time reads a time that is always there.
func (s *Scanner) Time(name string) time.Time {
	raw := s.Needed(name)
	if s.Failed() {
		return time.Time{}
	}
	t, err := time.Parse(TimeLayout, raw)
	if err != nil {
		s.Miss(text.New("a time like %s", TimeLayout))
		return time.Time{}
	}
	return t
}

// Digits reads a decimal number.
func (s *Scanner) Digits() uint64 {
	if s.Failed() {
		return 0
	}
	end := s.at
	for end < len(s.text) && IsDigit(s.text[end]) {
		end++
	}
	n, err := strconv.ParseUint(s.text[s.at:end], 10, 53)
	if err != nil {
		s.Miss(text.New("a number below 2^53"))
		return 0
	}
	s.at = end
	return n
}

// Hash reads a hash.
func (s *Scanner) Hash() Sum {
	raw := s.Quoted()
	if s.Failed() {
		return Sum{}
	}
	sum, err := ParseHex(raw)
	if err != nil {
		s.Miss(text.New("a hash of 64 upper-case hex digits"))
	}
	return sum
}

// Quoted reads a JSON string in which only quote and backslash are escaped.
func (s *Scanner) Quoted() string {
	s.Must(`"`)
	if s.Failed() {
		return ""
	}
	rest := s.text[s.at:]
	end := strings.IndexAny(rest, `"\`)
	if end >= 0 && rest[end] == '"' {
		s.at += end + 1
		return rest[:end]
	}
	return s.escaped()
}

func (s *Scanner) escaped() string {
	var b strings.Builder
	for at := s.at; at < len(s.text); at++ {
		switch c := s.text[at]; c {
		case '"':
			s.at = at + 1
			return b.String()
		case '\\':
			at++
			if at == len(s.text) || !IsAnyOf(s.text[at], `"\`) {
				s.at = at - 1
				s.Miss(text.New("a quote or a backslash after the backslash"))
				return ""
			}
			b.WriteByte(s.text[at])
		default:
			b.WriteByte(c)
		}
	}
	s.Miss(text.New("the end of a string"))
	return ""
}
