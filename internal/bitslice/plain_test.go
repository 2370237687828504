package bitslice

import "poskey/internal/bitslice/circuit"

// plain is a kernel that looks S-boxes up, lane by lane: slow, of any width, and with nothing in common with the
// circuits.
type plain struct{ words int }

func (p plain) Lanes() int { return 64 * p.words }

func (p plain) Rounds(block, key []uint64, rotations []uint8, crossed bool) {
	for _, rot := range rotations {
		left, right := p.halves(block, crossed)
		p.round(left, right, key, rot)
		crossed = !crossed
	}
}

func (p plain) Tail(block, key []uint64, rotation uint8, crossed bool, want, care *[12]uint64, alive []uint64) {
	left, right := p.halves(block, crossed)
	next := append([]uint64(nil), left...)
	p.round(next, right, key, rotation)
	for i, bit := range tailBits() {
		for j := range alive {
			alive[j] &^= (next[int(bit)*p.words+j] ^ want[i]) & care[i]
		}
	}
}

func (p plain) halves(block []uint64, crossed bool) (left, right []uint64) {
	first, second := block[:halfBits*p.words], block[halfBits*p.words:]
	if crossed {
		return second, first
	}
	return first, second
}

func (p plain) round(left, right, key []uint64, rotation uint8) {
	expansion, choice, permutation := circuit.Expansion(), circuit.Choice2(), circuit.Permutation()
	for box := range circuit.Boxes {
		table := circuit.Box(box + 1)
		for lane := range p.Lanes() {
			bit := func(words []uint64, i int) int { return int(words[i*p.words+lane/64] >> (lane % 64) & 1) }
			in := 0
			for i := range 6 {
				place, _ := keyPlaces(int(choice[6*box+i]) - 1)
				in = in<<1 | bit(right, int(expansion[6*box+i])-1) ^ bit(key, place+int(rotation))
			}
			for to, from := range permutation {
				if i := int(from) - 1 - 4*box; i >= 0 && i < 4 && table[in]>>(3-i)&1 == 1 {
					left[to*p.words+lane/64] ^= 1 << (lane % 64)
				}
			}
		}
	}
}
