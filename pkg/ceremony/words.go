package ceremony

// What people type goes into the record as one line, without what a key could stand in.

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxWords is how many bytes of an answer are kept.
const maxWords = 1000

// clean makes one line of what was typed: no characters that cannot be seen, one blank between words.
func clean(s string) string {
	s = strings.Map(func(c rune) rune {
		switch {
		case unicode.IsSpace(c):
			return ' '
		case !unicode.IsPrint(c):
			return -1
		}
		return c
	}, s)
	s = strings.Join(strings.Fields(s), " ")
	for len(s) > maxWords {
		_, size := utf8.DecodeLastRuneInString(s)
		s = s[:len(s)-size]
	}
	return s
}

// public is clean for a sentence: one in which a key may stand is described and not repeated.
func public(s string) string { return described(clean(s), 16) }

// serial is public for the number of a bag or a device, which may be a long decimal one.
func serial(s string) string { return described(clean(s), 32) }

// described counts hex digits that stand together, whatever stands between them but other letters.
func described(s string, decimal int) string {
	digits, letters := 0, 0
	for _, c := range s {
		if c >= 0xFF01 && c <= 0xFF5E {
			c -= 0xFF01 - '!' // the wide letters of Chinese keyboards
		}
		switch {
		case c >= '0' && c <= '9':
			digits++
		case c >= 'a' && c <= 'f', c >= 'A' && c <= 'F':
			digits++
			letters++
		case unicode.IsLetter(c):
			digits, letters = 0, 0
		}
		if digits >= decimal || digits >= 16 && letters > 0 {
			return fmt.Sprintf("(%d characters)", utf8.RuneCountInString(s))
		}
	}
	return s
}
