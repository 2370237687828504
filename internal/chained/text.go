package chained

// What may stand in the strings of a line.

import (
	"unicode/utf8"

	"poskey/internal/fault"
)

// MaxWord bounds a word, in bytes.
const MaxWord = 48

// CheckWord accepts names of things: lower-case letters, digits and dashes, a letter first.
func CheckWord(s string) error {
	if !IsWord(s, '-') {
		return fault.New(fault.Malformed, "a word of 1 to %d lower-case letters, digits and dashes is expected", MaxWord)
	}
	return nil
}

// IsWord is CheckWord with one more character that may be in it.
func IsWord(s string, also byte) bool {
	if !Within(len(s), 1, MaxWord) || s[0] < 'a' || s[0] > 'z' {
		return false
	}
	return All(s, func(c byte) bool { return c >= 'a' && c <= 'z' || IsDigit(c) || c == '-' || c == also })
}

// CheckText accepts what people write, in one line and in any script. Left out is what changes how the rest is shown:
// control characters, line separators, direction marks, invisible and tag characters. The list is fixed with the
// formats, so that no edition of Unicode changes which records are valid.
func CheckText(s string, limit int) error {
	if len(s) > limit {
		return fault.New(fault.TooLarge, "at most %d bytes, got %d", limit, len(s))
	}
	plain := true
	for i := range len(s) {
		plain = plain && s[i] >= 0x20 && s[i] < 0x7F
	}
	if plain {
		return nil
	}
	if !utf8.ValidString(s) {
		return fault.New(fault.Malformed, "not UTF-8")
	}
	for at, c := range s {
		if Hidden(c) {
			return fault.New(fault.Malformed, "the character U+%04X at byte %d cannot be shown", c, at)
		}
	}
	return nil
}

// Hidden reports whether a character is one of those that [CheckText] refuses.
func Hidden(c rune) bool {
	switch {
	case c < 0x20, c >= 0x7F && c <= 0x9F:
		return true
	case c >= 0x200B && c <= 0x200F, c >= 0x2028 && c <= 0x202E, c >= 0x2060 && c <= 0x206F:
		return true
	case c == 0xFEFF, c >= 0xFFF9 && c <= 0xFFFB, c >= 0xE0000 && c <= 0xE007F:
		return true
	}
	return false
}

// Within reports whether n lies between two bounds, both included.
func Within(n, least, most int) bool { return n >= least && n <= most }

// All reports whether every byte is one that may be there.
func All(s string, ok func(byte) bool) bool {
	for i := range len(s) {
		if !ok(s[i]) {
			return false
		}
	}
	return true
}

// IsAnyOf reports whether a byte is in a set.
func IsAnyOf(c byte, set string) bool {
	for i := range len(set) {
		if set[i] == c {
			return true
		}
	}
	return false
}

// IsDigit accepts decimal digits.
func IsDigit(c byte) bool { return c >= '0' && c <= '9' }

// IsHex accepts upper-case hex digits.
func IsHex(c byte) bool { return IsDigit(c) || c >= 'A' && c <= 'F' }

// IsAlnum accepts letters and digits of ASCII.
func IsAlnum(c byte) bool { return IsDigit(c) || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' }

// Plain makes upper case of letters, ASCII of the wide digits and letters that Chinese keyboards make, and blanks and
// dashes of all that look like them.
func Plain(c rune) rune {
	if c >= 0xFF01 && c <= 0xFF5E {
		c -= 0xFF01 - '!'
	}
	switch {
	case c >= 'a' && c <= 'z':
		return c - 'a' + 'A'
	case c == 0xA0, c >= 0x2000 && c <= 0x200A, c == 0x202F, c == 0x205F, c == 0x3000:
		return ' '
	case c >= 0x2010 && c <= 0x2015, c == 0x2212:
		return '-'
	}
	return c
}
