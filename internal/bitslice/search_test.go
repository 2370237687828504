package bitslice

import (
	"bytes"
	"context"
	"crypto/des"
	"encoding/binary"
	"encoding/hex"
	"math/rand/v2"
	"slices"
	"testing"
)

// cipherOf is the reference: the library's DES and triple DES.
func cipherOf(t testing.TB, key []byte) interface{ Encrypt(dst, src []byte) } {
	t.Helper()
	switch len(key) {
	case 8:
		b, err := des.NewCipher(key)
		if err != nil {
			t.Fatal(err)
		}
		return b
	case 16:
		key = append(append([]byte(nil), key...), key[:8]...)
	}
	b, err := des.NewTripleDESCipher(key)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func encrypted(t testing.TB, key []byte, block uint64) uint64 {
	t.Helper()
	out := binary.BigEndian.AppendUint64(nil, block)
	cipherOf(t, key).Encrypt(out, out)
	return binary.BigEndian.Uint64(out)
}

func xor(a, b []byte) []byte {
	out := make([]byte, len(a))
	for i := range a {
		out[i] = a[i] ^ b[i]
	}
	return out
}

func withoutParity(key []byte) []byte {
	out := append([]byte(nil), key...)
	for i := range out {
		out[i] &= 0xFE
	}
	return out
}

func firstDigits(n int) uint64 { return ^uint64(0) << (64 - 4*n) }

func randomKey(r *rand.Rand, n int) []byte {
	key := make([]byte, n)
	for i := range key {
		key[i] = byte(r.Uint32())
	}
	return key
}

// near lists every distinct key within n wrong digits, by brute force over the digits.
func near(key []byte, n int) [][]byte {
	seen := map[string]bool{}
	var all [][]byte
	var walk func(delta []byte, from, left int)
	walk = func(delta []byte, from, left int) {
		d := withoutParity(delta)
		if !seen[string(d)] {
			seen[string(d)] = true
			all = append(all, d)
		}
		if left == 0 {
			return
		}
		for digit := from; digit < 2*len(key); digit++ {
			for v := byte(1); v < 16; v++ {
				next := append([]byte(nil), delta...)
				next[digit/2] ^= v << (4 * (1 - digit%2))
				walk(next, digit+1, left-1)
			}
		}
	}
	walk(make([]byte, len(key)), 0, n)
	return all
}

func bruteForce(t testing.TB, key []byte, block, want, care uint64, n int) [][]byte {
	var hits [][]byte
	for _, d := range near(key, n) {
		if (encrypted(t, xor(key, d), block)^want)&care == 0 {
			hits = append(hits, d)
		}
	}
	slices.SortFunc(hits, bytes.Compare)
	return hits
}

func deltas(hits []Hit) [][]byte {
	var all [][]byte
	for _, h := range hits {
		all = append(all, h.Delta)
	}
	return all
}

func same(a, b [][]byte) bool { return slices.EqualFunc(a, b, bytes.Equal) }

func mustRun(t testing.TB, p Problem) []Hit {
	t.Helper()
	hits, err := p.Run(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return hits
}

// times is how often keys are drawn anew.
func times(n int) int {
	if raced {
		return 1
	}
	return n
}

func TestHitsEqualBruteForce(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 1))
	for _, size := range []int{8, 16, 24} {
		for _, digits := range []int{0, 1, 2} {
			for range times(3) {
				key := randomKey(r, size)
				block := r.Uint64()
				want, care := r.Uint64(), firstDigits(2+r.IntN(2)) // short: many hits
				p := Problem{Key: key, Block: block, Want: want, Care: care, Digits: digits, Workers: 2}
				got, brute := deltas(mustRun(t, p)), bruteForce(t, key, block, want, care, digits)
				if !same(got, brute) {
					t.Fatalf("%d bytes, %d digits: %d hits, brute force has %d", size, digits, len(got), len(brute))
				}
			}
		}
	}
}

func TestAnotherLaneWidthFindsTheSame(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 2))
	for _, size := range []int{8, 16, 24} {
		key := randomKey(r, size)
		p := Problem{Key: key, Block: 0, Want: r.Uint64(), Care: firstDigits(2), Digits: 1, Workers: 1}
		narrow := deltas(mustRun(t, p))
		p.Kernel = plain{words: 4}
		if wide := deltas(mustRun(t, p)); !same(narrow, wide) {
			t.Errorf("%d bytes: %d hits in 64 lanes, %d in 256", size, len(narrow), len(wide))
		}
	}
}

