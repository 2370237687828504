package script

// Rules about words: what was left to be filled in, and test words where they mislead.

import (
	"fmt"
	"strings"
	"unicode"

	"poskey/internal/text"
)

// FillIn begins a value that a template leaves to be filled in, in English and in Chinese.
func FillIn() []string { return []string{"FILL IN", "FILL-IN", "待填"} }

// named is a value of the script with the path of its field.
type named struct{ at, value string }

// values are all that people write into a script freely.
func (s *Script) values() []named {
	var all []named
	in := func(at string, fields ...named) {
		for _, f := range fields {
			all = append(all, named{at + f.at, f.value})
		}
	}
	in("", named{"title", s.Title}, named{"purpose", s.Purpose}, named{"organisation", s.Organisation},
		named{"place", s.Place})
	for _, p := range s.People {
		in("people."+p.ID+".", named{"name", p.Name}, named{"employee", p.Employee}, named{"manager", p.Manager})
	}
	for _, k := range s.Keys {
		at := "keys." + k.ID + "."
		in(at, named{"id", k.ID}, named{"label", k.Label})
		for _, p := range k.Parts {
			in(fmt.Sprintf("%sparts.%d.", at, p.Number), named{"bag", p.Bag}, named{"outer", p.Outer},
				named{"channel", p.Channel}, named{"serial_by", p.SerialBy})
		}
		for i, out := range k.Outputs {
			in(fmt.Sprintf("%soutputs.%d.", at, i+1), named{"label", out.Label}, named{"file", out.File},
				named{"kbpk", out.KBPK}, named{"device", out.Device}, named{"slot", out.Slot})
		}
	}
	for i, st := range s.Steps {
		in(fmt.Sprintf("steps.%d.", i+1), named{"text", st.Text}, named{"item", st.Item}, named{"expect", st.Expect},
			named{"method", st.Method})
	}
	return all
}

func (c *court) wording() {
	for _, v := range c.s.values() {
		if unfilled(v.value) {
			c.add("fill-in", c.strict(), "7-1", v.at, c.s.unfilledAt(v.at), text.New("write what is true of this ceremony"))
		}
	}
	for _, v := range c.titles() {
		switch {
		case c.production() && hasWord(v.value, "test", "rehearsal", "dummy", "测试", "演练"):
			c.add("test-words-in-production", Error, "19", v.at,
				text.New("%q reads like a test, and this is production", v.value),
				text.New("change the words, or the environment"))
		case !c.production() && hasWord(v.value, "production", "prod", "live", "生产"):
			c.add("production-words-in-test", Warning, "19", v.at,
				text.New("%q reads like production, and this is a test", v.value),
				text.New("change the words, or the environment"))
		}
	}
}

// unfilledAt says of a field that it waits for its value, with its line where that is known.
func (s *Script) unfilledAt(field string) text.Text {
	if n, ok := s.lines[field]; ok {
		return text.New("line %d is still to be filled in", n)
	}
	return text.New("it is still to be filled in")
}

func unfilled(v string) bool {
	for _, mark := range FillIn() {
		if strings.Contains(v, mark) {
			return true
		}
	}
	return false
}

// titles are the values that name this ceremony and what comes of it.
func (c *court) titles() []named {
	all := []named{{"title", c.s.Title}}
	for _, k := range c.s.Keys {
		at := "keys." + k.ID
		all = append(all, named{at, k.ID}, named{at, k.Label})
		for i, out := range k.Outputs {
			at := fmt.Sprintf("%s.outputs.%d", at, i+1)
			all = append(all, named{at, out.Label}, named{at, out.File}, named{at, out.KBPK})
		}
	}
	return all
}

// hasWord finds a whole word, in either case; Chinese has no blanks between words.
func hasWord(s string, wanted ...string) bool {
	split := func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }
	for _, word := range strings.FieldsFunc(strings.ToLower(s), split) {
		for _, w := range wanted {
			if word == w || w[0] >= 0x80 && strings.Contains(word, w) {
				return true
			}
		}
	}
	return false
}

// steps are what the order of steps leaves to be wished for.
func (c *court) steps() {
	c.bags()
	if at := c.first(PrintPart); at > 0 && c.first(Inspect) == 0 || at > 0 && c.first(Inspect) > at {
		c.add("printer-not-inspected", Warning, "6-3", fmt.Sprintf("steps.%d", at),
			text.New("a component is printed and nobody looked at the printer before"),
			text.New("put a step inspect before it: the printer's serial, local, without a network or a disk"))
	}
}

// first is the number of the first step with the verb, 0 for none.
func (c *court) first(v Verb) int {
	for i, st := range c.s.Steps {
		if st.Do == v {
			return i + 1
		}
	}
	return 0
}
