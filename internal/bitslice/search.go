package bitslice

// The search: a problem made ready, and how it is cut into work for the cores.

import (
	"bytes"
	"context"
	"slices"
	"sync"
	"sync/atomic"

	"poskey/internal/fault"
)

// MaxDigits is the largest number of wrong digits that is searched: one more would take minutes and find a thousand
// keys by chance.
const MaxDigits = 4

// Problem is a search.
type Problem struct {
	Key    []byte // 8, 16 (K1 K2 K1) or 24 bytes
	Block  uint64 // what is encrypted, first bit highest
	Want   uint64 // the ciphertext
	Care   uint64 // the bits of the ciphertext that are known
	CMAC   bool   // not the encryption of Block counts, but the CMAC of a zero block (SP 800-38B); Block is not used
	Digits int    // most wrong hex digits, 0 to MaxDigits

	Workers  int    // goroutines; at least one is started
	Kernel   Kernel // nil is Default()
	Progress func(done int)
}

// Hit is a key that yields the wanted bits: its XOR with the key given, parity bits zero.
type Hit struct{ Delta []byte }

// Run searches. Hits are in the order of their bytes, whatever the number of workers. It fails when the problem is
// malformed or ctx ends, then without hits. Progress, when it is given, is told the number of candidates tried so far,
// by several goroutines; the largest number it is told is [Candidates].
func (p Problem) Run(ctx context.Context) ([]Hit, error) {
	if n := len(p.Key); n != 8 && n != 16 && n != 24 {
		return nil, fault.New(fault.MalformedLength, "a DES key has 8, 16 or 24 bytes, not %d", n)
	}
	if p.Digits < 0 || p.Digits > MaxDigits {
		return nil, fault.New(fault.Usage, "a search covers 0 to %d wrong digits, not %d", MaxDigits, p.Digits)
	}
	s := newSearch(p)
	defer s.wipe()
	found := s.run(ctx, max(1, p.Workers), p.Progress)
	if err := ctx.Err(); err != nil {
		return nil, fault.WrapAs(fault.Interrupted, err, "the search was stopped")
	}
	slices.SortFunc(found, func(a, b Hit) int { return bytes.Compare(a.Delta, b.Delta) })
	return found, nil
}

// search is a problem made ready. Nothing in it changes while workers run.
type search struct {
	kernel Kernel
	lanes  int
	w      int // words per bit
	most   int // wrong digits
	near   *candidates

	cmac   bool
	parts  int       // of the key: 1, 2 or 3
	ops    int       // DES operations: 1 or 3
	given  [3]uint64 // C and D of the parts; the third is the first again for a key of two
	inputs [3]uint64 // what each operation is run on when the parts before are as given

	want, care         [blockBits]uint64 // ciphertext before its last permutation, left half first, in all lanes
	tailWant, tailCare [12]uint64

	forward, backward [16]uint8
	doubled           [blockBits][]int // of a CMAC; see doubling
}

func newSearch(p Problem) *search {
	s := &search{kernel: p.Kernel, most: p.Digits, cmac: p.CMAC, parts: len(p.Key) / 8, ops: 3}
	s.forward, s.backward, s.doubled = rotations(), backwards(), doubling()
	if s.cmac {
		p.Block = 0
	}
	if s.kernel == nil {
		s.kernel = Default()
	}
	s.lanes, s.w = s.kernel.Lanes(), s.kernel.Lanes()/64
	s.near = newCandidates(p.Digits, s.lanes)
	given := parts(p.Key)
	copy(s.given[:], given)
	clear(given)
	switch s.parts {
	case 1:
		s.ops = 1
	case 2:
		s.given[2] = s.given[0]
	}
	want, care := permuted(p.Want), permuted(p.Care)
	for i := range s.want {
		s.want[i], s.care[i] = -(want >> (blockBits - 1 - i) & 1), -(care >> (blockBits - 1 - i) & 1)
	}
	for i, bit := range tailBits() {
		s.tailWant[i], s.tailCare[i] = s.want[halfBits+bit], s.care[halfBits+bit]
	}
	s.follow(permuted(p.Block))
	return s
}

