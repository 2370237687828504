package main

import "math/rand/v2"

// finder looks for values and gates that meet a goal, among some values of a network.
type finder struct {
	w      *network
	rng    *rand.Rand
	usable []edge // the values that may be read

	above  []edge // scratch
	masked [limit]uint64
}

// value finds a value that meets the goal as it is.
func (f *finder) value(g goal) (edge, bool) {
	for _, e := range f.usable {
		switch t := f.w.table[e>>1]; {
		case g.met(t):
			return e, true
		case g.met(^t):
			return e.inverse(), true
		}
	}
	return 0, false
}

// gate finds a gate of two values that meets the goal, each that does with the same probability. The gate's result may
// be wanted complemented. But is not found, as it is there already.
func (f *finder) gate(g goal, but gate) (found gate, inverted, ok bool) {
	seen := 0
	take := func(c gate, inv bool) {
		if c == but {
			return
		}
		if seen++; seen == 1 || f.rng.IntN(seen) == 0 {
			found, inverted, ok = c, inv, true
		}
	}
	f.and(g, false, take)
	f.and(g.inverse(), true, take)
	f.xor(g, take)
	return found, inverted, ok
}

// and finds pairs whose conjunction meets the goal: each covers the ones, no zero is in both.
func (f *finder) and(g goal, inv bool, take func(gate, bool)) {
	f.above = f.above[:0]
	for _, e := range f.usable {
		t := f.w.table[e>>1]
		if g.ones&^t == 0 {
			f.above = append(f.above, e)
		}
		if g.ones&t == 0 {
			f.above = append(f.above, e.inverse())
		}
	}
	for i, a := range f.above {
		rest := g.zeros & f.w.at(a)
		for _, b := range f.above[:i] {
			if rest&f.w.at(b) == 0 {
				take(ordered(gate{a: a, b: b}), inv)
			}
		}
	}
}

// xor finds pairs whose exclusive or, or its complement, meets the goal. All tables are taken with the lowest bit that
// counts cleared, so that a table and its complement are one.
func (f *finder) xor(g goal, take func(gate, bool)) {
	care := g.ones | g.zeros
	low := care & -care
	norm := func(t uint64) uint64 {
		if t &= care; t&low != 0 {
			t ^= care
		}
		return t
	}
	want := norm(g.ones)
	var seen [8]uint64 // a bit for the hash of every table so far: most have no partner
	for i, e := range f.usable {
		f.masked[i] = norm(f.w.table[e>>1])
		t := f.masked[i] ^ want
		own, other := hash(f.masked[i]), hash(t)
		maybe := seen[other>>6]>>(other&63)&1 == 1
		seen[own>>6] |= 1 << (own & 63)
		if !maybe {
			continue
		}
		for j, u := range f.masked[:i] {
			if t == u {
				a, b := f.usable[i], f.usable[j]
				odd := (f.w.table[a>>1]^f.w.table[b>>1])&low != g.ones&low
				take(ordered(gate{xor: true, a: a, b: b}), odd)
			}
		}
	}
}

// hash gives nine bits.
func hash(t uint64) uint64 { return t * 0x9E3779B97F4A7C15 >> 55 & 511 }

// ordered gives the gate its one spelling.
func ordered(g gate) gate {
	if g.a > g.b {
		g.a, g.b = g.b, g.a
	}
	return g
}

// outer is a gate whose one operand is a value; the other operand is still to be found.
type outer struct {
	xor, outInv bool
	with        edge
}

// peel chooses at random a value that can be the one operand of a gate that meets the goal, and gives the goal that is
// left for the other operand.
func (f *finder) peel(g goal) (o outer, rest goal) {
	return f.peelAt(g, f.usable[f.rng.IntN(len(f.usable))])
}

// peelAt does that with a value that is chosen already.
func (f *finder) peelAt(g goal, e edge) (o outer, rest goal) {
	t := f.w.table[e>>1]
	var options [5]outer
	n := 0
	add := func(c outer) { options[n] = c; n++ }
	if g.ones&^t == 0 && g.zeros&^t != 0 {
		add(outer{with: e})
	}
	if g.ones&t == 0 && g.zeros&t != 0 {
		add(outer{with: e.inverse()})
	}
	if g.zeros&^t == 0 && g.ones&^t != 0 {
		add(outer{with: e, outInv: true})
	}
	if g.zeros&t == 0 && g.ones&t != 0 {
		add(outer{with: e.inverse(), outInv: true})
	}
	if n == 0 || f.rng.IntN(4) == 0 {
		return outer{xor: true, with: e}, g.through(t)
	}
	o = options[f.rng.IntN(n)]
	if o.outInv {
		g = g.inverse()
	}
	return o, goal{g.ones, g.zeros & f.w.at(o.with)}
}

// close adds the gate around the operand that was found.
func (o outer) close(w *network, operand edge) edge {
	e := w.add(ordered(gate{xor: o.xor, a: o.with, b: operand}))
	if o.outInv {
		return e.inverse()
	}
	return e
}
