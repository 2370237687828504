package bitslice

// A worker: the words of one core, and the operations of triple DES over them.

import (
	"context"
	"encoding/binary"
	"math/bits"
	"slices"
)

// worker searches with words of its own. Frame p is for the candidates of part p.
type worker struct {
	s      *search
	frames [3]frame
	fixed  [3][]uint64 // key words of the parts that do not vary, delta included
	delta  [3]uint64   // how the parts differ from those given, in all lanes alike
	alive  []uint64
	next   []uint64 // again's scratch
	tried  int
	hits   []Hit
}

// frame is what one part's candidates need: the block they are run on, their key words, the block at work, and the
// blocks that come out.
type frame struct {
	in      []uint64
	key     []uint64
	block   []uint64
	crossed bool     // the right half of block stands first
	out     []uint64 // one block per lane
}

func newWorker(s *search) *worker {
	w := &worker{s: s, alive: make([]uint64, s.w), next: make([]uint64, blockBits*s.w)}
	for i := range w.frames {
		f := &w.frames[i]
		f.in, f.block = make([]uint64, blockBits*s.w), make([]uint64, blockBits*s.w)
		f.key, f.out = make([]uint64, keyWords*s.w), make([]uint64, s.lanes)
		w.fixed[i] = make([]uint64, keyWords*s.w)
		spreadKey(w.fixed[i], s.given[i], s.w)
	}
	return w
}

func (w *worker) wipe() {
	for i := range w.frames {
		f := &w.frames[i]
		for _, words := range [][]uint64{f.in, f.block, f.key, f.out, w.fixed[i]} {
			clear(words)
		}
	}
	clear(w.next)
	clear(w.delta[:])
}

// start puts the block that all candidates are run on into place.
func (f *frame) start() {
	copy(f.block, f.in)
	f.crossed = false
}

// run is a whole DES; the halves are exchanged at its end.
func (f *frame) run(k Kernel, key []uint64, rotations []uint8) {
	k.Rounds(f.block, key, rotations, f.crossed)
	f.crossed = !f.crossed
}

// bit gives the words of a bit of the block, the left half first.
func (f *frame) bit(i, w int) []uint64 {
	if f.crossed {
		i = (i + halfBits) % blockBits
	}
	return f.block[i*w : (i+1)*w]
}

// takeOut puts the blocks of the lanes of group g to their places in out.
func (f *frame) takeOut(w, g int) {
	a := (*[64]uint64)(f.out[64*g:])
	for i := range a {
		a[i] = f.bit(i, w)[g]
	}
	transpose(a)
	slices.Reverse(a[:])
}

func (w *worker) do(ctx context.Context, t task) {
	f := &w.frames[t.part]
	spreadBlock(f.in, w.s.inputs[t.part], w.s.w)
	if t.batch < 0 {
		w.all(ctx, t.part, t.spans, t.left)
		return
	}
	c := t.spans[0]
	spreadKey(f.key, w.s.given[t.part]^c.outer, w.s.w)
	w.one(ctx, t.part, c, t.batch, t.left, t.lanes)
}

// all runs every candidate of a part, and their followers, on the block that the part's frame has taken. left is the
// number of digits that may change, here and behind.
func (w *worker) all(ctx context.Context, part int, spans []span, left int) {
	for _, c := range spans {
		spreadKey(w.frames[part].key, w.s.given[part]^c.outer, w.s.w)
		for batch := range c.batches(w.s.lanes) {
			w.one(ctx, part, c, batch, left, [2]int{0, w.s.lanes})
		}
		if ctx.Err() != nil {
			return
		}
	}
}

// one runs one batch. The lanes are those whose followers are searched; whoever has the first of them tests the batch
// itself.
func (w *worker) one(ctx context.Context, part int, c span, at, left int, lanes [2]int) {
	s, f := w.s, &w.frames[part]
	valid := c.valid(at, s.lanes)
	if c.table != nil {
		c.table.batches[at].apply(f.key, s.w)
		defer c.table.batches[at].apply(f.key, s.w)
	}
	f.start()
	for op := part; op < s.ops; op++ {
		key := w.keyOf(op, part)
		if op == s.ops-1 {
			if lanes[0] == 0 {
				w.test(f, key, part, c, at, valid)
			}
			return
		}
		f.run(s.kernel, key, s.order(op))
		if next := op + 1; next < s.parts && c.edits < left {
			w.followers(ctx, part, next, c, at, left-c.edits, [2]int{lanes[0], min(lanes[1], valid)})
		}
	}
}

