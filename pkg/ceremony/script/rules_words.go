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

// named is a value of the script with its place.
type named struct{ at, value string }

// values are all that people write into a script freely.
func (s *Script) values() []named {
	all := []named{{"title", s.Title}, {"purpose", s.Purpose}, {"organisation", s.Organisation}, {"place", s.Place}}
	for _, p := range s.People {
		at := "people." + p.ID
		all = append(all, named{at, p.Name}, named{at, p.Employee}, named{at, p.Manager})
	}
	for _, k := range s.Keys {
		at := "keys." + k.ID
		all = append(all, named{at, k.ID}, named{at, k.Label})
		for _, p := range k.Parts {
			at := fmt.Sprintf("keys.%s.parts.%d", k.ID, p.Number)
			all = append(all, named{at, p.Bag}, named{at, p.Outer}, named{at, p.Channel}, named{at, p.SerialBy})
		}
		for i, out := range k.Outputs {
			at := fmt.Sprintf("keys.%s.outputs.%d", k.ID, i+1)
			all = append(all, named{at, out.Label}, named{at, out.File}, named{at, out.KBPK}, named{at, out.Device}, named{at,
				out.Slot})
		}
	}
	for i, st := range s.Steps {
		at := fmt.Sprintf("steps.%d", i+1)
		all = append(all, named{at, st.Text}, named{at, st.Item}, named{at, st.Expect}, named{at, st.Method})
	}
	return all
}

func (c *court) wording() {
	told := map[string]bool{}
	for _, v := range c.s.values() {
		if told[v.at] || !unfilled(v.value) {
			continue
		}
		told[v.at] = true
		c.add("fill-in", c.strict(), "", v.at, text.New("something is left to be filled in"),
			text.New("write what is true of this ceremony"))
	}
	for _, v := range c.titles() {
		switch {
		case c.production() && hasWord(v.value, "test", "rehearsal", "dummy", "测试", "演练"):
			c.add("test-words-in-production", Error, "19", v.at, text.New("%q reads like a test, and this is production",
				v.value),
				text.New("change the words, or the environment"))
		case !c.production() && hasWord(v.value, "production", "prod", "live", "生产"):
			c.add("production-words-in-test", Warning, "19", v.at, text.New("%q reads like production, and this is a test",
				v.value),
				text.New("change the words, or the environment"))
		}
	}
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
