package circuit

import (
	"bytes"
	"fmt"
	"io"
)

// Emission says how a circuit becomes lines of code. Nothing of it knows the type of the words.
//
// One gate goes to one line, since Go's compiler keeps the order of lines where it can: the order of the gates is
// what keeps few values alive.
type Emission struct {
	Inputs  [Inputs]string  // the names of a1 to a6
	Outputs [Outputs]string // the names of o1 to o4; "" leaves that output out, with the gates that only it needs
	Prefix  string          // before the number of every other value: "t" makes t1, t2; unique in the function

	// Express writes a gate as an expression; nil means Go's operators. b is empty for Not.
	Express func(op Op, a, b string) string
	// Load gives lines to stand before the first gate that reads input n (0 for a1); nil and "" mean none. An engine
	// that forms the input there keeps it in a register for the shortest time.
	Load func(n int, name string) string
	// Store gives lines to stand after the gate that computes output o (0 for o1); nil and "" mean none.
	Store func(o int, name string) string
}

// Operators writes a gate with Go's operators for integers.
func Operators(op Op, a, b string) string {
	if op == Not {
		return "^" + a
	}
	return a + " " + string(op) + " " + b
}

// Emit writes the gates that the named outputs need, one line and one new variable each: "t1 := a3 ^ a6". It gives
// the number of gates.
func (c Circuit) Emit(w io.Writer, e Emission) (gates int, err error) {
	var wanted []int
	for o, name := range e.Outputs {
		if name != "" {
			wanted = append(wanted, o)
		}
	}
	cone := c.Cone(wanted...)
	if e.Express == nil {
		e.Express = Operators
	}
	var buf bytes.Buffer
	names := cone.emittedNames(e)
	loaded := [Inputs]bool{}
	for i, g := range cone.Gates {
		for _, v := range g.reads() {
			if v < Inputs && !loaded[v] {
				loaded[v] = true
				line(&buf, e.Load, v, names[v])
			}
		}
		b := ""
		if g.Op != Not {
			b = names[g.B]
		}
		at := Inputs + i
		fmt.Fprintf(&buf, "%s := %s\n", names[at], e.Express(g.Op, names[g.A], b))
		for o, from := range cone.Out {
			if from == at {
				line(&buf, e.Store, o, names[at])
			}
		}
	}
	_, err = w.Write(buf.Bytes())
	return len(cone.Gates), err
}

func line(buf *bytes.Buffer, give func(int, string) string, n int, name string) {
	if give == nil {
		return
	}
	if text := give(n, name); text != "" {
		buf.WriteString(text + "\n")
	}
}

func (c Circuit) emittedNames(e Emission) []string {
	names := make([]string, Inputs+len(c.Gates))
	copy(names, e.Inputs[:])
	for o, at := range c.Out {
		if at >= 0 {
			names[at] = e.Outputs[o]
		}
	}
	for i := range c.Gates {
		if at := Inputs + i; names[at] == "" {
			names[at] = fmt.Sprintf("%s%d", e.Prefix, i+1)
		}
	}
	return names
}
