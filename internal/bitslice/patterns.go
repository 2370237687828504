package bitslice

// Candidates of one 8-byte part of a key: which hex digits change and how, packed into lanes.

import (
	"math"
	"slices"
)

const (
	partDigits = 16
	maxTable   = 2 // digits that change within a table; more are changed in all lanes alike
)

// changes lists what a digit of a part may be XORed with, as masks of the part. The low digit of a byte has three bits
// that DES reads.
func changes(digit int) []uint64 {
	var out []uint64
	shift := 4 * (partDigits - 1 - digit)
	for v := uint64(1); v < 16; v++ {
		if digit%2 == 0 || v%2 == 0 {
			out = append(out, v<<shift)
		}
	}
	return out
}

// batch is one candidate per lane: the key bits that are not alike in all lanes, with the lanes that change them.
type batch struct {
	bits   []uint8    // of C and D
	places [][2]uint8 // of bits, among the words of a key
	lanes  []uint64   // Lanes()/64 words for each of bits
}

// table holds all candidates with exactly n changed digits, by their last changed digit, so that those which change
// only digits before p are a head of the table.
type table struct {
	n       int
	batches []batch
	below   [partDigits + 1]int // candidates that change only digits before p
}

func newTable(n, lanes int) *table {
	t := &table{n: n}
	p := packer{lanes: lanes}
	for last := range partDigits {
		t.below[last] = p.count
		for _, c := range changes(last) {
			if n == 1 {
				p.add(chosen(c))
				continue
			}
			for first := range last {
				for _, d := range changes(first) {
					p.add(chosen(c | d))
				}
			}
		}
	}
	t.below[partDigits] = p.count
	t.batches = p.done()
	return t
}

// packer fills batches.
type packer struct {
	lanes   int
	count   int
	batches []batch
	words   [keyBits][]uint64 // of the batch that is being filled
}

func (p *packer) add(cd uint64) {
	lane := p.count % p.lanes
	for i := range keyBits {
		if cd>>(keyBits-1-i)&1 == 0 {
			continue
		}
		if p.words[i] == nil {
			p.words[i] = make([]uint64, p.lanes/64)
		}
		p.words[i][lane/64] |= 1 << (lane % 64)
	}
	if p.count++; p.count%p.lanes == 0 {
		p.flush()
	}
}

func (p *packer) flush() {
	var b batch
	for i, w := range p.words {
		if w != nil {
			first, second := keyPlaces(i)
			b.bits = append(b.bits, uint8(i))
			b.places = append(b.places, [2]uint8{uint8(first), uint8(second)})
			b.lanes = append(b.lanes, w...)
		}
	}
	p.words = [keyBits][]uint64{}
	p.batches = append(p.batches, b)
}

func (p *packer) done() []batch {
	if p.count%p.lanes != 0 {
		p.flush()
	}
	return p.batches
}

// apply changes the key words by the batch; a second time takes the change back.
func (b *batch) apply(words []uint64, w int) {
	if w == 1 { // the loop below without its inner loop, which costs more than what it does for one word
		for i, p := range b.places {
			words[p[0]] ^= b.lanes[i]
			words[p[1]] ^= b.lanes[i]
		}
		return
	}
	for i, p := range b.places {
		for j, lanes := range b.lanes[i*w : (i+1)*w] {
			words[int(p[0])*w+j] ^= lanes
			words[int(p[1])*w+j] ^= lanes
		}
	}
}

// delta is the change of one lane, as bits of C and D.
func (b *batch) delta(lane, w int) uint64 {
	var cd uint64
	for i, bit := range b.bits {
		cd |= b.lanes[i*w+lane/64] >> (lane % 64) & 1 << (keyBits - 1 - bit)
	}
	return cd
}

// span is a run of candidates with the same number of changed digits: a change in all lanes, and the first candidates of
// a table.
type span struct {
	outer uint64 // of C and D
	edits int
	table *table // nil: the one candidate that only outer changes
	count int
}

func (s span) batches(lanes int) int { return (s.count + lanes - 1) / lanes }

// valid is the number of candidates in a batch; they are its first lanes.
func (s span) valid(batch, lanes int) int { return min(lanes, s.count-batch*lanes) }

// delta is how the candidate in a lane of a batch differs from the part given, as bits of C and D.
func (s span) delta(batch, lane, w int) uint64 {
	if s.table == nil {
		return s.outer
	}
	return s.outer ^ s.table.batches[batch].delta(lane, w)
}

// candidates lists what exactly n changed digits make of a part, for every n up to the largest.
type candidates struct {
	spans [][]span // by number of changed digits
	upTo  [][]span // all with at least one and at most so many
}

func newCandidates(most, lanes int) *candidates {
	c := &candidates{spans: [][]span{{{count: 1}}}, upTo: [][]span{nil}}
	tables := []*table{nil}
	for n := 1; n <= min(most, maxTable); n++ {
		tables = append(tables, newTable(n, lanes))
	}
	for n := 1; n <= most; n++ {
		inner := tables[min(n, maxTable)]
		c.spans = append(c.spans, outside(nil, inner, n-inner.n, 0, partDigits))
		c.upTo = append(c.upTo, slices.Concat(c.upTo[n-1], c.spans[n]))
	}
	return c
}

// outside appends the spans that change n more digits before digit below in all lanes, and those of the table before
// these.
func outside(spans []span, inner *table, n int, outer uint64, below int) []span {
	if n == 0 {
		if count := inner.below[below]; count > 0 {
			spans = append(spans, span{outer, inner.n, inner, count})
		}
		return spans
	}
	for digit := range below {
		for _, c := range changes(digit) {
			from := len(spans)
			spans = outside(spans, inner, n-1, outer^chosen(c), digit)
			for i := range spans[from:] {
				spans[from+i].edits++
			}
		}
	}
	return spans
}

// Candidates is the number of distinct keys that differ from a given key of so many 8-byte parts in at most n hex
// digits, 0 to MaxDigits, the given key included; or the largest int where that is less.
func Candidates(keyParts, n int) int {
	var ways [MaxDigits + 1]int64 // keys by number of changed digits
	ways[0] = 1
	for digit := range partDigits * keyParts {
		for k := n; k > 0; k-- {
			ways[k] += ways[k-1] * int64(len(changes(digit%partDigits)))
		}
	}
	sum := int64(0)
	for _, w := range ways[:n+1] {
		sum += w
	}
	return int(min(sum, math.MaxInt))
}
