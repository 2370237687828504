package keys

import (
	"io"
	"strings"
	"unicode/utf8"

	"poskey/internal/fault"
	"poskey/internal/secret"
)

// MaxHexInput bounds what is read as a key: longer than any RSA key in hex with blanks, short enough to answer at once.
const MaxHexInput = 64 << 10

// ParseHex reads hex as it is typed or printed on a sheet: either case, with blanks, tabs, line breaks, dashes and
// colons between digits. Digits count from 1, blanks not counted. An error names the position and never the digits
// around it; letters that are mistaken for digits (O, I, L, S, Z) are named, since they cannot be part of a key.
func ParseHex(in []byte) (*secret.Bytes, error) {
	sec, digits, err := ParseTyped(in)
	if err == nil && digits%2 != 0 {
		sec.Wipe()
		return nil, fault.New(fault.MalformedLength, "the key has an odd number of hex digits: %d; one is missing or one too many", digits)
	}
	return sec, err
}

// ParseTyped is ParseHex for a diagnosis, which wants to know where a digit is missing: it takes an odd number of digits
// too, with a zero after the last to fill the byte, and tells how many were typed.
func ParseTyped(in []byte) (sec *secret.Bytes, digits int, err error) {
	if len(in) > MaxHexInput {
		return nil, 0, fault.New(fault.TooLarge, "the key text has more than %d characters", MaxHexInput)
	}
	if digits, err = countHex(in); err != nil {
		return nil, 0, err
	}
	if digits == 0 {
		return nil, 0, fault.New(fault.MalformedLength, "the key is empty")
	}
	sec = secret.New((digits + 1) / 2)
	out, n := sec.Expose(), 0
	for _, c := range in {
		v, ok := hexValue(c)
		if !ok {
			continue
		}
		out[n/2] = out[n/2]<<4 | v
		n++
	}
	if n%2 != 0 {
		out[n/2] <<= 4
	}
	return sec, digits, nil
}

func countHex(in []byte) (int, error) {
	digits := 0
	for at := 0; at < len(in); at++ {
		c := in[at]
		if isSeparator(c) {
			continue
		}
		digits++
		if _, ok := hexValue(c); ok {
			continue
		}
		if digit, ok := LookAlike(c); ok {
			return 0, fault.New(fault.MalformedHex, "digit %d: the letter %c stands where a digit must be; %c is meant?", digits, c, digit)
		}
		if c >= 0x80 {
			return 0, fault.New(fault.MalformedHex, "digit %d: a character that is not ASCII; full-width digits must be typed as 0-9 and A-F", digits)
		}
		return 0, fault.New(fault.MalformedHex, "digit %d is not a hex digit (0-9, A-F)", digits)
	}
	return digits, nil
}

func isSeparator(c byte) bool {
	return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '-' || c == ':'
}

// StripSeparators takes out what ParseHex skips between digits: for text that is not secret, such as a KSN.
func StripSeparators(s string) string {
	separates := func(r rune) bool { return r < utf8.RuneSelf && isSeparator(byte(r)) }
	if strings.IndexFunc(s, separates) < 0 { // the usual case, once for each line of a batch
		return s
	}
	return strings.Join(strings.FieldsFunc(s, separates), "")
}

func hexValue(c byte) (byte, bool) {
	switch {
	case c >= '0' && c <= '9':
		return c - '0', true
	case c >= 'A' && c <= 'F':
		return c - 'A' + 10, true
	case c >= 'a' && c <= 'f':
		return c - 'a' + 10, true
	}
	return 0, false
}

// LookAlike names the hex digit that a letter is mistaken for.
func LookAlike(c byte) (digit byte, ok bool) {
	switch c {
	case 'O', 'o', 'Q':
		return '0', true
	case 'I', 'i', 'l', 'L':
		return '1', true
	case 'S', 's':
		return '5', true
	case 'Z', 'z':
		return '2', true
	}
	return 0, false
}

// WriteHex writes the bytes as upper-case hex: the one place where a key becomes text again, for the few commands
// that were told to reveal it.
func WriteHex(w io.Writer, sec *secret.Bytes) error {
	out := Hex(sec)
	defer out.Wipe()
	_, err := w.Write(out.Expose())
	return err
}

// Hex is WriteHex into memory of its own, which the caller wipes.
func Hex(sec *secret.Bytes) *secret.Bytes {
	out := secret.New(2 * sec.Len())
	HexInto(out.Expose(), sec)
	return out
}

// HexInto is WriteHex into memory that is already there, so that no growing buffer leaves copies behind. It fills the
// first 2*sec.Len() bytes; memory that is shorter is a bug, and panics.
func HexInto(to []byte, sec *secret.Bytes) {
	const digits = "0123456789ABCDEF"
	to = to[:2*sec.Len()]
	for i, v := range sec.Expose() {
		to[2*i], to[2*i+1] = digits[v>>4], digits[v&15]
	}
}