// keyOf gives the words of an operation's key while the candidates of part are at work.
func (w *worker) keyOf(op, part int) []uint64 {
	if w.s.partOf(op) == part {
		return w.frames[part].key
	}
	return w.fixed[w.s.partOf(op)]
}

// followers searches the candidates of a later part, lane by lane: what comes out of a lane is what they are run on.
func (w *worker) followers(ctx context.Context, part, next int, c span, at, left int, lanes [2]int) {
	s, f := w.s, &w.frames[part]
	for lane := lanes[0]; lane < lanes[1]; lane++ {
		if lane%64 == 0 || lane == lanes[0] {
			f.takeOut(s.w, lane/64)
		}
		if ctx.Err() != nil {
			return
		}
		w.fix(part, c.delta(at, lane, s.w))
		spreadBlock(w.frames[next].in, f.out[lane], s.w)
		w.all(ctx, next, s.near.upTo[left], left)
	}
	w.fix(part, 0)
}

// fix gives a part another value in all lanes.
func (w *worker) fix(part int, delta uint64) {
	w.delta[part] = delta
	if w.s.parts == 2 || w.s.cmac { // else nothing behind it is run with this part again
		spreadKey(w.fixed[part], w.s.given[part]^delta, w.s.w)
	}
}

// test finishes the last operation, for all lanes, and keeps those that yield the wanted bits.
func (w *worker) test(f *frame, key []uint64, part int, c span, at, valid int) {
	s := w.s
	w.tried += valid
	if s.cmac {
		f.run(s.kernel, key, s.forward[:])
		w.again(f)
		for op := range s.ops - 1 {
			f.run(s.kernel, w.keyOf(op, part), s.order(op))
		}
	}
	for i := range w.alive {
		w.alive[i] = lanesBelow(valid - 64*i)
	}
	s.kernel.Rounds(f.block, key, s.forward[:14], f.crossed)
	s.kernel.Tail(f.block, key, s.forward[14], f.crossed, &s.tailWant, &s.tailCare, w.alive)
	if none(w.alive) {
		return
	}
	f.run(s.kernel, key, s.forward[14:])
	for i := range blockBits {
		for j, word := range f.bit(i, s.w) {
			w.alive[j] &^= (word ^ s.want[i]) & s.care[i]
		}
	}
	for i, word := range w.alive {
		for ; word != 0; word &= word - 1 {
			w.hit(part, c.delta(at, 64*i+bits.TrailingZeros64(word), s.w))
		}
	}
}

// again makes of what a cipher gave what a CMAC of one zero block gives it next: the subkey, which is twice that block.
func (w *worker) again(f *frame) {
	n := w.s.w
	for i, d := range w.s.doubled {
		to := w.next[i*n : (i+1)*n]
		clear(to)
		for _, from := range d {
			for j, word := range f.bit(from, n) {
				to[j] ^= word
			}
		}
	}
	copy(f.block, w.next)
	f.crossed = false
}

func (w *worker) hit(part int, delta uint64) {
	all := w.delta
	all[part] = delta
	var h Hit
	for _, cd := range all[:w.s.parts] {
		h.Delta = binary.BigEndian.AppendUint64(h.Delta, unchosen(cd))
	}
	w.hits = append(w.hits, h)
}

// lanesBelow is a word with the first n lanes.
func lanesBelow(n int) uint64 {
	switch {
	case n <= 0:
		return 0
	case n >= 64:
		return ^uint64(0)
	}
	return 1<<n - 1
}

func none(words []uint64) bool {
	for _, w := range words {
		if w != 0 {
			return false
		}
	}
	return true
}
