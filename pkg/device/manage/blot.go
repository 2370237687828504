package manage

import (
	"fmt"
	"strings"
)

// keyDigits is how many hex digits in a row may be a key: a single DES key has so many.
const keyDigits = 16

// Blot takes out of a text what may be the digits of a key, and leaves the rest: sixteen hex digits or more in a row
// become their number, also with blanks and hyphens between them, or with colons. A nonce goes with them; the sentence
// around it stays.
func Blot(s string) string {
	var out strings.Builder
	rest := s
	for rest != "" {
		end, digits := digitRun(rest)
		switch {
		case digits >= keyDigits:
			fmt.Fprintf(&out, "(%d digits)", digits)
		case end == 0:
			end = 1
			fallthrough
		default:
			out.WriteString(rest[:end])
		}
		rest = rest[end:]
	}
	return out.String()
}

// digitRun measures the run of hex digits at the beginning of a text: where its last digit ends, and how many there are.
// Colons do not go with blanks and hyphens: a time of day behind a date is no key.
func digitRun(s string) (end, digits int) {
	between := ""
	for i := range len(s) {
		c := s[i]
		if strings.IndexByte("0123456789abcdefABCDEF", c) >= 0 {
			end, digits = i+1, digits+1
			continue
		}
		if between == "" {
			between = separators(c)
		}
		if digits == 0 || strings.IndexByte(between, c) < 0 {
			return end, digits
		}
	}
	return end, digits
}

// separators are what may stand between digits beside a character.
func separators(c byte) string {
	if c == ':' {
		return ":"
	}
	return " -\t"
}
