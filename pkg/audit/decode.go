package audit

// From a line to its Record. Reading is strict by construction: what was read is written again, and must be the same.

import (
	"bytes"
	"strconv"
	"strings"
	"time"

	"poskey/internal/fault"
	"poskey/internal/text"
)

// readRecord reads a line without its line feed. The scratch is the caller's and grows to the size of a line. The
// problem has no record number and no offset yet.
func readRecord(line []byte, scratch *[]byte) (Record, *Problem) {
	hash, p := checkHash(line)
	if p != nil {
		return Record{}, p
	}
	s := scanner{text: string(line)}
	r := s.record()
	if s.failed() {
		return Record{}, malformed(fault.New(fault.Malformed, "%s is expected at byte %d", s.wrong, s.at+1))
	}
	if err := r.check(); err != nil {
		return Record{}, malformed(err)
	}
	r.Hash = hash
	*scratch = appendRecord((*scratch)[:0], &r)
	if !bytes.Equal(*scratch, line) {
		return Record{}, malformed(fault.New(fault.Malformed, "not written as this format writes it, from byte %d on",
			1+commonLength(*scratch, line)))
	}
	return r, nil
}

// checkHash holds the bytes of a line against the hash at its end.
func checkHash(line []byte) (Digest, *Problem) {
	if len(line) >= MaxLine {
		return Digest{}, &Problem{Reason: TooLong}
	}
	cut := len(line) - hashLength
	if cut < 0 || !bytes.HasPrefix(line[cut:], []byte(hashStart)) || !bytes.HasSuffix(line, []byte(hashEnd)) {
		return Digest{}, malformed(fault.New(fault.Malformed, "it does not end in its hash"))
	}
	carried, err := parseDigest(string(line[cut+len(hashStart) : len(line)-len(hashEnd)]))
	if err != nil {
		return Digest{}, malformed(err)
	}
	if got := hashRecord(line[:cut]); got != carried {
		return Digest{}, &Problem{Reason: Changed, Got: got.Short(), Want: carried.Short()}
	}
	return carried, nil
}

func malformed(err error) *Problem { return &Problem{Reason: NotARecord, err: err} }

func commonLength(a, b []byte) int {
	n := 0
	for n < min(len(a), len(b)) && a[n] == b[n] {
		n++
	}
	return n
}

// scanner reads the fields in the order of [appendBody]. After the first thing that is wrong it reads nothing more.
type scanner struct {
	text  string
	at    int
	wrong text.Text // what is missing at byte at
}

func (s *scanner) failed() bool { return !s.wrong.IsZero() }

// miss keeps the first thing that is missing.
func (s *scanner) miss(what text.Text) {
	if !s.failed() {
		s.wrong = what
	}
}

func (s *scanner) record() Record {
	var r Record
	r.Seq = s.number(`{"seq":`)
	r.Time = s.time()
	r.Back = time.Duration(s.count(`,"back_us":`)) * time.Microsecond
	s.identity(&r)
	s.must(`,"who":`)
	r.Who = s.actor()
	r.With = s.others()
	r.Operation = Operation(s.needed(`,"op":`))
	r.Of = s.count(`,"of":`)
	r.Object = s.object()
	r.Request = s.digest(`,"request":`)
	r.Outcome = s.outcome()
	r.Batch = s.batch()
	r.Details = s.details()
	r.Open = s.count(`,"open":`)
	s.must(`,"prev":`)
	r.Prev = s.hash()
	if s.at != len(s.text)-hashLength {
		s.miss(text.Raw(hashStart))
	}
	return r
}

func (s *scanner) time() time.Time {
	raw := s.needed(`,"time":`)
	if s.failed() {
		return time.Time{}
	}
	t, err := time.Parse(timeLayout, raw)
	if err != nil {
		s.miss(text.New("a time like %s", timeLayout))
		return time.Time{}
	}
	return t
}

func (s *scanner) identity(r *Record) {
	if s.may(`,"log":{"format":`) {
		if s.string() != Format {
			s.miss(text.Raw(Format))
		}
		r.Log.Store = s.needed(`,"store":`)
		r.Log.Environment = Environment(s.needed(`,"environment":`))
		s.must("}")
	}
	if s.may(`,"torn":{"bytes":`) {
		r.Torn.Bytes = s.digits()
		r.Torn.Digest = s.digest(`,"sha256":`)
		s.must("}")
	}
}