func TestCandidatesAreCountedOnceEach(t *testing.T) {
	key := make([]byte, 16)
	for n := range 3 {
		if got, want := Candidates(2, n), len(near(key, n)); got != want {
			t.Errorf("%d digits: %d candidates, brute force lists %d", n, got, want)
		}
	}
	// The count for exactly three digits of a two-part key, known from other programs.
	if got := Candidates(2, 3) - Candidates(2, 2); got != 6517280 {
		t.Errorf("three digits: %d candidates", got)
	}
}

func TestEveryCandidateIsTriedOnce(t *testing.T) {
	for _, size := range []int{8, 16, 24} {
		for n := range 3 {
			last := 0
			p := Problem{Key: make([]byte, size), Want: 1, Care: ^uint64(0), Digits: n, Progress: func(done int) { last = max(last, done) }}
			mustRun(t, p)
			if last != Candidates(size/8, n) {
				t.Errorf("%d bytes, %d digits: %d tried, %d exist", size, n, last, Candidates(size/8, n))
			}
		}
	}
}

func TestTransposeTurnsBitsOver(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 3))
	var a [64]uint64
	for i := range a {
		a[i] = r.Uint64()
	}
	b := a
	transpose(&b)
	for i := range 64 {
		for j := range 64 {
			if a[i]>>(63-j)&1 != b[j]>>(63-i)&1 {
				t.Fatalf("bit %d of word %d", j, i)
			}
		}
	}
}

func TestKeysComeBackFromTheirChoice(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for range 100 {
		key := r.Uint64()
		if got, want := unchosen(chosen(key)), key&0xFEFEFEFEFEFEFEFE; got != want {
			t.Fatalf("%016X, want %016X", got, want)
		}
	}
}

func TestPlantedDigitsAreFound(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 5))
	for i := range 3 * times(4) {
		size := []int{8, 16, 24}[i%3]
		key := randomKey(r, size)
		delta := make([]byte, size)
		for _, digit := range r.Perm(2 * size)[:3] {
			delta[digit/2] ^= byte(1+r.IntN(15)) << (4 * (1 - digit%2))
		}
		p := Problem{Key: key, Want: encrypted(t, xor(key, delta), 0), Care: firstDigits(16), Digits: 3, Workers: 2}
		hits := mustRun(t, p)
		if !slices.ContainsFunc(hits, func(h Hit) bool { return bytes.Equal(h.Delta, withoutParity(delta)) }) {
			t.Errorf("%d bytes: %s not found among %d", size, hex.EncodeToString(delta), len(hits))
		}
	}
}

// cmacOf is the CMAC of a zero block, from the text of SP 800-38B.
func cmacOf(t testing.TB, key []byte) uint64 {
	t.Helper()
	l := encrypted(t, key, 0)
	k1 := l << 1
	if l>>63 == 1 {
		k1 ^= 0x1B
	}
	return encrypted(t, key, k1)
}

func TestCMACHitsEqualBruteForce(t *testing.T) {
	r, hits := rand.New(rand.NewPCG(3, 6)), 0
	for _, size := range []int{8, 16, 24} {
		for _, digits := range []int{0, 1, 2} {
			key, want, care := randomKey(r, size), r.Uint64(), firstDigits(1+digits)
			if digits == 0 {
				want, care = cmacOf(t, key), firstDigits(16)
			}
			var brute [][]byte
			for _, d := range near(key, digits) {
				if (cmacOf(t, xor(key, d))^want)&care == 0 {
					brute = append(brute, d)
				}
			}
			slices.SortFunc(brute, bytes.Compare)
			got := deltas(mustRun(t, Problem{Key: key, CMAC: true, Block: 1, Want: want, Care: care, Digits: digits, Workers: 2}))
			if !same(got, brute) {
				t.Errorf("%d bytes, %d digits: %d hits, brute force has %d", size, digits, len(got), len(brute))
			}
			hits += len(got)
		}
	}
	if hits < 10 {
		t.Errorf("only %d hits in all", hits)
	}
}
