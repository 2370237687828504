package main

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"poskey/internal/bitslice/circuit"
)

// right fails the test unless the network computes the outputs.
func right(t *testing.T, w *network, want [circuit.Outputs]circuit.Table) {
	t.Helper()
	for o, e := range w.out {
		if w.at(e) != uint64(want[o]) {
			t.Fatalf("output o%d is %016X, want %016X", o+1, w.at(e), want[o])
		}
	}
}

// TestEveryStepKeepsTheFunctions, and what settles out of the network then is the S-box too.
func TestEveryStepKeepsTheFunctions(t *testing.T) {
	for box := 1; box <= circuit.Boxes; box++ {
		rng := rand.New(rand.NewPCG(11, uint64(box)))
		want := circuit.Wanted(box)
		k := newWalker(build(want, rng), rng)
		right(t, k.cur, want)
		k.up = 0.5
		kept, from := 0, k.cur.size()
		for range 4000 {
			if k.step() {
				kept++
				right(t, k.cur, want)
			}
		}
		if err := settle(k.cur, want).Verify(box); err != nil {
			t.Fatal(err)
		}
		if kept < 200 || k.cur.size() >= from+40 {
			t.Errorf("S-box %d: %d steps kept, from %d gates to %d", box, kept, from, k.cur.size())
		}
	}
}

// TestWantedIsWhereTheOutputsDepend: a value may be replaced by any function inside its goal, and by none outside.
func TestWantedIsWhereTheOutputsDepend(t *testing.T) {
	rng := rand.New(rand.NewPCG(12, 0))
	want := circuit.Wanted(3)
	k := newWalker(build(want, rng), rng)
	for v := circuit.Inputs; v < k.cur.n; v++ {
		g := k.wanted(v)
		for bit := range 64 {
			w := *k.cur
			w.table[v] ^= 1 << bit
			for i := v + 1; i < w.n; i++ {
				a, b := w.at(w.gates[i].a), w.at(w.gates[i].b)
				if w.table[i] = a & b; w.gates[i].xor {
					w.table[i] = a ^ b
				}
			}
			same := true
			for o, e := range w.out {
				same = same && w.at(e) == uint64(want[o])
			}
			if free := (g.ones|g.zeros)>>bit&1 == 0; free != same {
				t.Fatalf("value %d, input %06b: free is %v, the outputs stay the same: %v", v, bit, free, same)
			}
		}
	}
}

func TestASearchCanBeRepeated(t *testing.T) {
	p := plan{box: 4, seed: 3, steps: 8000}
	c := p.search()
	if err := c.Verify(4); err != nil {
		t.Fatal(err)
	}
	if again := p.search(); again.String() != c.String() {
		t.Error("the same plan gave another circuit")
	}
	p.seed++
	if other := p.search(); other.String() == c.String() {
		t.Error("another seed gave the same circuit")
	}
}

func TestOrderKeepsTheCircuitAndLessAlive(t *testing.T) {
	for box := 1; box <= circuit.Boxes; box++ {
		rng := rand.New(rand.NewPCG(13, uint64(box)))
		want := circuit.Wanted(box)
		before := settle(build(want, rng), want)
		after := order(before, rng, 1000)
		if err := after.Verify(box); err != nil {
			t.Fatal(err)
		}
		if len(after.Gates) != len(before.Gates) || pressure(after) >= pressure(before) {
			t.Errorf("S-box %d: %d gates and pressure %d became %d and %d", box,
				len(before.Gates), pressure(before), len(after.Gates), pressure(after))
		}
	}
}

// TestOnlyBetterCircuitsAreWritten: a file of a smaller circuit stays.
func TestOnlyBetterCircuitsAreWritten(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, circuit.FileName(4))
	stored, err := circuit.Load(4)
	if err != nil {
		t.Fatal(err)
	}
	args := []string{"-box", "4", "-steps", "2000", "-dir", dir}
	if err := search(args); err != nil { // nothing there yet
		t.Fatal(err)
	}
	first, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(first), "search -box 4 -seed 1 -steps 2000\n") {
		t.Errorf("the file does not say how it was found:\n%s", first)
	}
	if err := os.WriteFile(file, []byte(stored.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := search(args); err != nil {
		t.Fatal(err)
	}
	kept, err := os.ReadFile(file)
	if err != nil || string(kept) != stored.String() {
		t.Errorf("a smaller circuit was overwritten: %v", err)
	}
	if err := os.WriteFile(file, []byte("t1 = a1 & a9\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := search(args); err == nil {
		t.Error("a file that is not a circuit was not noticed")
	}
	if err := search([]string{"-box", "9"}); err == nil {
		t.Error("S-box 9 was searched")
	}
}

// TestStoredCircuitsSayHowTheyWereFound: every file has the command of its own box.
func TestStoredCircuitsSayHowTheyWereFound(t *testing.T) {
	for box := 1; box <= circuit.Boxes; box++ {
		text, err := os.ReadFile(filepath.Join("..", "circuit", circuit.FileName(box)))
		if err != nil {
			t.Fatal(err)
		}
		head, _, _ := strings.Cut(plan{box: box}.header(), " -seed")
		if !strings.HasPrefix(string(text), head+" -seed ") {
			t.Errorf("%s does not begin with\n%s", circuit.FileName(box), head)
		}
	}
}

// TestFinderMissesNothing: against trying all pairs of values in all ways.
func TestFinderMissesNothing(t *testing.T) {
	rng := rand.New(rand.NewPCG(14, 0))
	w := build(circuit.Wanted(5), rng)
	f := &finder{w: w, rng: rng}
	for i := range w.n {
		f.usable = append(f.usable, edge(i)<<1)
	}
	found := 0
	for range 300 {
		care := rng.Uint64() & rng.Uint64() & rng.Uint64()
		x, y, z := w.table[rng.IntN(w.n)], w.table[rng.IntN(w.n)], w.table[rng.IntN(w.n)]
		t1 := x ^ y&z
		g := goal{t1 & care, care &^ t1}
		c, inv, ok := f.gate(g, gate{})
		if ok {
			found++
			e := w.add(c)
			if inv {
				e = e.inverse()
			}
			if !g.met(w.at(e)) {
				t.Fatalf("%+v does not meet its goal", c)
			}
			w.n--
		}
		if want := anyPair(f, g); ok != want {
			t.Fatalf("found is %v, want %v", ok, want)
		}
	}
	if found < 20 || found == 300 {
		t.Errorf("%d of 300 goals were met: the test is one-sided", found)
	}
}

func anyPair(f *finder, g goal) bool {
	met := func(t uint64) bool { return g.met(t) || g.met(^t) }
	return slices.ContainsFunc(f.usable, func(a edge) bool {
		return slices.ContainsFunc(f.usable, func(b edge) bool {
			x, y := f.w.at(a), f.w.at(b)
			return a != b && (met(x^y) || met(x&y) || met(x&^y) || met(y&^x) || met(x|y))
		})
	})
}