func (s *scanner) actor() Actor {
	a := Actor{ID: s.needed(`{"id":`), Role: s.needed(`,"role":`), Station: s.optional(`,"station":`)}
	s.must("}")
	return a
}

func (s *scanner) others() []Actor {
	if !s.may(`,"with":[`) {
		return nil
	}
	others := []Actor{s.actor()}
	for len(others) <= MaxWith && s.may(",") {
		others = append(others, s.actor())
	}
	s.must("]")
	return others
}

func (s *scanner) object() Object {
	if !s.may(`,"object":{"kind":`) {
		return Object{}
	}
	o := Object{Kind: ObjectKind(s.string()), Label: s.optional(`,"label":`)}
	o.Check = Check{Value: s.optional(`,"check":`), Method: s.optional(`,"method":`)}
	o.KSN = s.optional(`,"ksn":`)
	s.must("}")
	return o
}

func (s *scanner) outcome() Outcome {
	if !s.may(`,"outcome":{"result":`) {
		return Outcome{}
	}
	o := Outcome{Result: Result(s.string()), Fault: fault.Kind(s.optional(`,"fault":`))}
	s.must("}")
	return o
}

func (s *scanner) batch() Batch {
	if !s.may(`,"batch":{"count":`) {
		return Batch{}
	}
	b := Batch{Count: s.digits(), OK: s.count(`,"ok":`), Refused: s.count(`,"refused":`)}
	b.Failed, b.Unknown = s.count(`,"failed":`), s.count(`,"unknown":`)
	b.Digest = s.digest(`,"sha256":`)
	s.must("}")
	return b
}

func (s *scanner) details() Details {
	if !s.may(`,"details":{`) {
		return nil
	}
	d := Details{}
	for more := true; more && len(d) <= MaxDetails; more = s.may(",") {
		name := Field(s.string())
		s.must(":")
		d[name] = s.string()
	}
	s.must("}")
	return d
}

// must reads what has to stand here.
func (s *scanner) must(literal string) {
	if !s.may(literal) {
		s.miss(text.Raw(literal))
	}
}

// may reads what may stand here.
func (s *scanner) may(literal string) bool {
	if s.failed() || !strings.HasPrefix(s.text[s.at:], literal) {
		return false
	}
	s.at += len(literal)
	return true
}

func (s *scanner) needed(name string) string {
	s.must(name)
	return s.string()
}

func (s *scanner) optional(name string) string {
	if !s.may(name) {
		return ""
	}
	return s.string()
}

func (s *scanner) number(name string) uint64 {
	s.must(name)
	return s.digits()
}

func (s *scanner) count(name string) uint64 {
	if !s.may(name) {
		return 0
	}
	return s.digits()
}

func (s *scanner) digest(name string) Digest {
	if !s.may(name) {
		return Digest{}
	}
	return s.hash()
}

func (s *scanner) digits() uint64 {
	if s.failed() {
		return 0
	}
	end := s.at
	for end < len(s.text) && isDigit(s.text[end]) {
		end++
	}
	n, err := strconv.ParseUint(s.text[s.at:end], 10, 53)
	if err != nil {
		s.miss(text.New("a number below 2^53"))
		return 0
	}
	s.at = end
	return n
}

func (s *scanner) hash() Digest {
	raw := s.string()
	if s.failed() {
		return Digest{}
	}
	d, err := parseDigest(raw)
	if err != nil {
		s.miss(text.New("a hash of 64 upper-case hex digits"))
	}
	return d
}

// string reads a JSON string in which only quote and backslash are escaped.
func (s *scanner) string() string {
	s.must(`"`)
	if s.failed() {
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

func (s *scanner) escaped() string {
	var b strings.Builder
	for at := s.at; at < len(s.text); at++ {
		switch c := s.text[at]; c {
		case '"':
			s.at = at + 1
			return b.String()
		case '\\':
			at++
			if at == len(s.text) || !isAnyOf(s.text[at], `"\`) {
				s.at = at - 1
				s.miss(text.New("a quote or a backslash after the backslash"))
				return ""
			}
			b.WriteByte(s.text[at])
		default:
			b.WriteByte(c)
		}
	}
	s.miss(text.New("the end of a string"))
	return ""
}
