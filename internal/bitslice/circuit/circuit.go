// Package circuit holds the eight S-boxes of DES as circuits of two-input gates, for code that works on the bits of
// many blocks at once: word j of the input carries bit j of every block, and one gate is one instruction on words.
//
// The circuits are this project's own: internal/bitslice/sboxgen found them, by search, from the published tables
// (FIPS 46-3, here in tables.go) and nothing else. Each is a text file of this directory, one gate to a line, in an
// order that keeps few values alive, below comments that hold the command that finds the same circuit again:
//
//	t1 = a3 ^ a6
//	t2 = a1 &^ t1
//	o4 = ^t2
//
// a1 is the first (most significant) of the six input bits and o1 the most significant of the four output bits, both as
// FIPS 46-3 counts them. The gates are &, |, ^, &^ (and not) and the one-input ^ (not), written as in Go, which has
// an instruction for none else. A line reads inputs and lines above it only; every line is read by a later one or is an
// output; a circuit has all four outputs.
//
// A circuit is checked against its table whenever it is loaded, for all 64 inputs.
//
// The package is for generators and tests. The program itself holds what they write, not the circuits.
package circuit

import (
	"fmt"
	"math/bits"
)

// Inputs and Outputs of an S-box, Boxes of the cipher.
const (
	Inputs  = 6
	Outputs = 4
	Boxes   = 8
)

// Op is the operation of a gate.
type Op string

// The operations, spelled as in Go. Not reads one operand, the others two.
const (
	And    Op = "&"
	Or     Op = "|"
	Xor    Op = "^"
	AndNot Op = "&^"
	Not    Op = "not"
)

// Gate computes Op of the values with the numbers A and B (A alone for Not). Values 0 to 5 are the inputs a1 to a6,
// value 6+i is that of gate i.
type Gate struct {
	Op   Op
	A, B int
}

// reads lists the values that the gate reads.
func (g Gate) reads() []int {
	if g.Op == Not {
		return []int{g.A}
	}
	return []int{g.A, g.B}
}

// Circuit computes some outputs of an S-box. Gates stand in an order in which they can be computed.
type Circuit struct {
	Gates []Gate
	Out   [Outputs]int // the value that is output o1 to o4; -1 for an output that the circuit does not compute
}

// Table is a Boolean function of the six inputs: bit i is its value where a1 to a6 are the bits of i, a1 the highest.
type Table uint64

// Variable gives the function that is input a(n+1) itself.
func Variable(n int) Table {
	var t Table
	for i := range 64 {
		t |= Table(i>>(Inputs-1-n)&1) << i
	}
	return t
}

// Wanted gives the functions that o1 to o4 of S-box box (1 to 8) have to be.
func Wanted(box int) [Outputs]Table {
	var want [Outputs]Table
	for i, v := range Box(box) {
		for o := range want {
			want[o] |= Table(v>>(Outputs-1-o)&1) << i
		}
	}
	return want
}

// apply computes the gate on words whose bits are independent of each other.
func apply(op Op, a, b Table) Table {
	switch op {
	case And:
		return a & b
	case Or:
		return a | b
	case Xor:
		return a ^ b
	case AndNot:
		return a &^ b
	default:
		return ^a
	}
}

// Tables gives the function of every value: the inputs, then the gates.
func (c Circuit) Tables() []Table {
	all := make([]Table, Inputs, Inputs+len(c.Gates))
	for n := range Inputs {
		all[n] = Variable(n)
	}
	for _, g := range c.Gates {
		all = append(all, apply(g.Op, all[g.A], all[g.B]))
	}
	return all
}

// Verify checks all outputs of the circuit against the table of S-box box, for all 64 inputs. The error names the
// first input that differs.
func (c Circuit) Verify(box int) error {
	if err := c.check(); err != nil {
		return fmt.Errorf("box %d: %w", box, err)
	}
	have, want := c.Tables(), Wanted(box)
	for o, at := range c.Out {
		if at < 0 {
			return fmt.Errorf("box %d: output o%d is missing", box, o+1)
		}
		if diff := uint64(have[at] ^ want[o]); diff != 0 {
			in := bits.TrailingZeros64(diff)
			return fmt.Errorf("box %d: output o%d of input %06b is %d, want %d",
				box, o+1, in, have[at]>>in&1, want[o]>>in&1)
		}
	}
	return nil
}

