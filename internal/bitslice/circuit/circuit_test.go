package circuit

import (
	"bytes"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
)

// evaluate computes the outputs for one input from the text alone, one bit at a time: a second opinion.
func evaluate(t *testing.T, text string, in int) uint8 {
	t.Helper()
	v := map[string]bool{}
	for n := range Inputs {
		v[fmt.Sprintf("a%d", n+1)] = in>>(5-n)&1 == 1
	}
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		w := strings.Fields(line)
		if len(w) == 3 {
			v[w[0]] = !v[w[2][1:]]
			continue
		}
		a, b := v[w[2]], v[w[4]]
		switch w[3] {
		case "&":
			v[w[0]] = a && b
		case "|":
			v[w[0]] = a || b
		case "^":
			v[w[0]] = a != b
		case "&^":
			v[w[0]] = a && !b
		default:
			t.Fatalf("%q", line)
		}
	}
	var out uint8
	for o := range Outputs {
		out <<= 1
		if v[fmt.Sprintf("o%d", o+1)] {
			out |= 1
		}
	}
	return out
}

func load(t *testing.T, box int) Circuit {
	t.Helper()
	c, err := Load(box)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func text(t *testing.T, box int) string {
	t.Helper()
	raw, err := os.ReadFile(FileName(box))
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// TestCircuitsAreTheTables: 64 inputs, four outputs, eight boxes, evaluated bit by bit from the files as they are.
func TestCircuitsAreTheTables(t *testing.T) {
	for box := 1; box <= Boxes; box++ {
		for in, want := range Box(box) {
			if got := evaluate(t, text(t, box), in); got != want {
				t.Errorf("S-box %d of %06b is %04b, want %04b", box, in, got, want)
			}
		}
	}
}

// TestCircuitsStaySmall holds every circuit to the number of gates that it has; whoever finds a smaller one writes its
// number here.
func TestCircuitsStaySmall(t *testing.T) {
	recorded := [Boxes]int{44, 37, 42, 27, 44, 42, 37, 35}
	all, extra := 0, 0
	for box := 1; box <= Boxes; box++ {
		cost := load(t, box).Cost()
		t.Logf("S-box %d: %d gates, %d complements for and-not, at most %d values alive", box, cost.Gates, cost.Extra, cost.Live)
		if cost.Gates > recorded[box-1] {
			t.Errorf("S-box %d has %d gates, had %d", box, cost.Gates, recorded[box-1])
		}
		all, extra = all+cost.Gates, extra+cost.Extra
	}
	t.Logf("together: %d gates, %d complements for and-not", all, extra)
}

// TestAWrongGateIsSeen puts another operation into one gate after the other: Verify agrees with the second opinion on
// whether that is still the S-box.
func TestAWrongGateIsSeen(t *testing.T) {
	refused := 0
	for box := 1; box <= Boxes; box++ {
		c := load(t, box)
		for i, g := range c.Gates {
			for _, op := range []Op{And, Or, Xor, AndNot} {
				if g.Op == Not || g.Op == op {
					continue
				}
				wrong := Circuit{Gates: slices.Clone(c.Gates), Out: c.Out}
				wrong.Gates[i].Op = op
				same := true
				for in, want := range Box(box) {
					if same = evaluate(t, wrong.String(), in) == want; !same {
						break
					}
				}
				if err := wrong.Verify(box); (err == nil) != same {
					t.Fatalf("S-box %d with gate %d as %s: %v", box, i, op, err)
				} else if err != nil {
					refused++
				}
			}
		}
	}
	if refused < 500 {
		t.Errorf("only %d wrong circuits were refused", refused)
	}
}

func TestWhatIsNotACircuitIsRefused(t *testing.T) {
	good := load(t, 4)
	for name, break_ := range map[string]func(c *Circuit){
		"reads itself":       func(c *Circuit) { c.Gates[3].A = Inputs + 3 },
		"reads below zero":   func(c *Circuit) { c.Gates[3].A = -1 },
		"unknown operation":  func(c *Circuit) { c.Gates[3].Op = "nand" },
		"a gate for nothing": func(c *Circuit) { c.Gates = append(c.Gates, Gate{Op: And, A: 0, B: 1}) },
		"outputs swapped":    func(c *Circuit) { c.Out[0], c.Out[1] = c.Out[1], c.Out[0] },
		"output missing":     func(c *Circuit) { c.Out[2] = -1 },
		"output not there":   func(c *Circuit) { c.Out[2] = Inputs + len(c.Gates) },
	} {
		c := Circuit{Gates: slices.Clone(good.Gates), Out: good.Out}
		break_(&c)
		if err := c.Verify(4); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	for _, bad := range []string{
		"t1 = a1", "t1 = a1 & a7", "t1 = a1 nand a2", "a1 = a2 & a3", "o1 & a1", "o1 = a1 & a2\no1 = a1 | a2",
		"o1 = t1 & a1\nt1 = a2 & a3", "t1 = a1 & a2", "o1 = ^", "o1 = a1 not a2",
	} {
		if _, err := Parse(bad); err == nil {
			t.Errorf("%q was read", bad)
		}
	}
}

func TestParseReadsWhatStringWrites(t *testing.T) {
	for box := 1; box <= Boxes; box++ {
		c := load(t, box)
		again, err := Parse(c.String())
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(again.Gates, c.Gates) || again.Out != c.Out {
			t.Errorf("S-box %d reads back as another circuit", box)
		}
		if !strings.HasSuffix(text(t, box), c.String()) {
			t.Errorf("%s is not in the form that String writes", FileName(box))
		}
	}
}

// TestConesComputeTheirOutputs, for every subset of the outputs of every box, with no gate that they do not need.
func TestConesComputeTheirOutputs(t *testing.T) {
	for box := 1; box <= Boxes; box++ {
		c, want := load(t, box), Wanted(box)
		for set := range 1 << Outputs {
			var some []int
			for o := range Outputs {
				if set>>o&1 == 1 {
					some = append(some, o)
				}
			}
			cone := c.Cone(some...)
			if err := cone.check(); err != nil {
				t.Fatalf("S-box %d, outputs %v: %v", box, some, err)
			}
			have := cone.Tables()
			for o, at := range cone.Out {
				if !slices.Contains(some, o) {
					if at != -1 {
						t.Errorf("S-box %d, outputs %v: o%d as well", box, some, o+1)
					}
					continue
				}
				if have[at] != want[o] {
					t.Errorf("S-box %d, outputs %v: o%d is wrong", box, some, o+1)
				}
			}
		}
	}
}

func TestEmissionFollowsItsOrders(t *testing.T) {
	c, err := Parse("t1 = a3 ^ a6\no2 = a3 &^ t1\no4 = ^o2\n")
	if err != nil {
		t.Fatal(err)
	}
	e := Emission{
		Inputs:  [Inputs]string{"in1", "in2", "in3", "in4", "in5", "in6"},
		Outputs: [Outputs]string{"", "p", "", "q"},
		Prefix:  "x",
		Load:    func(n int, name string) string { return fmt.Sprintf("%s := load(%d)", name, n) },
		Store:   func(o int, name string) string { return fmt.Sprintf("store(%d, %s)", o, name) },
	}
	var b bytes.Buffer
	n, err := c.Emit(&b, e)
	if err != nil || n != 3 {
		t.Fatal(n, err)
	}
	want := "in3 := load(2)\nin6 := load(5)\nx1 := in3 ^ in6\np := in3 &^ x1\nstore(1, p)\nq := ^p\nstore(3, q)\n"
	if b.String() != want {
		t.Errorf("got\n%swant\n%s", &b, want)
	}
	b.Reset()
	e.Outputs[3], e.Load, e.Store = "", nil, nil
	e.Express = func(op Op, a, b string) string { return fmt.Sprintf("%s.do(%q, %s)", a, op, b) }
	if n, err = c.Emit(&b, e); err != nil || n != 2 {
		t.Fatal(n, err)
	}
	if want = "x1 := in3.do(\"^\", in6)\np := in3.do(\"&^\", x1)\n"; b.String() != want {
		t.Errorf("got\n%swant\n%s", &b, want)
	}
}

func TestEmissionTellsOfAFullDisk(t *testing.T) {
	if _, err := load(t, 1).Emit(full{}, Emission{Outputs: [Outputs]string{"o1", "o2", "o3", "o4"}}); err == nil {
		t.Error("a writer that fails is not noticed")
	}
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, os.ErrInvalid }

// TestLiveCountsWhatIsNeededLater by the definition: read now or later, and there already.
func TestLiveCountsWhatIsNeededLater(t *testing.T) {
	c, err := Parse("t1 = a3 ^ a6\nt2 = a3 & t1\no1 = t1 | a2\no2 = ^t2\n")
	if err != nil {
		t.Fatal(err)
	}
	if got, want := c.Live(), []int{2, 2, 3, 1}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	if got, want := c.Needs(), [Inputs]bool{false, true, true, false, false, true}; got != want {
		t.Errorf("needs %v, want %v", got, want)
	}
}
