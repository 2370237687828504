// Command sboxgen finds the circuits of internal/bitslice/circuit.
//
//	sboxgen search -box N -seed S -steps M -dir DIR   writes DIR/sN.txt if it finds a circuit that costs less
//
// # The search
//
// It starts from the published table and from nothing else. Functions of the six inputs are words of 64 bits, one bit
// per input. While the search lasts complements are free, so that "and" and "exclusive or" are all two-input gates.
//
//  1. build.go makes a first network of some 80 gates: an output that cannot be had with two new gates is split by an
//     input, and both halves are made in the same way, each only as far as its half of the inputs goes.
//  2. walk.go takes a random gate and finds on which inputs some output depends on it. On those its function is kept, on
//     the others it is free. Values that are there, or one to three new gates of such values, take its place, chosen at
//     random among all that fit; what nobody reads any more goes. The change stays if the network did not grow, and
//     with a falling probability if it did: annealing. Nearly all the gain is here.
//  3. settle.go places the complements: one Not for each box, as a rule.
//  4. order.go brings the gates into an order that keeps few values alive.
//
// A search is repeated exactly by its box, seed and number of steps, which the file of the circuit names. The result
// depends much on luck: try other seeds, and more steps before more seeds.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"poskey/internal/bitslice/circuit"
)

func main() {
	err := errors.New("usage: sboxgen search FLAGS")
	if len(os.Args) > 1 && os.Args[1] == "search" {
		err = search(os.Args[2:])
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "sboxgen:", err) //nolint:forbidigo // a tool of the build
		os.Exit(1)
	}
}

func search(args []string) error {
	flags := flag.NewFlagSet("search", flag.ExitOnError)
	var p plan
	flags.IntVar(&p.box, "box", 1, "S-box, 1 to 8")
	flags.Uint64Var(&p.seed, "seed", 1, "where the search begins")
	flags.IntVar(&p.steps, "steps", 10_000_000, "how long it is; a million takes about a second")
	dir := flags.String("dir", "internal/bitslice/circuit", "where the circuits are")
	_ = flags.Parse(args) // exits
	if p.box < 1 || p.box > circuit.Boxes {
		return fmt.Errorf("there is no S-box %d", p.box)
	}
	c := p.search()
	if err := c.Verify(p.box); err != nil {
		return err
	}
	cost := c.Cost()
	fmt.Printf("S-box %d, seed %d, %d steps: %+v\n", p.box, p.seed, p.steps, cost) //nolint:forbidigo // a tool of the build
	file := filepath.Join(*dir, circuit.FileName(p.box))
	text, err := os.ReadFile(file)
	if err == nil {
		old, err := circuit.Parse(string(text))
		if err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
		if !cost.Less(old.Cost()) {
			return nil
		}
	} else if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return os.WriteFile(file, []byte(p.header()+c.String()), 0o644) //nolint:gosec // source code
}

// header says what the file is and how to find the circuit again.
func (p plan) header() string {
	return fmt.Sprintf("# S-box %d of DES. Found by\n# go run ./internal/bitslice/sboxgen search -box %d -seed %d -steps %d\n",
		p.box, p.box, p.seed, p.steps)
}
