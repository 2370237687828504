package text

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// OneLine makes a line of at most so many bytes of what somebody says, an error of a device perhaps: what cannot be shown
// becomes a blank, and no character is cut.
func OneLine(s string, most int) string {
	line := strings.Map(func(c rune) rune {
		if c == utf8.RuneError || !unicode.IsGraphic(c) {
			return ' '
		}
		return c
	}, s)
	for len(line) > most {
		_, size := utf8.DecodeLastRuneInString(line)
		line = line[:len(line)-size]
	}
	return line
}
