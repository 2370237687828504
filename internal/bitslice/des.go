package bitslice

// The tables of DES (FIPS 46-3) as far as a bitsliced implementation needs them, and keys as words. Positions count
// from 0 here; the standard counts from 1.

import (
	"encoding/binary"
	"slices"
)

const (
	blockBits = 64
	halfBits  = 32
	keyBits   = 56  // C and D together
	keyWords  = 112 // C twice, D twice
	dAt       = 56  // where D starts in them
)

// initial gives the places in the block, from 1, that the initial permutation takes its bits from.
func initial() [blockBits]uint8 {
	return [blockBits]uint8{
		58, 50, 42, 34, 26, 18, 10, 2, 60, 52, 44, 36, 28, 20, 12, 4,
		62, 54, 46, 38, 30, 22, 14, 6, 64, 56, 48, 40, 32, 24, 16, 8,
		57, 49, 41, 33, 25, 17, 9, 1, 59, 51, 43, 35, 27, 19, 11, 3,
		61, 53, 45, 37, 29, 21, 13, 5, 63, 55, 47, 39, 31, 23, 15, 7,
	}
}

// choice1 gives the bits of the key, from 1, that C and D are made of.
func choice1() [keyBits]uint8 {
	return [keyBits]uint8{
		57, 49, 41, 33, 25, 17, 9, 1, 58, 50, 42, 34, 26, 18,
		10, 2, 59, 51, 43, 35, 27, 19, 11, 3, 60, 52, 44, 36,
		63, 55, 47, 39, 31, 23, 15, 7, 62, 54, 46, 38, 30, 22,
		14, 6, 61, 53, 45, 37, 29, 21, 13, 5, 28, 20, 12, 4,
	}
}

// rotations gives by how many bits C and D are rotated in each round, all rounds before it included.
func rotations() [16]uint8 {
	return [16]uint8{1, 2, 4, 6, 8, 10, 12, 14, 15, 17, 19, 21, 23, 25, 27, 28}
}

// backwards gives the rotations in the order of decryption.
func backwards() [16]uint8 {
	r := rotations()
	for i := range 8 {
		r[i], r[15-i] = r[15-i], r[i]
	}
	return r
}

// permuted gives a block after the initial permutation: bit 0 of the left half is bit 63 of the result.
func permuted(block uint64) uint64 {
	var out uint64
	for i, from := range initial() {
		out |= block >> (blockBits - from) & 1 << (blockBits - 1 - i)
	}
	return out
}

// doubling gives, for each bit of a permuted block, the bits of another permuted block that it is the sum of when the
// first is twice the second in GF(2^64) (SP 800-38B, 6.1): the bit that follows, and the first one where the polynomial
// 1B hex has a bit.
func doubling() (from [blockBits][]int) {
	places := initial()
	at := func(bit uint8) int { return slices.Index(places[:], bit) }
	for i, bit := range places {
		if bit < blockBits {
			from[i] = append(from[i], at(bit+1))
		}
		if slices.Contains([]uint8{60, 61, 63, 64}, bit) {
			from[i] = append(from[i], at(1))
		}
	}
	return from
}

// chosen gives C and D of a key part: bit 0 of C is bit 55 of the result.
func chosen(key uint64) uint64 {
	var out uint64
	for i, from := range choice1() {
		out |= key >> (blockBits - from) & 1 << (keyBits - 1 - i)
	}
	return out
}

// unchosen puts the bits of C and D back to their places; parity bits stay zero.
func unchosen(cd uint64) uint64 {
	var out uint64
	for i, from := range choice1() {
		out |= cd >> (keyBits - 1 - i) & 1 << (blockBits - from)
	}
	return out
}

// spread fills words with a bit in all lanes: 0 or all ones.
func spread(words []uint64, bit uint64) {
	for i := range words {
		words[i] = -(bit & 1)
	}
}

// spreadBlock gives every lane the same permuted block.
func spreadBlock(words []uint64, block uint64, w int) {
	for i := range blockBits {
		spread(words[i*w:(i+1)*w], block>>(blockBits-1-i))
	}
}

// spreadKey gives every lane the same key part.
func spreadKey(words []uint64, cd uint64, w int) {
	for i := range keyBits {
		first, second := keyPlaces(i)
		bit := cd >> (keyBits - 1 - i)
		spread(words[first*w:(first+1)*w], bit)
		spread(words[second*w:(second+1)*w], bit)
	}
}

// keyPlaces gives the two words in which a bit of C and D stands.
func keyPlaces(bit int) (first, second int) {
	if bit < 28 {
		return bit, bit + 28
	}
	return bit + 28, bit + 56
}

// parts cuts a key of 8, 16 or 24 bytes into its C and D.
func parts(key []byte) []uint64 {
	var out []uint64
	for ; len(key) >= 8; key = key[8:] {
		out = append(out, chosen(binary.BigEndian.Uint64(key)))
	}
	return out
}
