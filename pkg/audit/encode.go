package audit

// From a Record to its line. There is one way to write a record; package documentation, "A line".

import (
	"maps"
	"slices"
	"strconv"
	"time"
)

const (
	timeLayout = "2006-01-02T15:04:05.000000Z"
	hashStart  = `,"hash":"`
	hashEnd    = `"}`
	hashLength = len(hashStart) + 64 + len(hashEnd) // the end of a line, which its hash does not cover
)

// appendRecord writes the line with the record's own hash at its end.
func appendRecord(dst []byte, r *Record) []byte {
	dst = appendBody(dst, r)
	dst = append(dst, hashStart...)
	dst = r.Hash.append(dst)
	return append(dst, hashEnd...)
}

// appendBody writes what the hash covers.
func appendBody(dst []byte, r *Record) []byte {
	dst = appendUint(append(dst, `{"seq":`...), r.Seq)
	dst = r.Time.AppendFormat(append(dst, `,"time":"`...), timeLayout)
	dst = append(dst, '"')
	dst = appendCount(dst, `,"back_us":`, uint64(r.Back/time.Microsecond))
	dst = appendIdentity(dst, r)
	dst = appendActor(append(dst, `,"who":`...), &r.Who)
	dst = appendOthers(dst, r.With)
	dst = appendText(append(dst, `,"op":`...), string(r.Operation))
	dst = appendCount(dst, `,"of":`, r.Of)
	dst = appendObject(dst, &r.Object)
	dst = appendDigest(dst, `,"request":`, r.Request)
	dst = appendOutcome(dst, r.Outcome)
	dst = appendBatch(dst, &r.Batch)
	dst = appendDetails(dst, r.Details)
	dst = appendCount(dst, `,"open":`, r.Open)
	dst = r.Prev.append(append(dst, `,"prev":"`...))
	return append(dst, '"')
}

func appendIdentity(dst []byte, r *Record) []byte {
	if r.Log != (Identity{}) {
		dst = appendText(append(dst, `,"log":{"format":"`+Format+`","store":`...), r.Log.Store)
		dst = appendText(append(dst, `,"environment":`...), string(r.Log.Environment))
		dst = append(dst, '}')
	}
	if r.Torn != (Torn{}) {
		dst = appendUint(append(dst, `,"torn":{"bytes":`...), r.Torn.Bytes)
		dst = appendDigest(dst, `,"sha256":`, r.Torn.Digest)
		dst = append(dst, '}')
	}
	return dst
}

func appendActor(dst []byte, a *Actor) []byte {
	dst = appendText(append(dst, `{"id":`...), a.ID)
	dst = appendText(append(dst, `,"role":`...), a.Role)
	dst = appendFilled(dst, `,"station":`, a.Station)
	return append(dst, '}')
}

func appendOthers(dst []byte, others []Actor) []byte {
	for i := range others {
		dst = append(dst, opening(i == 0, `,"with":[`)...)
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
	dst = appendText(append(dst, `,"object":{"kind":`...), string(o.Kind))
	dst = appendFilled(dst, `,"label":`, o.Label)
	dst = appendFilled(dst, `,"check":`, o.Check.Value)
	dst = appendFilled(dst, `,"method":`, o.Check.Method)
	dst = appendFilled(dst, `,"ksn":`, o.KSN)
	return append(dst, '}')
}

func appendOutcome(dst []byte, o Outcome) []byte {
	if o.Result == "" {
		return dst
	}
	dst = appendText(append(dst, `,"outcome":{"result":`...), string(o.Result))
	dst = appendFilled(dst, `,"fault":`, string(o.Fault))
	return append(dst, '}')
}

func appendBatch(dst []byte, b *Batch) []byte {
	if *b == (Batch{}) {
		return dst
	}
	dst = appendUint(append(dst, `,"batch":{"count":`...), b.Count)
	dst = appendCount(dst, `,"ok":`, b.OK)
	dst = appendCount(dst, `,"refused":`, b.Refused)
	dst = appendCount(dst, `,"failed":`, b.Failed)
	dst = appendCount(dst, `,"unknown":`, b.Unknown)
	dst = appendDigest(dst, `,"sha256":`, b.Digest)
	return append(dst, '}')
}

// appendDetails sorts by name, byte by byte.
func appendDetails(dst []byte, d Details) []byte {
	if len(d) == 0 {
		return dst
	}
	for i, name := range slices.Sorted(maps.Keys(d)) {
		dst = append(dst, opening(i == 0, `,"details":{`)...)
		dst = append(appendText(dst, string(name)), ':')
		dst = appendText(dst, d[name])
	}
	return append(dst, '}')
}

// opening gives what stands before an element of a list.
func opening(first bool, list string) string {
	if first {
		return list
	}
	return ","
}

func appendUint(dst []byte, n uint64) []byte { return strconv.AppendUint(dst, n, 10) }

// appendCount writes a number that is left out when it is zero.
func appendCount(dst []byte, name string, n uint64) []byte {
	if n == 0 {
		return dst
	}
	return appendUint(append(dst, name...), n)
}

func appendDigest(dst []byte, name string, d Digest) []byte {
	if d.IsZero() {
		return dst
	}
	return append(d.append(append(append(dst, name...), '"')), '"')
}

// appendFilled writes a text that is left out when it is empty.
func appendFilled(dst []byte, name, s string) []byte {
	if s == "" {
		return dst
	}
	return appendText(append(dst, name...), s)
}

// appendText writes a JSON string. Only quote and backslash are escaped: nothing else that needs it may be in a record.
func appendText(dst []byte, s string) []byte {
	dst = append(dst, '"')
	for i := range len(s) {
		if s[i] == '"' || s[i] == '\\' {
			dst = append(dst, '\\')
		}
		dst = append(dst, s[i])
	}
	return append(dst, '"')
}
