package incident

// From a line to its Record. Reading is strict by construction: what was read is written again, and must be the same.

import (
	"bytes"
	"time"

	"poskey/internal/chained"
	"poskey/internal/fault"
)

// ParseRecord reads one line, without its line feed. It carries its own hash and is exactly as the record writes it, or
// it is refused: malformed, too_large, log_broken for bytes that do not have the hash that they carry. Whether it
// follows the line above is for [Parse] to say.
func ParseRecord(line []byte) (Record, error) {
	if len(line) >= MaxLine {
		return Record{}, tooLong()
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
	return r, nil
}

func tooLong() error {
	return fault.New(fault.TooLarge, "the line is longer than the %d bytes that a record may have", MaxLine)
}

// scanner reads the members in the order of [appendBody].
type scanner struct{ *chained.Scanner }

func (s scanner) record() Record {
	var r Record
	r.N = int(min(s.Number(`{"n":`), maxLines+1))
	r.Time = s.Time(`,"time":`)
	r.Back = time.Duration(min(s.Count(`,"back_us":`), maxBack)) * time.Microsecond
	r.Kind = EntryKind(s.Needed(`,"kind":`))
	r.Head = s.head()
	r.By, r.Second = s.Optional(`,"by":`), s.Optional(`,"second":`)
	r.Step = s.Optional(`,"step":`)
	r.Items = s.items()
	r.Details = s.details()
	s.Must(`,"prev":`)
	r.Prev = s.Hash()
	s.Seal()
	return r
}

func (s scanner) head() *Head {
	if !s.May(`,"head":{"format":"` + Format + `","incident":`) {
		return nil
	}
	h := &Head{ID: s.Quoted(), Kind: Kind(s.Needed(`,"what":`))}
	h.Title = s.Needed(`,"title":`)
	h.Store, h.Environment = s.Optional(`,"store":`), s.Optional(`,"environment":`)
	s.Must("}")
	return h
}

func (s scanner) items() []Item {
	if !s.May(`,"items":[`) {
		return nil
	}
	var all []Item
	for more := true; more && !s.Failed() && len(all) <= maxItems; more = s.May(",") {
		it := Item{What: ItemKind(s.Needed(`{"what":`)), Name: s.Needed(`,"name":`)}
		it.Note = s.Optional(`,"note":`)
		s.Must("}")
		all = append(all, it)
	}
	s.Must("]")
	return all
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
