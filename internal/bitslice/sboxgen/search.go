package main

import (
	"math/rand/v2"

	"poskey/internal/bitslice/circuit"
)

// plan is one search. The same plan gives the same circuit on every machine.
type plan struct {
	box   int
	seed  uint64
	steps int
}

// The probability to keep a step that adds one gate falls from hot to cool in the course of a search. Then, from the
// smallest network on, the search strolls among networks of the same size for those that settle best.
const (
	hot    = 0.9
	cool   = 0.4
	stroll = 0.02
)

// search makes a network, walks from it, and gives the best circuit that it has seen, its gates in a good order.
func (p plan) search() circuit.Circuit {
	rng := rand.New(rand.NewPCG(p.seed, uint64(p.box))) //nolint:gosec // the search has to be repeatable
	want := circuit.Wanted(p.box)
	k := newWalker(build(want, rng), rng)
	least := *k.cur
	for i := range p.steps {
		k.up = hot + (cool-hot)*float64(i)/float64(p.steps)
		if k.step() && k.cur.size() < least.size() {
			least = *k.cur
		}
	}
	*k.cur, k.up = least, stroll
	best := settle(k.cur, want)
	for i := range p.steps / 8 {
		k.step()
		if k.cur.size() > least.size() || k.cur.size() == least.size() && i%512 != 0 {
			continue
		}
		least = *k.cur
		if c := settle(k.cur, want); c.Cost().Less(best.Cost()) {
			best = c
		}
	}
	return order(best, rng, 100_000)
}
