package bitslice

// The kernel: rounds of DES over words.

// Kernel runs rounds of DES on one key and one block per lane. A bit of a block or key takes Lanes()/64 words: a block
// has 64 bits, a key has 112, C twice and D twice. A block is crossed when its right half stands first: DES exchanges the
// halves at its end, and nobody moves them for that. The methods are called from several goroutines.
type Kernel interface {
	// Lanes is the number of keys at once, a multiple of 64.
	Lanes() int
	// Rounds runs an even number of rounds in place, one for each rotation.
	Rounds(block, key []uint64, rotations []uint8, crossed bool)
	// Tail computes the right half of the next round as far as the first 24 bits of the ciphertext show it; these are
	// the twelve of tailBits. It takes the lanes out of alive in which one that is cared for is not the wanted one.
	Tail(block, key []uint64, rotation uint8, crossed bool, want, care *[12]uint64, alive []uint64)
}

// Default is the kernel for this machine: the one in plain Go, which runs everywhere.
func Default() Kernel { return words64{} }

// words64 is the kernel with 64 lanes, in plain Go; its rounds are generated.
type words64 struct{}

func (words64) Lanes() int { return 64 }

func (words64) Rounds(block, key []uint64, rotations []uint8, crossed bool) {
	b := (*[64]uint64)(block)
	for i := 0; i+1 < len(rotations); i += 2 {
		first, second := (*[84]uint64)(key[rotations[i]:]), (*[84]uint64)(key[rotations[i+1]:])
		if crossed {
			crossed64(b, first)
			round64(b, second)
		} else {
			round64(b, first)
			crossed64(b, second)
		}
	}
}

func (words64) Tail(block, key []uint64, rotation uint8, crossed bool, want, care *[12]uint64, alive []uint64) {
	left, right := (*[32]uint64)(block), (*[32]uint64)(block[halfBits:])
	if crossed {
		left, right = right, left
	}
	alive[0] &^= tail64(left, right, (*[84]uint64)(key[rotation:]), want, care)
}
