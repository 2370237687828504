package script

// The rule about letters that look like others: a manager who is written in two ways is two managers to every other
// rule.

import (
	"fmt"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"poskey/internal/text"
)

// letters looks at the values by which people, couriers and bags are told apart.
func (c *court) letters() {
	var all []named
	for _, p := range c.s.People {
		at := "people." + p.ID
		all = append(all, named{at, p.Name}, named{at, p.Employee}, named{at, p.Manager})
	}
	for i := range c.s.Keys {
		k := &c.s.Keys[i]
		for _, p := range k.Parts {
			at := fmt.Sprintf("keys.%s.parts.%d", k.ID, p.Number)
			all = append(all, named{at, p.Bag}, named{at, p.Outer}, named{at, p.Channel}, named{at, p.SerialBy})
		}
	}
	told := map[string]bool{}
	for _, v := range all {
		if told[v.at] || !deceptive(v.value) {
			continue
		}
		told[v.at] = true
		c.add("letters", c.strict(), "7-2", v.at,
			text.New("it has letters that look like others: two names that read alike may be two"),
			text.New("write it in the letters of one script, in their usual width and composed"))
	}
}

// deceptive reports whether a value has letters of more than one of the scripts whose letters look alike, letters or
// digits that are written in another form than usual (full width, mathematical), or marks that are put on a letter.
func deceptive(s string) bool {
	scripts := 0
	for _, t := range []*unicode.RangeTable{unicode.Latin, unicode.Cyrillic, unicode.Greek} {
		if strings.ContainsFunc(s, func(r rune) bool { return unicode.Is(t, r) }) {
			scripts++
		}
	}
	return scripts > 1 || strings.ContainsFunc(s, func(r rune) bool {
		letter := unicode.IsLetter(r) || unicode.IsDigit(r)
		return unicode.Is(unicode.Mn, r) || letter && norm.NFKC.String(string(r)) != string(r)
	})
}
