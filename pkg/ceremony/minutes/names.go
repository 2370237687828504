package minutes

// What things are called on paper.

import (
	"slices"
	"strconv"
	"strings"

	"poskey/internal/text"
	"poskey/pkg/ceremony/script"
	"poskey/pkg/ceremony/transcript"
	"poskey/pkg/kcv"
)

// testMark is the mark of a paper that protects nothing.
func (c *cast) testMark() string {
	if c.v != nil {
		return transcript.Mark(c.v.Head.Environment, c.v.Head.Mode)
	}
	return transcript.Mark(c.s.Environment, "")
}

// mark is what stands on every page: that it protects nothing, and that it is not the end of the matter. No single page
// of a record that does not verify, or has no end, can be taken for one of a ceremony that was. Forms are written
// before the end too.
func (c *cast) mark(form bool) string {
	mark := c.testMark()
	switch {
	case c.v == nil:
	case c.unsound():
		mark = joined(" · ", mark, c.lang.words(text.New("NOT VERIFIED")))
	case form:
	case c.v.State == transcript.Open:
		mark = joined(" · ", mark, c.lang.words(text.New("NOT FINAL")))
	case c.v.State == transcript.Aborted:
		mark = joined(" · ", mark, c.lang.words(text.New("GIVEN UP")))
	}
	return mark
}

// unsound reports whether a record does not verify.
func (c *cast) unsound() bool {
	for _, f := range c.v.Findings {
		if f.Level == script.Error {
			return true
		}
	}
	return len(c.v.Problems) > 0 || c.v.State == transcript.Closed && len(c.v.Missing) > 0
}

// differences counts what verification found; a note is told and takes nothing from a record.
func (c *cast) differences() (n int) {
	for _, f := range c.v.Findings {
		if f.Level != script.Note {
			n++
		}
	}
	return n
}

func stateOf(s transcript.State) text.Text {
	switch s {
	case transcript.Closed:
		return text.New("closed: it came to its end and was signed")
	case transcript.Aborted:
		return text.New("aborted: it was given up")
	case transcript.Open:
		return text.New("open: it broke off, or is still going on")
	}
	return text.Raw(string(s))
}

// roleOrder is the order of roles on paper; others follow by name.
func roleOrder(roles map[script.Role]script.Seat) []script.Role {
	known := script.Roles()
	var out, others []script.Role
	for r := range roles {
		if !slices.Contains(known, r) {
			others = append(others, r)
		}
	}
	for _, r := range known {
		if _, ok := roles[r]; ok {
			out = append(out, r)
		}
	}
	slices.Sort(others)
	return append(out, others...)
}

func sourceName(s script.Source) text.Text {
	switch s {
	case script.Generate:
		return text.New("drawn inside the boundary")
	case script.Components:
		return text.New("formed from components that were typed in")
	case script.Stored:
		return text.New("key of the store")
	case script.InHSM:
		return text.New("in an HSM alone")
	}
	return text.Raw(string(s))
}

func verdictName(v transcript.Verdict) (text.Text, tone) {
	switch v {
	case transcript.Match:
		return text.New("match"), good
	case transcript.Differs:
		return text.New("DIFFERS"), bad
	case transcript.Compared:
		return text.New("nothing to compare with"), quiet
	}
	return text.Raw(string(v)), plain
}

func levelName(l script.Level) (text.Text, tone) {
	if l == script.Error || l == script.Warning {
		return l.Text(), bad
	}
	return l.Text(), plain
}

// word is what the record calls by a fixed word; what people wrote stays as it is.
func word(s string) text.Text {
	switch s {
	case transcript.SaidStep:
		return text.New("that the step was done so")
	case transcript.SaidLogIn:
		return text.New("log-in")
	case transcript.SaidScript:
		return text.New("the fingerprint of the script")
	case transcript.SaidDeclaration:
		return text.New("the declaration")
	case transcript.SaidAway:
		return text.New("that everything is put away")
	case transcript.SaidRead:
		return text.New("that the text was read")
	case transcript.SaidBack:
		return text.New("that everybody is back")
	case transcript.SaidStop:
		return text.New("to go on with what cannot be taken back")
	case transcript.SaidHeld:
		return text.New("that the open sheet was with nobody else")
	case "serial of the bag":
		return text.New("serial of the bag")
	case "intact":
		return text.New("intact")
	case "damaged":
		return text.New("damaged")
	case "misprint":
		return text.New("misprint")
	case "not said":
		return text.New("not said")
	}
	return ending(s)
}

// valueText is a check value with its method; "" for none.
func valueText(v kcv.Value) string {
	if v == (kcv.Value{}) {
		return ""
	}
	return v.String()
}

// requirements are numbers of PCI PIN in a row.
func requirements(numbers []string) string { return strings.Join(numbers, ", ") }

// partOf names a component: ZMK 2/3.
func partOf(k *script.Key, key string, part int) string {
	if part == 0 {
		return key
	}
	if k != nil && len(k.Parts) > 0 {
		return key + " " + strconv.Itoa(part) + "/" + strconv.Itoa(len(k.Parts))
	}
	return key + " " + strconv.Itoa(part)
}
