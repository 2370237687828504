package audit

// From a Record to its line. There is one way to write a record; package documentation, "A line".

import (
	"maps"
	"slices"
	"time"

	"poskey/internal/chained"
)

// appendRecord writes the line with the record's own hash at its end.
func appendRecord(dst []byte, r *Record) []byte {
	dst = appendBody(dst, r)
	return chained.AppendSeal(dst, r.Hash.sum)
}

// appendBody writes what the hash covers.
func appendBody(dst []byte, r *Record) []byte {
	dst = chained.AppendUint(append(dst, `{"seq":`...), r.Seq)
	dst = chained.AppendTime(dst, `,"time":`, r.Time)
	dst = chained.AppendCount(dst, `,"back_us":`, uint64(r.Back/time.Microsecond))
	dst = appendIdentity(dst, r)
	dst = appendActor(append(dst, `,"who":`...), &r.Who)
	dst = appendOthers(dst, r.With)
	dst = chained.AppendText(append(dst, `,"op":`...), string(r.Operation))
	dst = chained.AppendCount(dst, `,"of":`, r.Of)
	dst = appendObject(dst, &r.Object)
	dst = appendDigest(dst, `,"request":`, r.Request)
	dst = appendOutcome(dst, r.Outcome)
	dst = appendBatch(dst, &r.Batch)
	dst = appendDetails(dst, r.Details)
	dst = chained.AppendCount(dst, `,"open":`, r.Open)
	dst = r.Prev.append(append(dst, `,"prev":"`...))
	return append(dst, '"')
}

func appendIdentity(dst []byte, r *Record) []byte {
	if r.Log != (Identity{}) {
		dst = chained.AppendText(append(dst, `,"log":{"format":"`+Format+`","store":`...), r.Log.Store)
		dst = chained.AppendText(append(dst, `,"environment":`...), string(r.Log.Environment))
		dst = append(dst, '}')
	}
	if r.Torn != (Torn{}) {
		dst = chained.AppendUint(append(dst, `,"torn":{"bytes":`...), r.Torn.Bytes)
		dst = appendDigest(dst, `,"sha256":`, r.Torn.Digest)
		dst = append(dst, '}')
	}
	return dst
}

func appendActor(dst []byte, a *Actor) []byte {
	dst = chained.AppendText(append(dst, `{"id":`...), a.ID)
	dst = chained.AppendText(append(dst, `,"role":`...), a.Role)
	dst = chained.AppendFilled(dst, `,"station":`, a.Station)
	return append(dst, '}')
}

func appendOthers(dst []byte, others []Actor) []byte {
	for i := range others {
		dst = append(dst, chained.Opening(i == 0, `,"with":[`)...)
		dst = appendActor(dst, &others[i])
	}
	if len(others) > 0 {
		dst = append(dst, ']')
	}
	return dst
}

func appendObject(dst []byte, o *Object) []byte {
	if *o == (Object{}) {
		return dst
	}
	dst = chained.AppendText(append(dst, `,"object":{"kind":`...), string(o.Kind))
	dst = chained.AppendFilled(dst, `,"label":`, o.Label)
	dst = chained.AppendFilled(dst, `,"check":`, o.Check.Value)
	dst = chained.AppendFilled(dst, `,"method":`, o.Check.Method)
	dst = chained.AppendFilled(dst, `,"ksn":`, o.KSN)
	return append(dst, '}')
}

func appendOutcome(dst []byte, o Outcome) []byte {
	if o.Result == "" {
		return dst
	}
	dst = chained.AppendText(append(dst, `,"outcome":{"result":`...), string(o.Result))
	dst = chained.AppendFilled(dst, `,"fault":`, string(o.Fault))
	return append(dst, '}')
}

func appendBatch(dst []byte, b *Batch) []byte {
	if *b == (Batch{}) {
		return dst
	}
	dst = chained.AppendUint(append(dst, `,"batch":{"count":`...), b.Count)
	dst = chained.AppendCount(dst, `,"ok":`, b.OK)
	dst = chained.AppendCount(dst, `,"refused":`, b.Refused)
	dst = chained.AppendCount(dst, `,"failed":`, b.Failed)
	dst = chained.AppendCount(dst, `,"unknown":`, b.Unknown)
	dst = appendDigest(dst, `,"sha256":`, b.Digest)
	return append(dst, '}')
}

// appendDetails sorts by name, byte by byte.
func appendDetails(dst []byte, d Details) []byte {
	if len(d) == 0 {
		return dst
	}
	for i, name := range slices.Sorted(maps.Keys(d)) {
		dst = append(dst, chained.Opening(i == 0, `,"details":{`)...)
		dst = append(chained.AppendText(dst, string(name)), ':')
		dst = chained.AppendText(dst, d[name])
	}
	return append(dst, '}')
}

func appendDigest(dst []byte, name string, d Digest) []byte {
	if d.IsZero() {
		return dst
	}
	return append(d.append(append(append(dst, name...), '"')), '"')
}
