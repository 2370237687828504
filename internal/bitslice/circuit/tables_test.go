package circuit

import (
	"crypto/des"
	"encoding/binary"
	"math/rand/v2"
	"testing"
)

// What is left of FIPS 46-3 to make a whole cipher of the tables of this package. Bits count from 1 at the left.
var (
	initial = []uint8{58, 50, 42, 34, 26, 18, 10, 2, 60, 52, 44, 36, 28, 20, 12, 4, 62, 54, 46, 38, 30, 22, 14, 6,
		64, 56, 48, 40, 32, 24, 16, 8, 57, 49, 41, 33, 25, 17, 9, 1, 59, 51, 43, 35, 27, 19, 11, 3,
		61, 53, 45, 37, 29, 21, 13, 5, 63, 55, 47, 39, 31, 23, 15, 7}
	choice1 = []uint8{57, 49, 41, 33, 25, 17, 9, 1, 58, 50, 42, 34, 26, 18, 10, 2, 59, 51, 43, 35, 27, 19, 11, 3,
		60, 52, 44, 36, 63, 55, 47, 39, 31, 23, 15, 7, 62, 54, 46, 38, 30, 22, 14, 6, 61, 53, 45, 37,
		29, 21, 13, 5, 28, 20, 12, 4}
	shifts = []int{1, 1, 2, 2, 2, 2, 2, 2, 1, 2, 2, 2, 2, 2, 2, 1}
)

// pick builds a word from the bits of in (width bits wide) that the table names.
func pick(in uint64, width int, table []uint8) uint64 {
	var out uint64
	for _, from := range table {
		out = out<<1 | in>>(width-int(from))&1
	}
	return out
}

func rotate28(v uint64, by int) uint64 { return (v<<by | v>>(28-by)) & (1<<28 - 1) }

// encrypt is DES as FIPS 46-3 writes it, with the S-boxes of this package.
func encrypt(key, block uint64) uint64 {
	state := pick(block, 64, initial)
	l, r := state>>32, state&(1<<32-1)
	expansion, permutation, choice2 := Expansion(), Permutation(), Choice2()
	cd := pick(key, 64, choice1)
	c, d := cd>>28, cd&(1<<28-1)
	for _, by := range shifts {
		c, d = rotate28(c, by), rotate28(d, by)
		in := pick(r, 32, expansion[:]) ^ pick(c<<28|d, 56, choice2[:])
		var out uint64
		for box := range Boxes {
			out = out<<4 | uint64(Box(box + 1)[in>>(42-6*box)&63])
		}
		l, r = r, l^pick(out, 32, permutation[:])
	}
	inverse := make([]uint8, 64)
	for i, from := range initial {
		inverse[from-1] = uint8(i + 1)
	}
	return pick(r<<32|l, 64, inverse)
}

// TestTablesMakeTheCipher: with these S-boxes, and the other tables of the standard, DES is the DES of Go's library.
// Every entry of every table is used thousands of times.
func TestTablesMakeTheCipher(t *testing.T) {
	rng := rand.New(rand.NewPCG(46, 3))
	for range 2000 {
		key, block := rng.Uint64(), rng.Uint64()
		c, err := des.NewCipher(binary.BigEndian.AppendUint64(nil, key))
		if err != nil {
			t.Fatal(err)
		}
		want := binary.BigEndian.AppendUint64(nil, block)
		c.Encrypt(want, want)
		if got := encrypt(key, block); got != binary.BigEndian.Uint64(want) {
			t.Fatalf("block %016X under test key %016X: %016X, want %016X", block, key, got, want)
		}
	}
}
