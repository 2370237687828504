package i18n

// Sentences that were written down in English: the catalogue is searched for the format that they were made of.

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// directiveOf is a verb of a format, with its index where it has one.
var directiveOf = regexp.MustCompile(`%(?:\[(\d+)\])?([sdqvcxX%])`)

// leastLetters keeps formats that say next to nothing themselves, such as "%s: %s", from fitting everything.
const leastLetters = 6

// deepest bounds how often an argument is taken for a sentence again.
const deepest = 3

// stored gives a stored sentence in the reader's language; as it stands when the catalogue does not know it.
func (p *Printer) stored(s string) string { return p.storedAt(s, 0) }

func (p *Printer) storedAt(s string, depth int) string {
	if translated, ok := p.entries[strings.ReplaceAll(s, "%", "%%")]; ok {
		return strings.ReplaceAll(translated, "%%", "%")
	}
	if depth == deepest {
		return s
	}
	p.shapesOnce.Do(func() { p.shapes = shapesOf(p.entries) })
	for i := range p.shapes {
		args, ok := p.shapes[i].fits(s)
		if !ok {
			continue
		}
		for i := range args {
			args[i] = p.storedAt(args[i], depth+1)
		}
		return filled(p.entries[p.shapes[i].format], args)
	}
	return s
}

// shape is a format as sentences are held against it: what it has of its own, with the arguments between.
type shape struct {
	format  string
	pieces  []string // one more than arguments
	pattern string
	letters int
}

// shapesOf gives the formats that sentences can be found by: those with the most letters of their own first, in the same
// order each time. Arguments of English stand in their order.
func shapesOf(entries map[string]string) []shape {
	var all []shape
	for format := range entries {
		at := directiveOf.FindAllStringSubmatchIndex(format, -1)
		if len(at) == 0 || slices.ContainsFunc(at, func(m []int) bool { return m[2] >= 0 }) {
			continue
		}
		one, last := shape{format: format, letters: lettersOf(format)}, 0
		for _, m := range at {
			one.add(format[last:m[0]])
			one.pattern += patternOf(format[m[4]])
			last = m[1]
		}
		if one.add(format[last:]); one.letters >= leastLetters {
			all = append(all, one)
		}
	}
	slices.SortFunc(all, func(a, b shape) int { return cmp.Or(b.letters-a.letters, strings.Compare(a.format, b.format)) })
	return all
}

func (f *shape) add(piece string) {
	f.pieces = append(f.pieces, piece)
	f.pattern += regexp.QuoteMeta(piece)
}

// lettersOf counts the letters that a format has of its own.
func lettersOf(format string) (n int) {
	for _, r := range directiveOf.ReplaceAllString(format, "") {
		if unicode.IsLetter(r) {
			n++
		}
	}
	return n
}

// fits takes a sentence apart as a format made it. A report holds thousands of sentences against thousands of formats: what
// the pieces rule out costs no regular expression.
func (f *shape) fits(s string) (args []string, ok bool) {
	if !strings.HasPrefix(s, f.pieces[0]) || !strings.HasSuffix(s, f.pieces[len(f.pieces)-1]) {
		return nil, false
	}
	for _, piece := range f.pieces {
		if !strings.Contains(s, piece) {
			return nil, false
		}
	}
	re, err := regexp.Compile(`(?s)\A` + f.pattern + `\z`)
	if err != nil {
		return nil, false
	}
	found := re.FindStringSubmatch(s)
	if found == nil {
		return nil, false
	}
	return found[1:], true
}

func patternOf(verb byte) string {
	switch verb {
	case '%':
		return "%"
	case 'd':
		return `(-?\d+)`
	case 'c':
		return `(.)`
	case 'q':
		return `"(.*?)"`
	}
	return `(.*?)`
}

// filled puts arguments that are words already into a format.
func filled(format string, args []string) string {
	next := 0
	return directiveOf.ReplaceAllStringFunc(format, func(verb string) string {
		m := directiveOf.FindStringSubmatch(verb)
		if m[2] == "%" {
			return "%"
		}
		if m[1] != "" {
			_, _ = fmt.Sscan(m[1], &next)
			next--
		}
		if next >= len(args) {
			return verb
		}
		next++
		if m[2] == "q" {
			return `"` + args[next-1] + `"`
		}
		return args[next-1]
	})
}
