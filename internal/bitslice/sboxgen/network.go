package main

import "poskey/internal/bitslice/circuit"

// edge is a value read as it is (2n) or complemented (2n+1); complements are free while the search lasts.
type edge int16

func (e edge) node() int     { return int(e >> 1) }
func (e edge) inverse() edge { return e ^ 1 }

// gate is the exclusive or of its operands, or else their and. With free complements that is every two-input gate.
type gate struct {
	xor  bool
	a, b edge
}

// limit bounds the values of a network, inputs included.
const limit = 256

// network is a circuit under search: values 0 to 5 are the inputs, the gates follow, operands before their readers.
type network struct {
	n     int // values in use
	gates [limit]gate
	table [limit]uint64
	out   [circuit.Outputs]edge
}

func newNetwork() *network {
	w := &network{n: circuit.Inputs}
	for i := range circuit.Inputs {
		w.table[i] = uint64(circuit.Variable(i))
	}
	return w
}

func (w *network) size() int { return w.n - circuit.Inputs }

// at is the function that an edge reads.
func (w *network) at(e edge) uint64 { return w.table[e>>1] ^ -uint64(e&1) }

// add appends a gate.
func (w *network) add(g gate) edge {
	a, b := w.at(g.a), w.at(g.b)
	t := a & b
	if g.xor {
		t = a ^ b
	}
	w.gates[w.n], w.table[w.n] = g, t
	w.n++
	return edge(w.n-1) << 1
}

// goal asks for any function that is 1 on all inputs of ones and 0 on all of zeros.
type goal struct{ ones, zeros uint64 }

func (g goal) inverse() goal         { return goal{g.zeros, g.ones} }
func (g goal) met(table uint64) bool { return g.ones&^table == 0 && g.zeros&table == 0 }

// through is what is left of the goal for the other operand of an exclusive or with table.
func (g goal) through(table uint64) goal {
	return goal{g.ones&^table | g.zeros&table, g.ones&table | g.zeros&^table}
}
