package dukpt

// KSNs that came with too few digits, or in parts: what they may mean.

import (
	"strings"

	"poskey/internal/fault"
	"poskey/internal/text"
	"poskey/pkg/keys"
)

// Padding says how a KSN of too few digits becomes one of 20.
type Padding string

// The paddings. Terminals drop leading F's (moov dukptcli and jPOS put them back); dukpt-tool fills up on the right.
const (
	LeftF     Padding = "left-f"
	LeftZero  Padding = "left-zero"
	RightZero Padding = "right-zero"
)

// Paddings lists them, the likeliest first.
func Paddings() []Padding { return []Padding{LeftF, LeftZero, RightZero} }

// maxText bounds what is looked at as a KSN: four times the longest, so that doubled digits still get their position.
const maxText = 96

// minShort is the least number of digits that is taken for a KSN with digits missing.
const minShort = 10

// ParsePadding reads the name of a padding in either case.
func ParsePadding(s string) (Padding, error) {
	for _, p := range Paddings() {
		if strings.EqualFold(strings.TrimSpace(s), string(p)) {
			return p, nil
		}
	}
	return "", fault.New(fault.Usage, "unknown padding %q of a KSN; known: %s", text.Redact(s), join(Paddings()))
}

// apply fills digits up to 20.
func (p Padding) apply(digits string) string {
	missing := 2*tdesLen - len(digits)
	switch p {
	case LeftF:
		return strings.Repeat("F", missing) + digits
	case LeftZero:
		return strings.Repeat("0", missing) + digits
	}
	return digits + strings.Repeat("0", missing)
}

// Reading is one thing that a short KSN may mean.
type Reading struct {
	Padding Padding
	KSN     KSN
}

// ParseShortKSN reads a TDES KSN of 10 to 20 digits whose padding is known: the source says so, or the user.
func ParseShortKSN(s string, p Padding) (KSN, error) {
	if _, err := ParsePadding(string(p)); err != nil {
		return KSN{}, err
	}
	digits := strip(s)
	if err := checkDigits(digits); err != nil {
		return KSN{}, err
	}
	if n := len(digits); n < minShort || n > 2*tdesLen {
		return KSN{}, fault.New(fault.KSNLength, "the short KSN has %d hex digits, want 10 to 20", n)
	}
	return decode(p.apply(digits))
}

// checkDigits holds the digits against the rules of keys.ParseHex, so that positions are those of the text that was
// given.
func checkDigits(digits string) error {
	if len(digits) > maxText || digits == "" {
		return fault.New(fault.KSNLength, "the KSN has %d hex digits, want 20 (TDES DUKPT) or 24 (AES DUKPT)", len(digits))
	}
	raw, err := keys.ParseHex([]byte(digits + strings.Repeat("0", len(digits)%2)))
	if err != nil {
		return fault.Wrap(err, "the KSN")
	}
	raw.Wipe()
	return nil
}

// ShortReadings gives everything that a KSN of 10 to 19 digits may mean, the likeliest first; nil for anything else.
func ShortReadings(s string) []Reading {
	if len(strip(s)) >= 2*tdesLen {
		return nil
	}
	var all []Reading
	for _, p := range Paddings() {
		k, err := ParseShortKSN(s, p)
		if err != nil {
			return nil
		}
		all = append(all, Reading{p, k})
	}
	return all
}

// shortError does not repeat the digits: sixteen of them may be a DES key in the wrong field.
func shortError(n int) error {
	missing := 2*tdesLen - n
	return fault.New(fault.KSNLength, "the KSN has %d hex digits, want 20 (TDES DUKPT) or 24 (AES DUKPT); "+
		"with %s in front (left-f), with %s in front (left-zero) or with %s behind (right-zero) "+
		"it gives three different keys: "+
		"say which padding is meant", n,
		strings.Repeat("F", missing), strings.Repeat("0", missing), strings.Repeat("0", missing))
}
