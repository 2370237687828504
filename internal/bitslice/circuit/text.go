package circuit

import (
	"embed"
	"fmt"
	"strings"
)

//go:embed s*.txt
var stored embed.FS

// FileName is the name of the file that holds the circuit of S-box box (1 to 8).
func FileName(box int) string { return fmt.Sprintf("s%d.txt", box) }

// Load gives the circuit of S-box box (1 to 8), checked against its table.
func Load(box int) (Circuit, error) {
	text, err := stored.ReadFile(FileName(box))
	if err != nil {
		return Circuit{}, err
	}
	c, err := Parse(string(text))
	if err != nil {
		return Circuit{}, fmt.Errorf("%s: %w", FileName(box), err)
	}
	if err := c.Verify(box); err != nil {
		return Circuit{}, fmt.Errorf("%s: %w", FileName(box), err)
	}
	return c, nil
}

// String writes the circuit in the form of the package comment, without comments.
func (c Circuit) String() string {
	names := c.names()
	var b strings.Builder
	for i, g := range c.Gates {
		if g.Op == Not {
			fmt.Fprintf(&b, "%s = ^%s\n", names[Inputs+i], names[g.A])
			continue
		}
		fmt.Fprintf(&b, "%s = %s %s %s\n", names[Inputs+i], names[g.A], g.Op, names[g.B])
	}
	return b.String()
}

// names gives every value its name: a1 to a6, t1 and so on, o1 to o4.
func (c Circuit) names() []string {
	names := make([]string, Inputs+len(c.Gates))
	for n := range Inputs {
		names[n] = fmt.Sprintf("a%d", n+1)
	}
	for o, at := range c.Out {
		if at >= 0 {
			names[at] = fmt.Sprintf("o%d", o+1)
		}
	}
	t := 0
	for i := range c.Gates {
		if at := Inputs + i; names[at] == "" {
			t++
			names[at] = fmt.Sprintf("t%d", t)
		}
	}
	return names
}

// Parse reads the form of the package comment. Empty lines and lines that begin with # are skipped.
func Parse(text string) (Circuit, error) {
	c := Circuit{Out: [Outputs]int{-1, -1, -1, -1}}
	known := map[string]int{}
	for n := range Inputs {
		known[fmt.Sprintf("a%d", n+1)] = n
	}
	for i, line := range strings.Split(text, "\n") {
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		name, g, err := parseLine(line, known)
		if err != nil {
			return Circuit{}, fmt.Errorf("line %d: %w", i+1, err)
		}
		at := Inputs + len(c.Gates)
		known[name] = at
		c.Gates = append(c.Gates, g)
		for o := range c.Out {
			if name == fmt.Sprintf("o%d", o+1) {
				c.Out[o] = at
			}
		}
	}
	if err := c.check(); err != nil {
		return Circuit{}, err
	}
	return c, nil
}

func parseLine(line string, known map[string]int) (string, Gate, error) {
	words := strings.Fields(line)
	if len(words) < 3 || words[1] != "=" {
		return "", Gate{}, fmt.Errorf("%q is not an assignment", line)
	}
	name := words[0]
	if _, twice := known[name]; twice {
		return "", Gate{}, fmt.Errorf("%s is assigned again", name)
	}
	var g Gate
	var operands []string
	switch {
	case len(words) == 3 && strings.HasPrefix(words[2], "^"):
		g.Op, operands = Not, []string{words[2][1:]}
	case len(words) == 5 && words[3] != string(Not):
		g.Op, operands = Op(words[3]), []string{words[2], words[4]}
	default:
		return "", Gate{}, fmt.Errorf("%q is not a gate", line)
	}
	for i, word := range operands {
		at, ok := known[word]
		if !ok {
			return "", Gate{}, fmt.Errorf("%s is not known here", word)
		}
		if i == 0 {
			g.A = at
		} else {
			g.B = at
		}
	}
	return name, g, nil
}
