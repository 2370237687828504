package main

import (
	"slices"

	"poskey/internal/bitslice/circuit"
)

// settled is a network whose complements are being placed. All values are taken in the polarity in which they are 0
// where all inputs are 0; between such values every gate is an and, an or, an exclusive or or an and-not. An output
// that has to be 1 there needs a Not somewhere on its way. One Not, read by some readers of a value and not by others,
// is mostly enough for all four outputs.
type settled struct {
	w    *network
	want [circuit.Outputs]circuit.Table
	pins [limit][]int // who reads a value: 2i and 2i+1 are the operands of gate i, 2*limit+o is output o
}

// settle turns a network into a circuit with the fewest Nots, and the least cost after that.
func settle(w *network, want [circuit.Outputs]circuit.Table) circuit.Circuit {
	s := &settled{w: w, want: want}
	for i := circuit.Inputs; i < w.n; i++ {
		a, b := w.gates[i].a.node(), w.gates[i].b.node()
		s.pins[a] = append(s.pins[a], 2*i)
		s.pins[b] = append(s.pins[b], 2*i+1)
	}
	for o, e := range w.out {
		s.pins[e.node()] = append(s.pins[e.node()], 2*limit+o)
	}
	best := s.circuit(0, nil)
	cost := best.Cost()
	for v := range w.n {
		pins := s.pins[v]
		if len(pins) > 10 {
			continue
		}
		for set := 1; set < 1<<len(pins); set++ {
			flipped := subset(pins, set)
			if s.missing(flipped)+1 > cost.Gates-w.size() {
				continue
			}
			c := s.circuit(v, flipped)
			if n := c.Cost(); n.Less(cost) {
				best, cost = c, n
			}
		}
	}
	return best
}

func subset(pins []int, set int) []int {
	var some []int
	for i, p := range pins {
		if set>>i&1 == 1 {
			some = append(some, p)
		}
	}
	return some
}

// base is 1 for a value that is complemented in the settled polarity.
func (s *settled) base(v int) uint64 { return s.w.table[v] & 1 }

// phases gives, for every value, whether it comes complemented when the flipped pins are; and the same for outputs.
func (s *settled) phases(flipped []int) (phase [limit]uint64, out [circuit.Outputs]uint64) {
	var at [2*limit + circuit.Outputs]uint64
	for _, p := range flipped {
		at[p] = 1
	}
	for i := circuit.Inputs; i < s.w.n; i++ {
		g := s.w.gates[i]
		pa, pb := phase[g.a.node()]^at[2*i], phase[g.b.node()]^at[2*i+1]
		if g.xor {
			phase[i] = pa ^ pb
			continue
		}
		ia, ib := uint64(g.a&1)^s.base(g.a.node()), uint64(g.b&1)^s.base(g.b.node())
		phase[i] = (pa^ia)&(pb^ib) ^ ia&ib
	}
	for o, e := range s.w.out {
		out[o] = phase[e.node()] ^ at[2*limit+o]
	}
	return phase, out
}

// missing counts the outputs that still come in the wrong polarity.
func (s *settled) missing(flipped []int) int {
	_, out := s.phases(flipped)
	n := 0
	for o := range out {
		if out[o] != uint64(s.want[o]&1) {
			n++
		}
	}
	return n
}

// circuit writes the gates, with a Not of value v for the flipped pins and one for every output that needs it still.
func (s *settled) circuit(v int, flipped []int) circuit.Circuit {
	phase, out := s.phases(flipped)
	var c circuit.Circuit
	var at [limit]int
	not := -1
	add := func(g circuit.Gate) int {
		c.Gates = append(c.Gates, g)
		return circuit.Inputs + len(c.Gates) - 1
	}
	invert := func(i int) {
		if len(flipped) > 0 && i == v {
			not = add(circuit.Gate{Op: circuit.Not, A: at[i]})
		}
	}
	read := func(i, pin int) (int, uint64) {
		if slices.Contains(flipped, pin) {
			return not, phase[i] ^ 1
		}
		return at[i], phase[i]
	}
	for i := range s.w.n {
		if i < circuit.Inputs {
			at[i] = i
			invert(i)
			continue
		}
		g := s.w.gates[i]
		na, nb := g.a.node(), g.b.node()
		a, pa := read(na, 2*i)
		b, pb := read(nb, 2*i+1)
		ca, cb := uint64(g.a&1)^s.base(na)^pa, uint64(g.b&1)^s.base(nb)^pb
		switch {
		case g.xor:
			at[i] = add(circuit.Gate{Op: circuit.Xor, A: a, B: b})
		case ca+cb == 0:
			at[i] = add(circuit.Gate{Op: circuit.And, A: a, B: b})
		case ca+cb == 2:
			at[i] = add(circuit.Gate{Op: circuit.Or, A: a, B: b})
		case cb == 1:
			at[i] = add(circuit.Gate{Op: circuit.AndNot, A: a, B: b})
		default:
			at[i] = add(circuit.Gate{Op: circuit.AndNot, A: b, B: a})
		}
		invert(i)
	}
	for o, e := range s.w.out {
		from, _ := read(e.node(), 2*limit+o)
		if out[o] != uint64(s.want[o]&1) {
			from = add(circuit.Gate{Op: circuit.Not, A: from})
		}
		c.Out[o] = from
	}
	return c.Cone(0, 1, 2, 3) // when all readers take the Not of a Not's twin, nothing is left behind
}
