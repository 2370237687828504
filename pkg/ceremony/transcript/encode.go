package transcript

// From a Record to its line. There is one way to write a record; package documentation, "A line".

import (
	"encoding/base64"
	"maps"
	"slices"
	"time"

	"poskey/internal/chained"
	"poskey/pkg/kcv"
)

// recordDomain keeps the hash of a line apart from every other use of SHA-256.
const recordDomain = Format + "/record"

// appendRecord writes the line with the record's own hash at its end.
func appendRecord(dst []byte, r *Record) []byte {
	return chained.AppendSeal(appendBody(dst, r), r.Hash)
}

// seal writes the line and gives the record its hash.
func seal(r *Record) []byte {
	body := appendBody(nil, r)
	r.Hash = chained.Hash(recordDomain, body)
	return chained.AppendSeal(body, r.Hash)
}

// appendBody writes what the hash covers.
func appendBody(dst []byte, r *Record) []byte {
	dst = chained.AppendUint(append(dst, `{"n":`...), count(r.N))
	dst = chained.AppendTime(dst, `,"time":`, r.Time)
	dst = chained.AppendCount(dst, `,"back_us":`, count(int(r.Back/time.Microsecond)))
	dst = chained.AppendText(append(dst, `,"kind":`...), string(r.Kind))
	dst = chained.AppendCount(dst, `,"step":`, count(r.Step))
	dst = chained.AppendFilled(dst, `,"who":`, r.Who)
	dst = appendPeople(dst, r.People)
	dst = chained.AppendFilled(dst, `,"key":`, r.Key)
	dst = chained.AppendCount(dst, `,"part":`, count(r.Part))
	dst = appendCheck(dst, `,"check":`, r.Check)
	dst = appendCheck(dst, `,"expected":`, r.Expected)
	dst = chained.AppendFilled(dst, `,"verdict":`, string(r.Verdict))
	dst = appendDetails(dst, r.Details)
	dst = appendBytes(dst, `,"card":`, r.Card)
	dst = appendHead(dst, r.Head)
	dst = appendBytes(dst, `,"signature":`, r.Signature)
	dst = appendBytes(dst, `,"note":`, r.Note)
	dst = chained.AppendHex(append(dst, `,"prev":"`...), r.Prev)
	return append(dst, '"')
}

// count is a number that check has found not to be negative.
func count(n int) uint64 { return uint64(max(0, n)) }

func appendPeople(dst []byte, people []string) []byte {
	for i, p := range people {
		dst = append(dst, chained.Opening(i == 0, `,"people":[`)...)
		dst = chained.AppendText(dst, p)
	}
	if len(people) > 0 {
		dst = append(dst, ']')
	}
	return dst
}

func appendCheck(dst []byte, name string, v kcv.Value) []byte {
	if v == (kcv.Value{}) {
		return dst
	}
	dst = chained.AppendText(append(append(dst, name...), `{"digits":`...), v.Digits)
	dst = chained.AppendFilled(dst, `,"method":`, string(v.Method))
	return append(dst, '}')
}

// appendDetails sorts by name, byte by byte.
func appendDetails(dst []byte, d map[string]string) []byte {
	for i, name := range slices.Sorted(maps.Keys(d)) {
		dst = append(dst, chained.Opening(i == 0, `,"details":{`)...)
		dst = append(chained.AppendText(dst, name), ':')
		dst = chained.AppendText(dst, d[name])
	}
	if len(d) > 0 {
		dst = append(dst, '}')
	}
	return dst
}

func appendHead(dst []byte, h *Head) []byte {
	if h == nil {
		return dst
	}
	dst = chained.AppendText(append(dst, `,"head":{"format":"`+Format+`","ceremony":`...), h.Ceremony)
	dst = chained.AppendText(append(dst, `,"mode":`...), string(h.Mode))
	dst = chained.AppendText(append(dst, `,"environment":`...), string(h.Environment))
	dst = appendBytes(dst, `,"script":`, h.Script)
	dst = chained.AppendFilled(dst, `,"tool":`, h.Tool)
	dst = chained.AppendFilled(dst, `,"station":`, h.Station)
	dst = chained.AppendText(append(dst, `,"language":`...), h.Language)
	return append(dst, '}')
}

// appendBytes writes base64, or nothing when there are no bytes.
func appendBytes(dst []byte, name string, b []byte) []byte {
	if len(b) == 0 {
		return dst
	}
	dst = append(append(dst, name...), '"')
	dst = base64.StdEncoding.AppendEncode(dst, b)
	return append(dst, '"')
}
