package bitslice

// A worker: the words of one core, and the operations of triple DES over them.

import (
	"context"
	"encoding/binary"
	"math/bits"
)

// worker searches with words of its own. Frame p is for the candidates of part p.
type worker struct {
	s      *search
	frames [3]frame
	fixed  [3][]uint64 // key words of the parts that do not vary, delta included
	delta  [3]uint64   // how the parts differ from those given, in all lanes alike
	alive  []uint64
	next   []uint64 // scratch of again
	tried  int
	hits   []Hit
}

// frame is what one part's candidates need: the block they are run on, their key words, the halves at work, and the
// blocks that come out.
type frame struct {
	inLeft, inRight []uint64
	left, right     []uint64
	key             []uint64
	out             []uint64 // one block per lane
}

func newWorker(s *search) *worker {
	w := &worker{s: s, alive: make([]uint64, s.w), next: make([]uint64, blockBits*s.w)}
	for i := range w.frames {
		f := &w.frames[i]
		for _, words := range []*[]uint64{&f.inLeft, &f.inRight, &f.left, &f.right} {
			*words = make([]uint64, halfBits*s.w)
		}
		f.key, f.out = make([]uint64, keyWords*s.w), make([]uint64, s.lanes)
		w.fixed[i] = make([]uint64, keyWords*s.w)
		spreadKey(w.fixed[i], s.given[i], s.w)
	}
	return w
}

func (w *worker) wipe() {
	for i := range w.frames {
		f := &w.frames[i]
		for _, words := range [][]uint64{f.inLeft, f.inRight, f.left, f.right, f.key, f.out, w.fixed[i]} {
			clear(words)
		}
	}
	clear(w.next)
	clear(w.delta[:])
}

// take gives all lanes the same block.
func (f *frame) take(block uint64, w int) { spreadBlock(f.inLeft, f.inRight, block, w) }

// blocksOut gives the block of each lane of group g, lane 0 first.
func (f *frame) blocksOut(w, g int) *[64]uint64 {
	var a [64]uint64
	for i := range halfBits {
		a[i], a[halfBits+i] = f.left[i*w+g], f.right[i*w+g]
	}
	transpose(&a)
	for i := range 32 {
		a[i], a[63-i] = a[63-i], a[i]
	}
	return &a
}

func (w *worker) do(ctx context.Context, t task) {
	f := &w.frames[t.part]
	f.take(w.s.inputs[t.part], w.s.w)
	if t.batch < 0 {
		w.all(ctx, t.part, t.blocks, t.left)
		return
	}
	b := t.blocks[0]
	spreadKey(f.key, w.s.given[t.part]^b.outer, w.s.w)
	w.one(ctx, t.part, b, t.batch, t.left, t.lanes)
}

// all runs every candidate of a part, and their followers, on the block that the part's frame has taken. left is the
// number of digits that may change, here and behind.
func (w *worker) all(ctx context.Context, part int, blocks []block, left int) {
	for _, b := range blocks {
		spreadKey(w.frames[part].key, w.s.given[part]^b.outer, w.s.w)
		for batch := range b.batches(w.s.lanes) {
			w.one(ctx, part, b, batch, left, [2]int{0, w.s.lanes})
		}
		if ctx.Err() != nil {
			return
		}
	}
}

// one runs one batch. The lanes are those whose followers are searched; whoever has the first of them tests the batch
// itself.
func (w *worker) one(ctx context.Context, part int, b block, at, left int, lanes [2]int) {
	s, f := w.s, &w.frames[part]
	valid := b.valid(at, s.lanes)
	if b.table != nil {
		b.table.batches[at].apply(f.key, s.w)
		defer b.table.batches[at].apply(f.key, s.w)
	}
	copy(f.left, f.inLeft)
	copy(f.right, f.inRight)
	for op := part; op < s.ops; op++ {
		key := w.keyOf(op, part)
		if op == s.ops-1 {
			if lanes[0] == 0 {
				w.test(f, key, part, b, at, valid)
			}
			return
		}
		s.kernel.Rounds(f.left, f.right, key, s.order(op))
		f.left, f.right = f.right, f.left
		if next := op + 1; next < s.parts && b.edits < left {
			w.followers(ctx, part, next, b, at, left-b.edits, [2]int{lanes[0], min(lanes[1], valid)})
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
func (w *worker) followers(ctx context.Context, part, next int, b block, at, left int, lanes [2]int) {
	s, f := w.s, &w.frames[part]
	for lane := lanes[0]; lane < lanes[1]; lane++ {
		if lane%64 == 0 || lane == lanes[0] {
			copy(f.out[lane/64*64:], f.blocksOut(s.w, lane/64)[:])
		}
		if ctx.Err() != nil {
			return
		}
		w.fix(part, b.delta(at, lane, s.w))
		w.frames[next].take(f.out[lane], s.w)
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
func (w *worker) test(f *frame, key []uint64, part int, b block, at, valid int) {
	s := w.s
	w.tried += valid
	if s.cmac {
		s.kernel.Rounds(f.left, f.right, key, s.forward[:])
		f.left, f.right = f.right, f.left
		w.again(f)
		for op := range s.ops - 1 {
			s.kernel.Rounds(f.left, f.right, w.keyOf(op, part), s.order(op))
			f.left, f.right = f.right, f.left
		}
	}
	for i := range w.alive {
		w.alive[i] = lanesBelow(valid - 64*i)
	}
	s.kernel.Rounds(f.left, f.right, key, s.forward[:14])
	s.kernel.Tail(f.left, f.right, key, s.forward[14], &s.tailWant, &s.tailCare, w.alive)
	if none(w.alive) {
		return
	}
	s.kernel.Rounds(f.left, f.right, key, s.forward[14:])
	for i := range halfBits {
		for j := range w.alive {
			w.alive[j] &^= (f.right[i*s.w+j] ^ s.want[i]) & s.care[i]
			w.alive[j] &^= (f.left[i*s.w+j] ^ s.want[halfBits+i]) & s.care[halfBits+i]
		}
	}
	for i, word := range w.alive {
		for ; word != 0; word &= word - 1 {
			w.hit(part, b.delta(at, 64*i+bits.TrailingZeros64(word), s.w))
		}
	}
}

// again makes of what a cipher gave what a CMAC of one zero block gives it next: the subkey, which is twice that block.
func (w *worker) again(f *frame) {
	n := w.s.w
	half := func(i int) []uint64 {
		if i < halfBits {
			return f.left[i*n : (i+1)*n]
		}
		return f.right[(i-halfBits)*n : (i-halfBits+1)*n]
	}
	for i, d := range w.s.doubled {
		to := w.next[i*n : (i+1)*n]
		clear(to)
		for _, from := range d {
			for j, bits := range half(from) {
				to[j] ^= bits
			}
		}
	}
	copy(f.left, w.next[:halfBits*n])
	copy(f.right, w.next[halfBits*n:])
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
