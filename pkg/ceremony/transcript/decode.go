package transcript

// From a line to its Record. Reading is strict by construction: what was read is written again, and must be the same.

import (
	"bytes"
	"encoding/base64"
	"time"

	"poskey/internal/chained"
	"poskey/internal/fault"
	"poskey/internal/text"
	"poskey/pkg/custody"
	"poskey/pkg/kcv"
)

// ParseRecord reads one line, without its line feed. It carries its own hash and is exactly as the record writes it, or
// it is refused: malformed, too_large, log_broken for bytes that do not have the hash that they carry. Whether it
// follows the line above is for [Read] to say.
func ParseRecord(line []byte) (Record, error) {
	if len(line) >= MaxFirstLine {
		return Record{}, tooLong(MaxFirstLine)
	}
	body, carried, err := chained.CutSeal(line)
	if err != nil {
		return Record{}, err
	}
	if got := Digest(chained.Hash(recordDomain, body)); got != carried {
		return Record{}, fault.New(fault.LogBroken, "it was changed: its bytes have the hash %s, it carries %s",
			got.Short(), Digest(carried).Short())
	}
	s := scanner{chained.NewScanner(string(line))}
	r := s.record()
	if err := s.Err(); err != nil {
		return Record{}, err
	}
	if err := r.check(); err != nil {
		return Record{}, err
	}
	r.Hash = carried
	if again := appendRecord(nil, &r); !bytes.Equal(again, line) {
		return Record{}, fault.New(fault.Malformed, "not written as this format writes it, from byte %d on",
			1+chained.CommonLength(again, line))
	}
	if limit := r.Kind.maxLine(); len(line) >= limit {
		return Record{}, tooLong(limit)
	}
	return r, nil
}

func tooLong(limit int) error {
	return fault.New(fault.TooLarge, "the line is longer than the %d bytes that a record may have", limit)
}

// scanner reads the members in the order of [appendBody].
type scanner struct{ *chained.Scanner }

func (s scanner) record() Record {
	var r Record
	r.N = s.small(s.Number(`{"n":`))
	r.Time = s.Time(`,"time":`)
	r.Back = time.Duration(min(s.Count(`,"back_us":`), maxBack)) * time.Microsecond
	r.Kind = Kind(s.Needed(`,"kind":`))
	r.Step = s.small(s.Count(`,"step":`))
	r.Who = s.Optional(`,"who":`)
	r.People = s.people()
	r.Key = s.Optional(`,"key":`)
	r.Part = s.small(s.Count(`,"part":`))
	r.Check = s.value(`,"check":`)
	r.Expected = s.value(`,"expected":`)
	r.Verdict = Verdict(s.Optional(`,"verdict":`))
	r.Details = s.details()
	r.Card = s.bytes(`,"card":`)
	r.Head = s.head()
	r.Signature = s.bytes(`,"signature":`)
	r.Note = s.bytes(`,"note":`)
	s.Must(`,"prev":`)
	r.Prev = s.Hash()
	s.Seal()
	return r
}

// small makes an int of a number that fits into one everywhere.
func (s scanner) small(n uint64) int {
	if n > maxLines {
		s.Miss(text.New("a number of at most %d", maxLines))
		return 0
	}
	return int(n)
}

func (s scanner) people() []string {
	if !s.May(`,"people":[`) {
		return nil
	}
	people := []string{s.Quoted()}
	for len(people) <= maxPeople && s.May(",") {
		people = append(people, s.Quoted())
	}
	s.Must("]")
	return people
}

func (s scanner) value(name string) kcv.Value {
	if !s.May(name) {
		return kcv.Value{}
	}
	v := kcv.Value{Digits: s.Needed(`{"digits":`), Method: kcv.Method(s.Optional(`,"method":`))}
	s.Must("}")
	return v
}

func (s scanner) details() map[string]string {
	if !s.May(`,"details":{`) {
		return nil
	}
	d := map[string]string{}
	for more := true; more && len(d) <= maxDetails; more = s.May(",") {
		name := s.Quoted()
		s.Must(":")
		d[name] = s.Quoted()
	}
	s.Must("}")
	return d
}

func (s scanner) head() *Head {
	if !s.May(`,"head":{"format":"` + Format + `","ceremony":`) {
		return nil
	}
	h := &Head{Ceremony: s.Quoted(), Mode: Mode(s.Needed(`,"mode":`))}
	h.Environment = custody.Environment(s.Needed(`,"environment":`))
	h.Script = s.bytes(`,"script":`)
	h.Tool, h.Station = s.Optional(`,"tool":`), s.Optional(`,"station":`)
	h.Language = s.Needed(`,"language":`)
	s.Must("}")
	return h
}

func (s scanner) bytes(name string) []byte {
	if !s.May(name) {
		return nil
	}
	raw := s.Quoted()
	b, err := base64.StdEncoding.Strict().DecodeString(raw)
	if err != nil || len(b) == 0 {
		s.Miss(text.New("base64 with padding"))
		return nil
	}
	return b
}
