package slip

// Wrong digits: every key within so many of them.

import (
	"bytes"
	"context"
	"encoding/binary"
	"math"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"poskey/internal/bitslice"
	"poskey/internal/fault"
	"poskey/pkg/kcv"
)

// MaxDigits is the largest number of wrong digits that is searched.
const MaxDigits = bitslice.MaxDigits

// near gives the XOR of every key that has the value with the one given: at most n wrong digits, the key itself
// included.
func near(ctx context.Context, t target, key []byte, n, workers int, progress func(done int)) ([][]byte, error) {
	if p, ok := sliced(t, key); ok {
		p.Digits, p.Workers, p.Progress = n, workers, progress
		hits, err := p.Run(ctx)
		var all [][]byte
		for _, h := range hits {
			all = append(all, h.Delta)
		}
		return all, err
	}
	return oneByOne(ctx, t, key, n, workers, progress)
}

// sliced makes the problem for the bitsliced search, where the value is the encryption of one block or the CMAC of one.
func sliced(t target, key []byte) (bitslice.Problem, bool) {
	p := bitslice.Problem{Key: key}
	switch t.method {
	case kcv.ECBZero, kcv.PAXMode1:
	case kcv.PAXMode2:
		p.Block = kcv.PAXMode2Block
	case kcv.CMAC:
		p.CMAC = true
	default:
		return p, false
	}
	var want [8]byte
	copy(want[:], t.want)
	p.Want = binary.BigEndian.Uint64(want[:])
	p.Care = ^uint64(0) << (64 - 4*min(t.digits, 16))
	return p, t.alg.IsDES()
}

// candidates is the number of keys that near tries, the one given included.
func candidates(t target, size, n int) int {
	if t.hidden() {
		return bitslice.Candidates(size/8, n)
	}
	sum, ways := 1.0, 1.0
	for k := 1; k <= n; k++ {
		ways *= float64(2*size-k+1) / float64(k) * 15
		sum += ways
	}
	return int(min(math.Round(sum), math.MaxInt))
}

// oddCandidates is the number of DES keys within n wrong digits of a piece, itself included, that can be written with
// odd parity in every byte. A low digit has seven changes that DES sees, and its lowest bit, which DES does not see, is
// whatever makes parity odd. A high digit that changes alone has to do so by itself.
func oddCandidates(typed []byte, n int) int {
	var ways [MaxDigits + 1]int // by number of changed digits
	ways[0] = 1
	for i := range len(typed) / 2 {
		none, one, two := 0, 8+7, 15*7 // ways to change so many digits of a byte; the high one alone by 1 or 3 bits
		if oddByte(typed, i) {
			none, one = 1, 7+7 // by 2 or 4 bits
		}
		for k := n; k >= 0; k-- {
			ways[k] *= none
			if k > 0 {
				ways[k] += ways[k-1] * one
			}
			if k > 1 {
				ways[k] += ways[k-2] * two
			}
		}
	}
	sum := 0
	for _, w := range ways[:n+1] {
		sum += w
	}
	return sum
}

// change is one digit XORed with something.
type change struct {
	at    int
	delta byte
}

func changes(t target, digits int) []change {
	var all []change
	for at := range digits {
		for delta := byte(1); delta < 16; delta++ {
			if !t.hidden() || at%2 == 0 || delta%2 == 0 {
				all = append(all, change{at, delta})
			}
		}
	}
	return all
}

// oneByOne tries keys with the cipher of the library, on all workers. A worker takes all candidates with the same last
// digit and change.
func oneByOne(ctx context.Context, t target, key []byte, n, workers int, progress func(done int)) ([][]byte, error) {
	var next, tried atomic.Int64
	tell := func(more int) {
		if sum := tried.Add(int64(more)); progress != nil {
			progress(int(sum))
		}
	}
	w := walk{ctx: ctx, trial: trial{target: t}, changes: changes(t, 2*len(key)), tell: tell}
	first := w.start(key)
	defer clear(first.key)
	first.try()
	first.told()
	found := make([][][]byte, max(1, workers))
	var wg sync.WaitGroup
	for i := range found {
		wg.Go(func() {
			mine := w.start(key)
			defer clear(mine.key)
			for n > 0 && ctx.Err() == nil {
				at := len(w.changes) - int(next.Add(1)) // the last digits have the most candidates before them
				if at < 0 {
					break
				}
				mine.from(at, n)
				mine.told()
			}
			found[i] = mine.found
		})
	}
	wg.Wait()
	if err := ctx.Err(); err != nil {
		return nil, fault.WrapAs(fault.Interrupted, err, "the search was stopped")
	}
	all := first.found
	for _, f := range found {
		all = append(all, f...)
	}
	slices.SortFunc(all, bytes.Compare) // whichever worker found them
	return all, nil
}

// walk goes through the candidates of one worker.
type walk struct {
	trial
	ctx     context.Context
	changes []change
	key     []byte // at work
	delta   []byte // of the key given
	tried   int    // and not told yet
	tell    func(tried int)
	found   [][]byte
}

// start gives a walk with a key of its own.
func (w walk) start(key []byte) *walk {
	w.key = append([]byte(nil), key...)
	w.delta = make([]byte, len(key))
	return &w
}

// told tells how many were tried.
func (w *walk) told() {
	w.tell(w.tried)
	w.tried = 0
}

func (w *walk) try() {
	w.tried++
	if w.fits(w.key) {
		w.found = append(w.found, append([]byte(nil), w.delta...))
	}
}

// from makes one change, tries that, and goes on with the changes of digits before it.
func (w *walk) from(at, left int) {
	c := w.changes[at]
	w.turn(c)
	w.try()
	for before := 0; left > 1 && before < at && w.changes[before].at < c.at; before++ {
		w.from(before, left-1)
		if left < 3 {
			continue
		}
		if w.told(); w.ctx.Err() != nil { // thousands of candidates later
			break
		}
	}
	w.turn(c)
}

func (w *walk) turn(c change) {
	v := c.delta << (4 * (1 - c.at%2))
	w.key[c.at/2] ^= v
	w.delta[c.at/2] ^= v
}

// cores is the number of workers when nobody says another.
func cores(asked int) int {
	if asked > 0 {
		return asked
	}
	return runtime.GOMAXPROCS(0)
}
