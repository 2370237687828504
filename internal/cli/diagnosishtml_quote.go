package cli

// Words on the page of a diagnosis: characters that can be seen, an end, and nothing that may be a key.

import (
	"strings"

	"poskey/internal/text"
)

// longestSaid is in bytes; nothing that the program says is as long.
const longestSaid = 3000

// mostQuoted is in bytes: so much is shown of what somebody else said or wrote.
const mostQuoted = 360

// keyless is what somebody said, wrote or pasted, without anything that looks like a key: as the evidence has it.
func keyless(s string) string {
	s, _ = text.Hide(s)
	return s
}

// quoted is what somebody else said or wrote, with an end.
func quoted(s string) string {
	s = text.OneLine(s, longestSaid)
	if short := text.OneLine(s, mostQuoted); short != s {
		s = short + " …"
	}
	return pageLine(s)
}

// sentence begins a line that stands by itself with a capital, unless it begins with a name.
func sentence(s string) string {
	first, _, _ := strings.Cut(s, " ")
	name := first == "poskey" || strings.ContainsAny(first, "0123456789:/._")
	if name || first == "" || first[0] < 'a' || first[0] > 'z' {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

// pageLine makes a line of what somebody said: no characters that turn or hide others, and no run of digits as long as
// a key.
func pageLine(s string) string {
	s = text.OneLine(s, longestSaid)
	var b strings.Builder
	for s != "" {
		n := strings.IndexFunc(s, notHex)
		if n < 0 {
			n = len(s)
		}
		if n >= longestRun {
			b.WriteString("[…]")
		} else {
			b.WriteString(s[:n])
		}
		s = s[n:]
		next := strings.IndexFunc(s, func(r rune) bool { return !notHex(r) })
		if next < 0 {
			next = len(s)
		}
		b.WriteString(s[:next])
		s = s[next:]
	}
	return b.String()
}

// longestRun is where a run of hex digits may be a key: half a double-length one.
const longestRun = 16

func notHex(r rune) bool { return !strings.ContainsRune("0123456789abcdefABCDEF", r) }
