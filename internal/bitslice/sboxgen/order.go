package main

import (
	"math/rand/v2"

	"poskey/internal/bitslice/circuit"
)

// enough is how many values may be alive before it hurts: the registers of amd64 that Go leaves free, less three
// pointers and a spare.
const enough = 10

// order moves gates up and down until few values are alive at a time, and lets that grow for a while, less and less.
func order(c circuit.Circuit, rng *rand.Rand, tries int) circuit.Circuit {
	cur, cost := c, pressure(c)
	best, bestCost := cur, cost
	for i := range tries {
		next := moveOne(cur, rng)
		n := pressure(next)
		slack := 6 * (1 - float64(i)/float64(tries)) * rng.Float64()
		if float64(n-cost) <= slack*slack {
			cur, cost = next, n
		}
		if cost < bestCost {
			best, bestCost = cur, cost
		}
	}
	return best
}

// pressure weighs what is alive beyond enough heavily, and everything alive a little.
func pressure(c circuit.Circuit) int {
	sum := 0
	for _, n := range c.Live() {
		sum += n
		if n > enough {
			sum += 20 * (n - enough)
		}
	}
	return sum
}

// moveOne takes one gate to another place between its operands and its readers.
func moveOne(c circuit.Circuit, rng *rand.Rand) circuit.Circuit {
	from := rng.IntN(len(c.Gates))
	lo, hi := 0, len(c.Gates)-1
	for _, v := range operands(c.Gates[from]) {
		lo = max(lo, v-circuit.Inputs+1)
	}
	for i := len(c.Gates) - 1; i > from; i-- {
		for _, v := range operands(c.Gates[i]) {
			if v == circuit.Inputs+from {
				hi = i - 1
			}
		}
	}
	to := lo + rng.IntN(hi-lo+1)
	at := make([]int, 0, len(c.Gates)) // the old places in their new order
	for i := range c.Gates {
		if i != from {
			at = append(at, i)
		}
	}
	at = append(at[:to], append([]int{from}, at[to:]...)...)
	return reordered(c, at)
}

func operands(g circuit.Gate) []int {
	if g.Op == circuit.Not {
		return []int{g.A}
	}
	return []int{g.A, g.B}
}

// reordered puts the gates in the order of their old places.
func reordered(c circuit.Circuit, at []int) circuit.Circuit {
	moved := make([]int, circuit.Inputs+len(c.Gates))
	for i := range circuit.Inputs {
		moved[i] = i
	}
	for i, old := range at {
		moved[circuit.Inputs+old] = circuit.Inputs + i
	}
	next := circuit.Circuit{Out: c.Out}
	for _, old := range at {
		g := c.Gates[old]
		g.A = moved[g.A]
		if g.Op != circuit.Not {
			g.B = moved[g.B]
		}
		next.Gates = append(next.Gates, g)
	}
	for o, v := range c.Out {
		if v >= 0 {
			next.Out[o] = moved[v]
		}
	}
	return next
}
