package cli

// Expected against observed: values side by side, and the digits that differ.

import (
	"slices"
	"strings"

	"poskey/internal/page"
	"poskey/internal/text"
	"poskey/pkg/diagnose"
)

// comparedRow is a comparison.
type comparedRow struct {
	What               string
	Expected, Observed []digitGroup
	Sign               string // =, ≈ or ≠
	Verdict            string
}

// digitGroup is up to four digits of a value, or a word that is no digits.
type digitGroup []digitRun

// digitRun is digits that all differ, or all agree, or have no counterpart.
type digitRun struct {
	Text    string
	Differs bool
	Over    bool // beyond the end of the other value
}

// mostRows is how many comparisons a page shows; what differs comes before what agrees.
const mostRows = 40

func (p *diagnosisPrinter) compared(c *diagnose.Case, r *diagnose.Report) []comparedRow {
	t := &comparison{p: p, told: map[string]bool{}}
	for _, k := range r.Keys {
		t.add(text.New("%s: field 62, computed", string(k.Key)), k.Check, k.Computed)
		t.add(text.New("%s: field 62, shown by the terminal", string(k.Key)), k.Check, k.Shown)
	}
	for _, x := range c.Checks {
		t.add(checkName(&x), x.Expected.Digits, x.Got.Digits)
	}
	if c.Device != nil {
		for _, w := range c.Wanted {
			got, there := c.Device.CheckOf(w.Slot)
			observed := got.Digits
			if !there {
				observed = "-"
			}
			t.add(text.New("slot %s", string(w.Slot)), w.Check.Digits, observed)
		}
	}
	for i := range r.Findings {
		t.finding(&r.Findings[i])
	}
	return t.rows()
}

func checkName(x *diagnose.Check) text.Text {
	switch {
	case x.Slot != "":
		return text.New("slot %s", string(x.Slot))
	case x.Label != "":
		return text.New("key %s", x.Label)
	}
	return text.New("check value")
}

// comparison gathers rows, each once.
type comparison struct {
	p              *diagnosisPrinter
	told           map[string]bool
	differ, agreed []comparedRow
	short          []comparedRow // agree as far as the shorter value goes
}

func (t *comparison) finding(f *diagnose.Finding) {
	e := f.Evidence
	if e.AsGiven != "" && e.Key == "" { // the keys of a sign-in have their rows
		t.add(text.New("check value of the material as given"), e.Expected, e.AsGiven)
	}
	for _, s := range e.Seen {
		t.add(s.What, t.p.say(s.Expected), t.p.say(s.Observed))
	}
}

// add compares two values; where one is not known there is nothing to compare.
func (t *comparison) add(what text.Text, expected, observed string) {
	id := strings.ToUpper(expected + "|" + observed + "|" + t.p.say(what))
	if expected == "" || observed == "" || t.told[id] {
		return
	}
	t.told[id] = true
	row := comparedRow{What: t.p.say(what), Expected: digitsOf(expected, observed), Observed: digitsOf(observed, expected)}
	switch {
	case strings.EqualFold(expected, observed):
		row.Sign, row.Verdict = "=", t.p.say(text.New("same"))
		t.agreed = append(t.agreed, row)
	case isValue(expected) && isValue(observed) && agree(expected, observed):
		row.Sign, row.Verdict = "≈", t.p.say(text.New("same as far as both go"))
		t.short = append(t.short, row)
	default:
		row.Sign, row.Verdict = "≠", t.p.say(text.New("differs"))
		t.differ = append(t.differ, row)
	}
}

func (t *comparison) rows() []comparedRow {
	all := slices.Concat(t.differ, t.short, t.agreed)
	return all[:min(mostRows, len(all))]
}

// Values of hex digits are set in groups; shorter ones may be counts, longer ones are no public values.
const (
	leastDigits = 4
	mostDigits  = 24
)

func isValue(s string) bool {
	return len(s) >= leastDigits && strings.IndexFunc(s, page.NotHex) < 0
}

// inGroups sets a value in groups of four. What is too long for a check value or a KSN is cut.
func inGroups(s string) string {
	if !isValue(s) || len(s) <= leastDigits {
		return page.Line(s)
	}
	cut := ""
	if len(s) > mostDigits {
		s, cut = s[:page.KeyRun/2], " …"
	}
	var parts []string
	for len(s) > 4 {
		parts, s = append(parts, s[:4]), s[4:]
	}
	return strings.Join(append(parts, s), " ") + cut
}

// digitsOf sets a value in groups, with what differs from another one.
func digitsOf(value, other string) []digitGroup {
	if !isValue(value) {
		return []digitGroup{{{Text: page.Line(value)}}}
	}
	compare := isValue(other)
	var out []digitGroup
	for i, group := range strings.Fields(inGroups(value)) {
		var g digitGroup
		for j, c := range group {
			at := 4*i + j
			run := digitRun{Text: string(c)}
			if compare && c != '…' {
				run.Over = at >= len(other)
				run.Differs = !run.Over && !strings.EqualFold(string(other[at]), string(c))
			}
			if n := len(g); n > 0 && g[n-1].Differs == run.Differs && g[n-1].Over == run.Over {
				g[n-1].Text += run.Text
				continue
			}
			g = append(g, run)
		}
		out = append(out, g)
	}
	return out
}

// Digits of a group of what is public and long: whole, and not like a key.
const (
	valueGroup  = 4
	digestGroup = page.KeyRun / 2
)

// apart writes public digits in groups, all of them.
func apart(digits string, group int) string {
	var groups []string
	for part := range slices.Chunk([]byte(digits), group) {
		groups = append(groups, string(part))
	}
	return page.Line(strings.Join(groups, " "))
}
