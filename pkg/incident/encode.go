package incident

// From a Record to its line. There is one way to write a record; package documentation, "A line".

import (
	"maps"
	"slices"
	"time"

	"poskey/internal/chained"
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
	dst = chained.AppendUint(append(dst, `{"n":`...), unsigned(r.N))
	dst = chained.AppendTime(dst, `,"time":`, r.Time)
	dst = chained.AppendCount(dst, `,"back_us":`, unsigned(int(r.Back/time.Microsecond)))
	dst = chained.AppendText(append(dst, `,"kind":`...), string(r.Kind))
	dst = appendHead(dst, r.Head)
	dst = chained.AppendFilled(dst, `,"by":`, r.By)
	dst = chained.AppendFilled(dst, `,"second":`, r.Second)
	dst = chained.AppendFilled(dst, `,"step":`, r.Step)
	dst = appendItems(dst, r.Items)
	dst = appendDetails(dst, r.Details)
	dst = chained.AppendHex(append(dst, `,"prev":"`...), r.Prev)
	return append(dst, '"')
}

// unsigned is a number that check has found not to be negative.
func unsigned(n int) uint64 { return uint64(max(0, n)) }

func appendHead(dst []byte, h *Head) []byte {
	if h == nil {
		return dst
	}
	dst = chained.AppendText(append(dst, `,"head":{"format":"`+Format+`","incident":`...), h.ID)
	dst = chained.AppendText(append(dst, `,"what":`...), string(h.Kind))
	dst = chained.AppendText(append(dst, `,"title":`...), h.Title)
	dst = chained.AppendFilled(dst, `,"store":`, h.Store)
	dst = chained.AppendFilled(dst, `,"environment":`, h.Environment)
	return append(dst, '}')
}

func appendItems(dst []byte, items []Item) []byte {
	for i, it := range items {
		dst = append(dst, chained.Opening(i == 0, `,"items":[`)...)
		dst = chained.AppendText(append(dst, `{"what":`...), string(it.What))
		dst = chained.AppendText(append(dst, `,"name":`...), it.Name)
		dst = chained.AppendFilled(dst, `,"note":`, it.Note)
		dst = append(dst, '}')
	}
	if len(items) > 0 {
		dst = append(dst, ']')
	}
	return dst
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
