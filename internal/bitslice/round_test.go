package bitslice

import (
	"math/bits"
	"testing"

	"poskey/internal/bitslice/circuit"
)

// allInputs gives a round every input of every S-box at once, through the key: lane i has the input i-turn.
func allInputs(turn int) (key [84]uint64) {
	for n, bit := range circuit.Choice2() {
		place, _ := keyPlaces(int(bit) - 1)
		key[place] = bits.RotateLeft64(uint64(circuit.Variable(n%circuit.Inputs)), turn)
	}
	return key
}

// wantedHalf is what the S-boxes and the permutation make of that, from the tables.
func wantedHalf(turn int) (half [halfBits]uint64) {
	for to, from := range circuit.Permutation() {
		box, out := (int(from)-1)/circuit.Outputs, (int(from)-1)%circuit.Outputs
		half[to] = bits.RotateLeft64(uint64(circuit.Wanted(box + 1)[out]), turn)
	}
	return half
}

// rounds are the two that are generated, with where they have the left half.
func rounds() map[int]func(*[64]uint64, *[84]uint64) {
	return map[int]func(*[64]uint64, *[84]uint64){0: round64, halfBits: crossed64}
}

// TestTheRoundIsItsTables is the proof of the generated code: 64 inputs of 8 S-boxes, 4 outputs each, in every lane.
func TestTheRoundIsItsTables(t *testing.T) {
	for left, round := range rounds() {
		for turn := range 64 {
			key, want := allInputs(turn), wantedHalf(turn)
			before := 0x0123456789ABCDEF * uint64(turn)
			var block [64]uint64
			for i := range halfBits {
				block[left+i] = before
			}
			round(&block, &key)
			for i := range halfBits {
				if got := block[left+i] ^ before; got != want[i] {
					t.Errorf("bit %d: %016X, want %016X", i, got, want[i])
				}
				if block[halfBits-left+i] != 0 {
					t.Errorf("bit %d of the right half was changed", i)
				}
			}
		}
	}
}

func TestTheRightHalfAndTheKeyAreMixedBeforeTheBoxes(t *testing.T) {
	for left, round := range rounds() {
		key, want := allInputs(0), wantedHalf(0)
		var block [64]uint64
		right := block[halfBits-left : blockBits-left]
		for i := range right {
			right[i] = 0x5A5A5A5A5A5A5A5A * uint64(i+1)
		}
		for n, bit := range circuit.Choice2() {
			place, _ := keyPlaces(int(bit) - 1)
			key[place] ^= right[circuit.Expansion()[n]-1]
		}
		round(&block, &key)
		if [halfBits]uint64(block[left:left+halfBits]) != want {
			t.Error("what the right half adds, the key takes away: the round is another")
		}
	}
}

// TestTheTailIsTwelveBitsOfARound: each of the bits decides, where it is cared for, and no other does.
func TestTheTailIsTwelveBitsOfARound(t *testing.T) {
	key, next := allInputs(0), wantedHalf(0)
	var left, right [halfBits]uint64
	for i := range left {
		left[i] = 0x0F1E2D3C4B5A6978 * uint64(i+3)
		next[i] ^= left[i]
	}
	for n, bit := range tailBits() {
		var want, care [12]uint64
		for i := range want {
			want[i] = 0xFF00FF00FF00FF00 >> i
		}
		care[n] = 0xFFFF0000FFFF0000
		if got, wrong := tail64(&left, &right, &key, &want, &care), (next[bit]^want[n])&care[n]; got != wrong {
			t.Errorf("bit %d: %016X, want %016X", bit, got, wrong)
		}
	}
}
