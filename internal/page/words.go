package page

// Words on a page: characters that can be seen, an end, and nothing that may be a key.

import (
	"strings"

	"poskey/internal/text"
)

// longest is in bytes; nothing that the program says is as long.
const longest = 3000

// Line makes a line of what somebody said: no characters that turn or hide others, and no run of digits as long as a key.
func Line(s string) string {
	s = text.OneLine(s, longest)
	var b strings.Builder
	for s != "" {
		n := strings.IndexFunc(s, NotHex)
		if n < 0 {
			n = len(s)
		}
		if n >= KeyRun {
			b.WriteString("[…]")
		} else {
			b.WriteString(s[:n])
		}
		s = s[n:]
		next := strings.IndexFunc(s, func(r rune) bool { return !NotHex(r) })
		if next < 0 {
			next = len(s)
		}
		b.WriteString(s[:next])
		s = s[next:]
	}
	return b.String()
}

// KeyRun is where a run of hex digits may be a key: half a double-length one.
const KeyRun = 16

// NotHex reports a character that is no hex digit.
func NotHex(r rune) bool { return !strings.ContainsRune("0123456789abcdefABCDEF", r) }

// Quoted is what somebody else said or wrote, cut to most bytes.
func Quoted(s string, most int) string {
	s = text.OneLine(s, longest)
	if short := text.OneLine(s, most); short != s {
		s = short + " …"
	}
	return Line(s)
}

// Sentence begins a line that stands by itself with a capital, unless it begins with a name.
func Sentence(s string) string {
	first, _, _ := strings.Cut(s, " ")
	name := first == "poskey" || strings.ContainsAny(first, "0123456789:/._")
	if name || first == "" || first[0] < 'a' || first[0] > 'z' {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}
