package bitslice

import (
	"crypto/des"
	"encoding/binary"
	"slices"
	"testing"
	"time"
)

func benchProblem(size, digits, workers int) Problem {
	key := make([]byte, size)
	for i := range key {
		key[i] = byte(37*i + 11)
	}
	return Problem{Key: key, Want: 0x0123456789ABCDEF, Care: firstDigits(6), Digits: digits, Workers: workers}
}

// naive tries keys as everybody does: a cipher of the library for each.
func naive(b *testing.B, keys int) time.Duration {
	var key [24]byte
	var block [8]byte
	start := time.Now()
	for i := range keys {
		binary.BigEndian.PutUint64(key[:], uint64(i)<<1)
		binary.BigEndian.PutUint64(key[8:], uint64(i)<<9)
		copy(key[16:], key[:8])
		c, err := des.NewTripleDESCipher(key[:])
		if err != nil {
			b.Fatal(err)
		}
		clear(block[:])
		c.Encrypt(block[:], block[:])
	}
	return time.Since(start)
}

// kernel runs what the search runs for most candidates: the second and third DES of a triple DES whose first is shared,
// the third as far as the first 24 bits.
func kernel(batches int) time.Duration {
	s := newSearch(benchProblem(16, 1, 1))
	w := newWorker(s)
	f := &w.frames[1]
	spreadBlock(f.in, s.inputs[1], s.w)
	b := s.near.upTo[1][0]
	spreadKey(f.key, s.given[1], s.w)
	start := time.Now()
	for i := range batches {
		at := i % b.batches(s.lanes)
		b.table.batches[at].apply(f.key, s.w)
		f.start()
		w.alive[0] = ^uint64(0)
		f.run(s.kernel, f.key, s.backward[:])
		s.kernel.Rounds(f.block, w.fixed[0], s.forward[:14], f.crossed)
		s.kernel.Tail(f.block, w.fixed[0], s.forward[14], f.crossed, &s.tailWant, &s.tailCare, w.alive)
		b.table.batches[at].apply(f.key, s.w)
	}
	return time.Since(start)
}

func median(v []float64) float64 {
	slices.Sort(v)
	return v[len(v)/2]
}

// BenchmarkKernel gives the ratio of the two on one core, in turns: run it with -benchtime 9x, the metric is the median.
func BenchmarkKernel(b *testing.B) {
	const batches, keys = 40_000, 40_000
	var ratios []float64
	for b.Loop() {
		fast, slow := kernel(batches), naive(b, keys)
		ratios = append(ratios, slow.Seconds()/keys/(fast.Seconds()/(64*batches)))
	}
	b.ReportMetric(median(ratios), "x-crypto/des")
}

// BenchmarkSearch3 gives the ratio of a whole search over three wrong digits, to the same number of keys one by one.
func BenchmarkSearch3(b *testing.B) {
	n := Candidates(2, 3)
	const keys = 40_000
	var ratios []float64
	for b.Loop() {
		start := time.Now()
		mustRun(b, benchProblem(16, 3, 1))
		fast := time.Since(start)
		ratios = append(ratios, naive(b, keys).Seconds()/keys/(fast.Seconds()/float64(n)))
	}
	b.ReportMetric(median(ratios), "x-crypto/des")
}

// BenchmarkCores gives how much faster two cores search four wrong digits than one.
func BenchmarkCores(b *testing.B) {
	var ratios []float64
	for b.Loop() {
		var took [3]time.Duration
		for workers := 1; workers <= 2; workers++ {
			start := time.Now()
			mustRun(b, benchProblem(16, 4, workers))
			took[workers] = time.Since(start)
		}
		ratios = append(ratios, took[1].Seconds()/took[2].Seconds())
	}
	b.ReportMetric(median(ratios), "x-1-core")
}

// BenchmarkRound is one round of 64 keys.
func BenchmarkRound(b *testing.B) {
	var block [64]uint64
	var key [84]uint64
	for b.Loop() {
		round64(&block, &key)
	}
}
