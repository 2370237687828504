package dukpt

// KSNs that came with too few digits, or in parts: what they may mean.

import (
	"slices"
	"strconv"
	"strings"

	"poskey/internal/fault"
	"poskey/internal/text"
	"poskey/pkg/keys"
)

// Padding says how a KSN of too few digits becomes a whole one.
type Padding string

// The paddings. Terminals drop leading F's (moov dukptcli and jPOS put them back); dukpt-tool fills up on the right. These
// make a TDES KSN of 20 digits; an IKID of AES DUKPT, 16 digits, is an initial KSN without its counter.
const (
	LeftF     Padding = "left-f"
	LeftZero  Padding = "left-zero"
	RightZero Padding = "right-zero"
	IKID      Padding = "ikid"
)

// Paddings lists them, the likeliest first.
func Paddings() []Padding { return []Padding{LeftF, LeftZero, RightZero, IKID} }

// ikidLen is the number of digits of an IKID.
const ikidLen = 16

// maxText bounds what is looked at as a KSN: four times the longest, so that the error for one that was pasted twice
// still names the position of a digit that is none.
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
	return "", unknownPadding(s)
}

func unknownPadding(s string) error {
	return fault.New(fault.Usage, "unknown padding %q of a KSN; known: %s", text.Redact(s), join(Paddings()))
}

// apply fills digits up to 20, or an IKID to 24.
func (p Padding) apply(digits string) string {
	if p == IKID {
		return digits + strings.Repeat("0", 2*aesLen-ikidLen)
	}
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

// ParseShortKSN reads a TDES KSN of 10 to 20 digits, or an IKID of 16, whose padding is known: the source says so, or the
// user. Errors are those of [ParseKSN], and of kind usage for an unknown padding.
func ParseShortKSN(s string, p Padding) (KSN, error) {
	if !slices.Contains(Paddings(), p) {
		return KSN{}, unknownPadding(string(p))
	}
	digits := keys.StripSeparators(s)
	if err := checkDigits(digits); err != nil {
		return KSN{}, err
	}
	if n := len(digits); p == IKID && n != ikidLen {
		return KSN{}, fault.New(fault.KSNLength, "the IKID has %d hex digits, want 16", n)
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

// ShortReadings gives everything that a KSN of 10 to 19 digits may mean, the likeliest first; nil for anything else. 16
// digits may be an IKID too.
func ShortReadings(s string) []Reading {
	n := len(keys.StripSeparators(s))
	if n >= 2*tdesLen {
		return nil
	}
	var all []Reading
	for _, p := range Paddings() {
		if p == IKID && n != ikidLen {
			continue
		}
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
		"it may be a TDES KSN with %s in front (left-f), with %s in front (left-zero) or with %s behind (right-zero)%s: "+
		"say which is meant", n,
		strings.Repeat("F", missing), strings.Repeat("0", missing), strings.Repeat("0", missing), ikidText(n))
}

func ikidText(n int) text.Text {
	if n != ikidLen {
		return text.Raw("")
	}
	return text.New(", or the IKID of AES DUKPT, with counter 00000000 behind (ikid)")
}

// JoinKSN puts a TDES KSN together from its parts as they stand in forms and in jPOS: key set (6 to 10 digits, filled
// up with F on the left), device (5), counter (1 to 6). A counter of six digits reaches into the device field and is
// added there, which gives a warning, as an odd device does. A sum that does not fit into the counter's 21 bits is an
// error of kind counter_bits; a part of another length, of kind ksn_length.
func JoinKSN(keySet, device, counter string) (KSN, []Warning, error) {
	keySet, device, counter = keys.StripSeparators(keySet), keys.StripSeparators(device), keys.StripSeparators(counter)
	if n := len(keySet); n < 6 || n > 10 {
		return KSN{}, nil, fault.New(fault.KSNLength, "the key set has %d hex digits, want 6 to 10", n)
	}
	if n := len(device); n != 5 {
		return KSN{}, nil, fault.New(fault.KSNLength, "the device has %d hex digits, want 5", n)
	}
	if n := len(counter); n < 1 || n > 6 {
		return KSN{}, nil, fault.New(fault.KSNLength, "the counter has %d hex digits, want 1 to 6", n)
	}
	if err := checkDigits(keySet + device + counter); err != nil {
		return KSN{}, nil, err
	}
	k, err := decode(strings.Repeat("F", 10-len(keySet)) + keySet + device + "00000")
	if err != nil {
		return KSN{}, nil, err
	}
	return k.addCounter(counter)
}

// addCounter adds a counter of up to six digits to a KSN with five zeros at the end.
func (k KSN) addCounter(digits string) (KSN, []Warning, error) {
	n, err := strconv.ParseUint(digits, 16, 32)
	if err != nil {
		return KSN{}, nil, fault.WrapAs(fault.MalformedHex, err, "the counter")
	}
	c := uint32(n)
	var all []Warning
	if k.topBit() {
		all = append(all, k.oddDevice())
	}
	if c > 0xFFFFF {
		all = append(all, Warning{"six_digit_counter", fault.Malformed,
			text.New("the counter %X has six digits: its first bit stands in the last device digit", c)})
	}
	sum := k.Counter() + c
	if sum > k.counterMask() {
		return KSN{}, nil, fault.New(fault.CounterBits,
			"device %s and counter %X do not fit into one KSN: the counter has 21 bits", k.digits(10, 15), c)
	}
	return k.withCounter(sum), all, nil
}
