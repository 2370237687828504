package main

import (
	"math/rand/v2"

	"poskey/internal/bitslice/circuit"
)

// walker changes a network step by step. A step takes the function of one gate, as far as the outputs depend on it,
// and puts another implementation in its place: a value that is there, or one, two or three new gates. Steps that do
// not make the network larger are kept, others with a small probability.
type walker struct {
	cur, next *network
	find      finder
	rng       *rand.Rand
	up        float64 // probability to keep a step that adds one gate
	least     network // the smallest so far
	down      [limit]bool
	moved     [limit]edge
}

func newWalker(w *network, rng *rand.Rand) *walker {
	k := &walker{cur: w, next: newNetwork(), rng: rng}
	k.find.rng = rng
	k.cur = k.compact(w.out) // gates that nobody needs go
	k.next, k.least = newNetwork(), *k.cur
	return k
}

// wanted gives what the function of value v has to be: 1 and 0 where a change of v would change an output.
func (k *walker) wanted(v int) goal {
	w := k.cur
	var flipped [limit]uint64
	flipped[v] = ^w.table[v]
	clear(k.down[:w.n])
	k.down[v] = true
	for i := v + 1; i < w.n; i++ {
		g := w.gates[i]
		a, b := g.a.node(), g.b.node()
		if !k.down[a] && !k.down[b] {
			continue
		}
		k.down[i] = true
		ta, tb := w.at(g.a), w.at(g.b)
		if k.down[a] {
			ta = flipped[a] ^ -uint64(g.a&1)
		}
		if k.down[b] {
			tb = flipped[b] ^ -uint64(g.b&1)
		}
		if flipped[i] = ta & tb; g.xor {
			flipped[i] = ta ^ tb
		}
	}
	care := uint64(0)
	for _, e := range w.out {
		if o := e.node(); k.down[o] {
			care |= flipped[o] ^ w.table[o]
		}
	}
	return goal{w.table[v] & care, ^w.table[v] & care}
}

// step tries one change and reports whether it was kept.
func (k *walker) step() bool {
	w := k.cur
	v := circuit.Inputs + k.rng.IntN(w.size())
	g := k.wanted(v)
	k.find.w, k.find.usable = w, k.find.usable[:0]
	for i := range w.n {
		if !k.down[i] {
			k.find.usable = append(k.find.usable, edge(i)<<1)
		}
	}
	old := w.n
	e, ok := k.replacement(g, w.gates[v])
	if !ok {
		return false
	}
	k.rebuild(v, e)
	w.n = old
	growth := k.next.size() - w.size()
	if growth > 0 && (growth > 2 || k.rng.Float64() >= k.chance(growth)) {
		return false
	}
	k.cur, k.next = k.next, k.cur
	return true
}

func (k *walker) chance(growth int) float64 {
	if growth == 2 {
		return k.up * k.up
	}
	return k.up
}

// replacement adds gates that meet the goal behind those of the network and gives the edge to them.
func (k *walker) replacement(g goal, but gate) (edge, bool) {
	if e, ok := k.find.value(g); ok {
		return e, true
	}
	var around [2]outer
	depth := 0
	switch r := k.rng.IntN(16); {
	case r == 0:
		depth = 2
	case r < 6:
		depth = 1
	}
	for i := range depth {
		around[i], g = k.find.peel(g)
		but = gate{}
	}
	e, ok := k.find.value(g)
	if !ok {
		inner, inv, ok := k.find.gate(g, but)
		if !ok {
			return 0, false
		}
		if e = k.cur.add(inner); inv {
			e = e.inverse()
		}
	}
	for i := depth - 1; i >= 0; i-- {
		e = around[i].close(k.cur, e)
	}
	return e, true
}

// rebuild writes the network with edge e in the place of value v into next, without what nobody needs then.
func (k *walker) rebuild(v int, e edge) {
	out := k.cur.out
	clearEdges(k.moved[:k.cur.n])
	for i := range circuit.Inputs {
		k.moved[i] = edge(i) << 1
	}
	k.next.n = circuit.Inputs
	for i, o := range out {
		k.next.out[i] = k.place(o, v, e)
	}
}

func clearEdges(moved []edge) {
	for i := range moved {
		moved[i] = -1
	}
}

// place copies what the edge reads, operands first, and gives its new name.
func (k *walker) place(e edge, v int, instead edge) edge {
	n := e.node()
	if k.moved[n] < 0 {
		if n == v {
			k.moved[n] = k.place(instead, -1, 0)
		} else {
			g := k.cur.gates[n]
			a := k.place(g.a, v, instead)
			b := k.place(g.b, v, instead)
			k.moved[n] = k.next.add(ordered(gate{xor: g.xor, a: a, b: b}))
		}
	}
	return k.moved[n] ^ e&1
}

func (k *walker) compact(out [circuit.Outputs]edge) *network {
	k.cur.out = out
	k.rebuild(-1, 0)
	return k.next
}
