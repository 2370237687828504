package custody

import (
	"unicode"
	"unicode/utf8"

	"poskey/internal/fault"
	"poskey/internal/secret"
)

// Bounds of a passphrase.
const (
	MinPassphrase = 12   // characters
	maxPassphrase = 1024 // bytes
	minDistinct   = 5    // characters that differ
)

// CheckPassphrase says whether a new passphrase may be used: not_permitted when it may not, malformed when it is no
// text of one line. At least 12 characters, five of them different, no blank at either end (it would be lost or gained
// when the passphrase is copied), nothing that systems write in two ways. Beyond that length is what counts: five or
// six words drawn by dice.
func CheckPassphrase(p *secret.Bytes) error {
	if err := checkTyped(p); err != nil {
		return err
	}
	first, _ := utf8.DecodeRune(p.Expose())
	last, _ := utf8.DecodeLastRune(p.Expose())
	switch {
	case utf8.RuneCount(p.Expose()) < MinPassphrase:
		return fault.New(fault.NotPermitted, "a passphrase has at least %d characters", MinPassphrase)
	case unicode.IsSpace(first) || unicode.IsSpace(last):
		return fault.New(fault.NotPermitted, "a passphrase neither begins nor ends with a blank")
	case distinct(p) < minDistinct:
		return fault.New(fault.NotPermitted, "a passphrase has at least %d different characters", minDistinct)
	case hasTwoForms(p):
		return fault.New(fault.NotPermitted, "the passphrase has an accent as a character of its own, which the next "+
			"keyboard may not send; choose other characters")
	}
	return nil
}

// checkTyped refuses what no passphrase is, before a guess is spent on it: a line end left on, bytes that are no text.
func checkTyped(p *secret.Bytes) error {
	switch {
	case p.Len() == 0:
		return fault.New(fault.Malformed, "the passphrase is empty")
	case p.Len() > maxPassphrase:
		return fault.New(fault.TooLarge, "a passphrase has no more than %d bytes", maxPassphrase)
	case !utf8.Valid(p.Expose()):
		return fault.New(fault.Malformed, "the passphrase is no text in UTF-8")
	}
	for _, c := range p.Expose() {
		if c < ' ' || c == 0x7F {
			return fault.New(fault.Malformed, "the passphrase has a control character, such as a tab or a line end")
		}
	}
	return nil
}

// distinct counts different characters, as far as they matter.
func distinct(p *secret.Bytes) int {
	var seen [minDistinct]rune
	defer clear(seen[:])
	n := 0
	for rest := p.Expose(); len(rest) > 0 && n < minDistinct; {
		r, size := utf8.DecodeRune(rest)
		rest = rest[size:]
		known := false
		for _, s := range seen[:n] {
			known = known || s == r
		}
		if !known {
			seen[n] = r
			n++
		}
	}
	return n
}

// hasTwoForms finds characters that Unicode's composed form (NFC) would join with their neighbours: combining accents,
// voiced marks of kana, single letters of Hangul. The same passphrase would be other bytes on another system.
// Passphrases are taken as bytes, never normalised, so such ones are refused when they are chosen.
func hasTwoForms(p *secret.Bytes) bool {
	for rest := p.Expose(); len(rest) > 0; {
		r, size := utf8.DecodeRune(rest)
		rest = rest[size:]
		switch {
		case r >= 0x0300 && r <= 0x036F, r >= 0x1100 && r <= 0x11FF, r == 0x3099, r == 0x309A:
			return true
		}
	}
	return false
}
