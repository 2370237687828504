package i18n

// Sentences that were written down in English: the catalogue is searched for the format that they were made of.

import (
	"fmt"
	"regexp"
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
	best, letters := "", 0
	var args []string
	for format := range p.entries {
		if n := lettersOf(format); n > letters || n == letters && format < best { // the same answer each time
			if found, ok := fits(format, s); ok && n >= leastLetters {
				best, letters, args = format, n, found
			}
		}
	}
	if best == "" {
		return s
	}
	for i := range args {
		args[i] = p.storedAt(args[i], depth+1)
	}
	return filled(p.entries[best], args)
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

// fits takes a sentence apart as a format made it.
func fits(format, s string) (args []string, ok bool) {
	at := directiveOf.FindAllStringSubmatchIndex(format, -1)
	if len(at) == 0 || !strings.HasPrefix(s, format[:at[0][0]]) || !strings.HasSuffix(s, format[at[len(at)-1][1]:]) {
		return nil, false
	}
	var pattern strings.Builder
	last := 0
	for _, m := range at {
		if m[2] >= 0 { // the arguments of English stand in their order
			return nil, false
		}
		pattern.WriteString(regexp.QuoteMeta(format[last:m[0]]))
		pattern.WriteString(patternOf(format[m[4]]))
		last = m[1]
	}
	re, err := regexp.Compile(`(?s)\A` + pattern.String() + regexp.QuoteMeta(format[last:]) + `\z`)
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