// check holds the circuit to its form: operations that exist, operands from above, no gate that nobody needs.
func (c Circuit) check() error {
	read := make([]bool, Inputs+len(c.Gates))
	for i, g := range c.Gates {
		switch g.Op {
		case And, Or, Xor, AndNot, Not:
		default:
			return fmt.Errorf("gate %d has no operation %q", i, g.Op)
		}
		for _, v := range g.reads() {
			if v < 0 || v >= Inputs+i {
				return fmt.Errorf("gate %d reads value %d, which is not above it", i, v)
			}
			read[v] = true
		}
	}
	for o, at := range c.Out {
		if at >= len(read) {
			return fmt.Errorf("output o%d is value %d, want at most %d", o+1, at, len(read)-1)
		}
		if at >= 0 {
			read[at] = true
		}
	}
	for i := range c.Gates {
		if !read[Inputs+i] {
			return fmt.Errorf("nobody needs gate %d", i)
		}
	}
	return nil
}

// Cone gives the part of the circuit that the named outputs (0 to 3 for o1 to o4) need, in the same order.
func (c Circuit) Cone(outputs ...int) Circuit {
	need := make([]bool, Inputs+len(c.Gates))
	cone := Circuit{Out: [Outputs]int{-1, -1, -1, -1}}
	for _, o := range outputs {
		if c.Out[o] >= 0 {
			need[c.Out[o]] = true
		}
	}
	for i := len(c.Gates) - 1; i >= 0; i-- {
		if need[Inputs+i] {
			for _, v := range c.Gates[i].reads() {
				need[v] = true
			}
		}
	}
	moved := make([]int, Inputs+len(c.Gates))
	for n := range Inputs {
		moved[n] = n
	}
	for i, g := range c.Gates {
		if need[Inputs+i] {
			moved[Inputs+i] = Inputs + len(cone.Gates)
			cone.Gates = append(cone.Gates, Gate{Op: g.Op, A: moved[g.A], B: moved[g.B]})
		}
	}
	for _, o := range outputs {
		if c.Out[o] >= 0 {
			cone.Out[o] = moved[c.Out[o]]
		}
	}
	return cone
}

// Needs reports which inputs the circuit reads: an engine need not form the others.
func (c Circuit) Needs() [Inputs]bool {
	var needs [Inputs]bool
	for _, g := range c.Gates {
		for _, v := range g.reads() {
			if v < Inputs {
				needs[v] = true
			}
		}
	}
	for _, at := range c.Out {
		if at >= 0 && at < Inputs {
			needs[at] = true
		}
	}
	return needs
}

// Cost is what a circuit costs an engine. Less is compares from the first field on.
type Cost struct {
	Gates int // all of them, Not included: instructions where and-not is one
	Extra int // further instructions where and-not is two: the different values that one needs complemented
	Live  int // the most values alive between two gates: inputs from the first reader on, outputs not at all
}

// Less reports whether a costs less than b.
func (a Cost) Less(b Cost) bool {
	if a.Gates != b.Gates {
		return a.Gates < b.Gates
	}
	if a.Extra != b.Extra {
		return a.Extra < b.Extra
	}
	return a.Live < b.Live
}

// Cost counts.
func (c Circuit) Cost() Cost {
	complemented := map[int]bool{}
	for _, g := range c.Gates {
		if g.Op == AndNot {
			complemented[g.B] = true
		}
	}
	for _, g := range c.Gates {
		if g.Op == Not {
			delete(complemented, g.A) // is there already
		}
	}
	live := 0
	for _, n := range c.Live() {
		live = max(live, n)
	}
	return Cost{Gates: len(c.Gates), Extra: len(complemented), Live: live}
}

// Live gives, for every gate, how many values are alive while it is computed: those that it or a later gate reads. An
// input counts from its first reader on; an output that nobody reads does not count.
func (c Circuit) Live() []int {
	last := make([]int, Inputs+len(c.Gates))
	first := make([]int, Inputs+len(c.Gates))
	for i := range last {
		last[i], first[i] = -1, i-Inputs+1 // alive from the gate behind it
	}
	for i := len(c.Gates) - 1; i >= 0; i-- {
		for _, v := range c.Gates[i].reads() {
			last[v] = max(last[v], i)
			if v < Inputs {
				first[v] = i
			}
		}
	}
	live := make([]int, len(c.Gates))
	for v := range last {
		for i := first[v]; i >= 0 && i <= last[v]; i++ {
			live[i]++
		}
	}
	return live
}
