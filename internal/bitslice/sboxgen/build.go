package main

import (
	"math/rand/v2"

	"poskey/internal/bitslice/circuit"
)

// build makes a first network for the four functions, in random order of outputs: what cannot be had with at most two
// new gates is split by an input, with an and, an or or an exclusive or, whichever leaves the smaller rest.
func build(want [circuit.Outputs]circuit.Table, rng *rand.Rand) *network {
	w := newNetwork()
	f := &finder{w: w, rng: rng}
	for _, o := range rng.Perm(circuit.Outputs) {
		t := uint64(want[o])
		w.out[o] = f.meet(goal{t, ^t}, rng.Perm(circuit.Inputs))
	}
	return w
}

// meet gives an edge that meets the goal and adds the gates that it takes.
func (f *finder) meet(g goal, order []int) edge {
	f.usable = f.usable[:0]
	for i := range f.w.n {
		f.usable = append(f.usable, edge(i)<<1)
	}
	if e, ok := f.value(g); ok {
		return e
	}
	if c, inv, ok := f.gate(g, gate{}); ok {
		e := f.w.add(c)
		if inv {
			e = e.inverse()
		}
		return e
	}
	if e, ok := f.two(g); ok {
		return e
	}
	return f.split(g, order)
}

// two tries every value as the one operand of a gate around another gate.
func (f *finder) two(g goal) (edge, bool) {
	for _, i := range f.rng.Perm(len(f.usable)) {
		for range 4 { // the four ways to read it come at random
			o, rest := f.peelAt(g, f.usable[i])
			if c, inv, ok := f.gate(rest, gate{}); ok {
				e := f.w.add(c)
				if inv {
					e = e.inverse()
				}
				return o.close(f.w, e), true
			}
		}
	}
	return 0, false
}

// split makes the goal of two goals, one where the next input of the order is 1 and one where it is 0.
func (f *finder) split(g goal, order []int) edge {
	x := edge(order[0]) << 1
	if f.rng.IntN(2) == 0 {
		x = x.inverse()
	}
	on := f.w.at(x)
	first := f.meet(goal{g.ones &^ on, g.zeros &^ on}, order[1:])
	// first is right where x is 0; second says where to flip it when x is 1
	flip := g.through(f.w.at(first))
	if flip.ones&on == 0 {
		return first
	}
	second := f.meet(goal{flip.ones & on, flip.zeros & on}, order[1:])
	gated := f.w.add(ordered(gate{a: x, b: second}))
	return f.w.add(ordered(gate{xor: true, a: first, b: gated}))
}
