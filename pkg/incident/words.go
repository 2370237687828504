package incident

// Small things about words.

import (
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

func join(all []string) string { return strings.Join(all, " ") }

// fold makes one of the ways in which a name is written: case, blanks, points and dashes, marks on letters, wide letters and
// the order of the words do not tell people apart.
func fold(name string) string {
	name = strings.ToLower(strings.ToUpper(norm.NFKD.String(name))) // some letters have two small forms
	words := strings.FieldsFunc(name, func(c rune) bool {
		return !unicode.IsLetter(c) && !unicode.IsDigit(c) && !unicode.Is(unicode.Mn, c)
	})
	slices.Sort(words)
	return strings.Map(func(c rune) rune {
		if unicode.Is(unicode.Mn, c) {
			return -1
		}
		return c
	}, strings.Join(words, " "))
}

// deceptive tells that a name has letters of more than one of the scripts whose letters look alike.
func deceptive(name string) bool {
	scripts := 0
	for _, t := range []*unicode.RangeTable{unicode.Latin, unicode.Cyrillic, unicode.Greek} {
		if strings.ContainsFunc(name, func(c rune) bool { return unicode.Is(t, c) }) {
			scripts++
		}
	}
	return scripts > 1
}
