package bitslice

import (
	"crypto/des"
	"encoding/binary"
	"testing"
)

func benchProblem(size, digits, workers int) Problem {
	key := make([]byte, size)
	for i := range key {
		key[i] = byte(37*i + 11)
	}
	return Problem{Key: key, Want: 0x0123456789ABCDEF, Care: firstDigits(6), Digits: digits, Workers: workers}
}

// BenchmarkNaive is what everybody does: a cipher of the library for each key.
func BenchmarkNaive(b *testing.B) {
	var key [24]byte
	var block [8]byte
	for i := 0; b.Loop(); i++ {
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
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds()/1e6, "Mkeys/s")
}

func benchSearch(b *testing.B, size, digits, workers int) {
	p := benchProblem(size, digits, workers)
	for b.Loop() {
		mustRun(b, p)
	}
	n := Candidates(size/8, digits)
	b.ReportMetric(float64(b.N)*float64(n)/b.Elapsed().Seconds()/1e6, "Mkeys/s")
}

func BenchmarkSearch2Key3Digits1Core(b *testing.B)  { benchSearch(b, 16, 3, 1) }
func BenchmarkSearch2Key3Digits2Cores(b *testing.B) { benchSearch(b, 16, 3, 2) }
func BenchmarkSearch3Key3Digits2Cores(b *testing.B) { benchSearch(b, 24, 3, 2) }

// BenchmarkRound is one round of 64 keys.
func BenchmarkRound(b *testing.B) {
	var l, r [32]uint64
	var key [84]uint64
	for b.Loop() {
		round64(&l, &r, &key)
	}
}
