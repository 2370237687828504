package custody

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strings"

	"poskey/internal/fault"
	"poskey/internal/text"
)

// Fingerprint is the SHA-256 over a card without its signature. It stands for the officer wherever one is named, and
// covers all that the card says: whoever has compared it knows the officer's roles and dates too.
type Fingerprint [32]byte

// spoken is how much of a fingerprint is read aloud: 128 bits. To find a second card for it takes 2^128 trials; an
// officer who prepares two cards of their own with one reading needs 2^64.
const spoken = 16

// String gives all 64 digits.
func (f Fingerprint) String() string { return upperHex(f[:]) }

// IsZero reports whether there is none.
func (f Fingerprint) IsZero() bool { return f == Fingerprint{} }

// Hex gives all digits in groups of four, for the eye.
func (f Fingerprint) Hex() string {
	var groups []string
	for i := 0; i < len(f); i += 2 {
		groups = append(groups, upperHex(f[i:i+2]))
	}
	return strings.Join(groups, " ")
}

// Words gives the first 16 bytes as English words for reading aloud. They alternate between words that begin with a to
// l and words that begin with m to z, so that one left out or two exchanged is heard.
func (f Fingerprint) Words() string {
	halves := [2][]string{strings.Fields(wordsEven), strings.Fields(wordsOdd)}
	words := make([]string, spoken)
	for i := range words {
		words[i] = halves[i%2][f[i]]
	}
	return strings.Join(words, " ")
}

// Digits gives the same 16 bytes as eight groups of five decimal digits, 00000 to 65535, for reading aloud in any
// language.
func (f Fingerprint) Digits() string {
	groups := make([]string, spoken/2)
	for i := range groups {
		groups[i] = fmt.Sprintf("%05d", binary.BigEndian.Uint16(f[2*i:]))
	}
	return strings.Join(groups, " ")
}

// ParseFingerprint reads all 64 digits, in either case, with blanks anywhere.
func ParseFingerprint(s string) (Fingerprint, error) {
	b, err := hex.DecodeString(strings.Join(strings.Fields(s), ""))
	if err != nil || len(b) != len(Fingerprint{}) {
		return Fingerprint{}, fault.New(fault.Malformed, "%q is no fingerprint; it has 64 hex digits", text.Redact(s))
	}
	return Fingerprint(b), nil
}
