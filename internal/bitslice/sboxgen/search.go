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

// The probability to keep a step that adds one gate falls, evenly, in the course of an anneal. The first half of the
// steps goes to one that begins so hot that the network melts; the second half to some that only soften the smallest
// network so far. Then the search strolls among networks of the same size for those that settle best.
const (
	melting, melted = 0.95, 0.6
	softening, soft = 0.75, 0.5
	softenings      = 4
	strolling       = 0.02
	between         = 512 // steps of the stroll between two networks that are settled
)

// search makes a network, walks from it, and gives the best circuit that it has seen, its gates in a good order.
func (p plan) search() circuit.Circuit {
	rng := rand.New(rand.NewPCG(p.seed, uint64(p.box))) //nolint:gosec // the search has to be repeatable
	want := circuit.Wanted(p.box)
	k := newWalker(build(want, rng), rng)
	k.anneal(melting, melted, p.steps/2)
	for range softenings {
		*k.cur = k.least
		k.anneal(softening, soft, p.steps/2/softenings)
	}
	*k.cur = k.least
	return order(k.stroll(want, p.steps/8), rng, min(p.steps/100, 100_000))
}

// anneal walks, with a probability to grow that falls from one bound to the other.
func (k *walker) anneal(from, to float64, steps int) {
	for i := range steps {
		k.up = from + (to-from)*float64(i)/float64(steps)
		if k.step() && k.cur.size() < k.least.size() {
			k.least = *k.cur
		}
	}
}

// stroll walks among the smallest networks and gives the circuit that costs least of those looked at.
func (k *walker) stroll(want [circuit.Outputs]circuit.Table, steps int) circuit.Circuit {
	k.up = strolling
	best := settle(k.cur, want)
	for i := range steps {
		k.step()
		smaller := k.cur.size() < k.least.size()
		if !smaller && (k.cur.size() > k.least.size() || i%between != 0) {
			continue
		}
		k.least = *k.cur
		if c := settle(k.cur, want); c.Cost().Less(best.Cost()) {
			best = c
		}
	}
	return best
}
