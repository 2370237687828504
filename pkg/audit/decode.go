package audit

// From a line to its Record. Reading is strict by construction: what was read is written again, and must be the same.

import (
	"bytes"
	"time"

	"poskey/internal/chained"
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
	s := newScanner(line)
	r := s.record()
	if err := s.Err(); err != nil {
		return Record{}, malformed(err)
	}
	if err := r.check(); err != nil {
		return Record{}, malformed(err)
	}
	r.Hash = hash
	*scratch = appendRecord((*scratch)[:0], &r)
	if !bytes.Equal(*scratch, line) {
		return Record{}, malformed(fault.New(fault.Malformed, "not written as this format writes it, from byte %d on",
			1+chained.CommonLength(*scratch, line)))
	}
	return r, nil
}

// checkHash holds the bytes of a line against the hash at its end.
func checkHash(line []byte) (Digest, *Problem) {
	if len(line) >= MaxLine {
		return Digest{}, &Problem{Reason: TooLong}
	}
	body, sum, err := chained.CutSeal(line)
	if err != nil {
		return Digest{}, malformed(err)
	}
	carried := Digest{sum}
	if got := hashRecord(body); got != carried {
		return Digest{}, &Problem{Reason: Changed, Got: got.Short(), Want: carried.Short()}
	}
	return carried, nil
}

func malformed(err error) *Problem { return &Problem{Reason: NotARecord, err: err} }

// scanner reads the fields in the order of [appendBody].
type scanner struct{ *chained.Scanner }

func newScanner(line []byte) scanner { return scanner{chained.NewScanner(string(line))} }

func (s scanner) record() Record {
	var r Record
	r.Seq = s.Number(`{"seq":`)
	r.Time = s.Time(`,"time":`)
	r.Back = time.Duration(s.Count(`,"back_us":`)) * time.Microsecond
	s.identity(&r)
	s.Must(`,"who":`)
	r.Who = s.actor()
	r.With = s.others()
	r.Operation = Operation(s.Needed(`,"op":`))
	r.Of = s.Count(`,"of":`)
	r.Object = s.object()
	r.Request = s.digest(`,"request":`)
	r.Outcome = s.outcome()
	r.Batch = s.batch()
	r.Details = s.details()
	r.Open = s.Count(`,"open":`)
	s.Must(`,"prev":`)
	r.Prev = s.hash()
	s.Seal()
	return r
}

func (s scanner) identity(r *Record) {
	if s.May(`,"log":{"format":`) {
		if s.Quoted() != Format {
			s.Miss(text.Raw(Format))
		}
		r.Log.Store = s.Needed(`,"store":`)
		r.Log.Environment = Environment(s.Needed(`,"environment":`))
		s.Must("}")
	}
	if s.May(`,"torn":{"bytes":`) {
		r.Torn.Bytes = s.Digits()
		r.Torn.Digest = s.digest(`,"sha256":`)
		s.Must("}")
	}
}

func (s scanner) actor() Actor {
	a := Actor{ID: s.Needed(`{"id":`), Role: s.Needed(`,"role":`), Station: s.Optional(`,"station":`)}
	s.Must("}")
	return a
}

func (s scanner) others() []Actor {
	if !s.May(`,"with":[`) {
		return nil
	}
	others := []Actor{s.actor()}
	for len(others) <= MaxWith && s.May(",") {
		others = append(others, s.actor())
	}
	s.Must("]")
	return others
}

func (s scanner) object() Object {
	if !s.May(`,"object":{"kind":`) {
		return Object{}
	}
	o := Object{Kind: ObjectKind(s.Quoted()), Label: s.Optional(`,"label":`)}
	o.Check = Check{Value: s.Optional(`,"check":`), Method: s.Optional(`,"method":`)}
	o.KSN = s.Optional(`,"ksn":`)
	s.Must("}")
	return o
}

func (s scanner) outcome() Outcome {
	if !s.May(`,"outcome":{"result":`) {
		return Outcome{}
	}
	o := Outcome{Result: Result(s.Quoted()), Fault: fault.Kind(s.Optional(`,"fault":`))}
	s.Must("}")
	return o
}

func (s scanner) batch() Batch {
	if !s.May(`,"batch":{"count":`) {
		return Batch{}
	}
	b := Batch{Count: s.Digits(), OK: s.Count(`,"ok":`), Refused: s.Count(`,"refused":`)}
	b.Failed, b.Unknown = s.Count(`,"failed":`), s.Count(`,"unknown":`)
	b.Digest = s.digest(`,"sha256":`)
	s.Must("}")
	return b
}

func (s scanner) details() Details {
	if !s.May(`,"details":{`) {
		return nil
	}
	d := Details{}
	for more := true; more && len(d) <= MaxDetails; more = s.May(",") {
		name := Field(s.Quoted())
		s.Must(":")
		d[name] = s.Quoted()
	}
	s.Must("}")
	return d
}

func (s scanner) digest(name string) Digest {
	if !s.May(name) {
		return Digest{}
	}
	return s.hash()
}

func (s scanner) hash() Digest { return Digest{s.Hash()} }
