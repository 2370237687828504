package ceremony

// What people type goes into the record as one line, without what a key could stand in.

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"poskey/pkg/ceremony/transcript"
)

// maxWords is how many bytes of an answer are kept.
const maxWords = 1000

// clean makes one line of what was typed, and cuts it.
func clean(s string) string {
	s = oneLine(s)
	for len(s) > maxWords {
		_, size := utf8.DecodeLastRuneInString(s)
		s = s[:len(s)-size]
	}
	return s
}

// oneLine has no characters that cannot be seen, and one blank between words.
func oneLine(s string) string {
	s = strings.Map(func(c rune) rune {
		switch {
		case unicode.IsSpace(c):
			return ' '
		case !unicode.IsPrint(c):
			return -1
		}
		return c
	}, s)
	return strings.Join(strings.Fields(s), " ")
}

// spoken is a text of the script as it was read aloud: whole, since the record takes as much as a script has.
func spoken(s string) string { return transcript.Clean(oneLine(s)) }

// public is clean for a sentence: one in which a key may stand is described and not repeated.
func public(s string) string { return transcript.Clean(clean(s)) }

// serial is public for the number of a bag or a device, which may be a long decimal one.
func serial(s string) string { return transcript.CleanSerial(clean(s)) }