// follow computes what each operation is run on when the key is as given.
func (s *search) follow(block uint64) {
	w := newWorker(s)
	defer w.wipe()
	for op := range s.ops {
		s.inputs[op] = block
		if op == s.ops-1 {
			return
		}
		f := &w.frames[0]
		spreadBlock(f.in, block, s.w)
		f.start()
		spreadKey(f.key, s.given[op], s.w)
		f.run(s.kernel, f.key, s.order(op))
		f.takeOut(s.w, 0)
		block = f.out[0]
	}
}

// partOf gives the part of the key that an operation takes.
func (s *search) partOf(op int) int {
	if op == 2 && s.parts == 2 {
		return 0
	}
	return op
}

// order gives the rotations of an operation: the second one of triple DES decrypts.
func (s *search) order(op int) []uint8 {
	if op == 1 {
		return s.backward[:]
	}
	return s.forward[:]
}

func (s *search) wipe() {
	clear(s.given[:])
	clear(s.inputs[:])
}

func (s *search) run(ctx context.Context, workers int, progress func(int)) []Hit {
	tasks := s.tasks()
	var next, tried atomic.Int64
	var wg sync.WaitGroup
	found := make([][]Hit, workers)
	for i := range found {
		wg.Go(func() {
			w := newWorker(s)
			defer w.wipe()
			for at := next.Add(1) - 1; at < int64(len(tasks)) && ctx.Err() == nil; at = next.Add(1) - 1 {
				w.tried = 0
				w.do(ctx, tasks[at])
				if sum := tried.Add(int64(w.tried)); progress != nil {
					progress(int(sum))
				}
			}
			found[i] = w.hits
		})
	}
	wg.Wait()
	return slices.Concat(found...)
}

// task is a piece of work of a few milliseconds: candidates of one part, the parts before it as given. Where those
// behind may change too, it is one batch of one span, and some of its lanes.
type task struct {
	part  int
	spans []span
	left  int    // digits that may change, those of the spans included; 0 for the key as given
	batch int    // of the one span, or -1 for all batches of all spans
	lanes [2]int // from, to: whose followers are searched
}

// batchesPerTask makes a task take about a millisecond.
const batchesPerTask = 1024

// lanesPerTask keeps tasks short whose lanes each have thousands of followers.
const lanesPerTask = 4

func (s *search) tasks() []task {
	all := []task{{part: 0, spans: s.near.spans[0], batch: -1, lanes: [2]int{0, s.lanes}}}
	for part := range s.parts {
		var alone []span
		size := 0
		for _, c := range s.near.upTo[s.most] {
			if part < s.parts-1 && c.edits < s.most {
				all = append(all, s.laneTasks(part, c)...)
				continue
			}
			alone, size = append(alone, c), size+c.batches(s.lanes)
			if size >= batchesPerTask {
				all = append(all, s.wholeTask(part, alone))
				alone, size = nil, 0
			}
		}
		if len(alone) > 0 {
			all = append(all, s.wholeTask(part, alone))
		}
	}
	return all
}

// wholeTask is candidates without followers.
func (s *search) wholeTask(part int, spans []span) task {
	return task{part, spans, s.most, -1, [2]int{0, s.lanes}}
}

// laneTasks cuts a span whose candidates have followers.
func (s *search) laneTasks(part int, c span) []task {
	step := s.lanes
	if c.edits < s.most-1 {
		step = lanesPerTask
	}
	var all []task
	for batch := range c.batches(s.lanes) {
		for lane := 0; lane < c.valid(batch, s.lanes); lane += step {
			all = append(all, task{part, []span{c}, s.most, batch, [2]int{lane, lane + step}})
		}
	}
	return all
}
