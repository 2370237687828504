package bitslice

import (
	"bytes"
	"math/rand/v2"
	"os"
	"testing"

	"poskey/internal/bitslice/circuit"
)

type sbox func(a1, a2, a3, a4, a5, a6 uint64) (o1, o2, o3, o4 uint64)

func sboxes() [circuit.Boxes]sbox { return [circuit.Boxes]sbox{s1, s2, s3, s4, s5, s6, s7, s8} }

// TestSBoxFunctionsAreTheTables: all 64 inputs, in lane i input i and then in every lane.
func TestSBoxFunctionsAreTheTables(t *testing.T) {
	checked := 0
	for i, f := range sboxes() {
		table := circuit.Box(i + 1)
		for turn := range uint(64) {
			var in [6]uint64
			for lane := range uint(64) {
				for n := range in {
					in[n] |= uint64((lane+turn)%64>>(5-n)&1) << lane
				}
			}
			o1, o2, o3, o4 := f(in[0], in[1], in[2], in[3], in[4], in[5])
			for lane := range uint(64) {
				got := uint8(o1>>lane&1<<3 | o2>>lane&1<<2 | o3>>lane&1<<1 | o4>>lane&1)
				if want := table[(lane+turn)%64]; got != want {
					t.Fatalf("s%d of %06b in lane %d is %d, want %d", i+1, (lane+turn)%64, lane, got, want)
				}
				checked++
			}
		}
	}
	if checked != 8*64*64 {
		t.Fatalf("%d results checked", checked)
	}
}

// TestLanesDoNotMix: a lane's result does not change with what the other lanes hold.
func TestLanesDoNotMix(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for i, f := range sboxes() {
		var a, b [6]uint64
		keep := rng.Uint64()
		for n := range a {
			a[n] = rng.Uint64()
			b[n] = a[n]&keep | rng.Uint64()&^keep
		}
		a1, a2, a3, a4 := f(a[0], a[1], a[2], a[3], a[4], a[5])
		b1, b2, b3, b4 := f(b[0], b[1], b[2], b[3], b[4], b[5])
		if ((a1^b1)|(a2^b2)|(a3^b3)|(a4^b4))&keep != 0 {
			t.Errorf("s%d mixes lanes", i+1)
		}
	}
}

// TestGeneratedSBoxesAreOfTheStoredCircuits: after a change of a circuit, `make sboxes`.
func TestGeneratedSBoxesAreOfTheStoredCircuits(t *testing.T) {
	want, err := circuit.GoFile("bitslice", "uint64")
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile("sbox_gen.go")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Error("sbox_gen.go is not what internal/bitslice/sboxgen writes; run `make sboxes`")
	}
}
