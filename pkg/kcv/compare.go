package kcv

import (
	"crypto/subtle"
	"encoding/hex"
	"fmt"
	"math"
	"strings"

	"poskey/internal/fault"
	"poskey/internal/text"
	"poskey/pkg/keys"
)

// minDigits is the least that is compared: below 4 digits chance is too likely.
const minDigits = 4

// maxDigits is the longest value that any method prints (SHA-512).
const maxDigits = 128

// Expected is a check value as somebody else wrote it down: digits without certainty about the method.
type Expected struct {
	Digits string // upper case, 4 to 128, padding removed
	Padded bool   // a tail of zeros after six digits was cut: 08D7B40000000000
}

// Parse reads a check value: blanks are removed, letters made upper case, a tail of zeros after exactly six digits is
// cut (payShield pads so). Fewer than 4 digits are refused.
func Parse(s string) (Expected, error) {
	if len(s) > 4*maxDigits {
		return Expected{}, fault.New(fault.MalformedLength, "a check value has 4 to %d hex digits; this text has %d characters", maxDigits, len(s))
	}
	digits := strings.ToUpper(keys.StripSeparators(s))
	for i, c := range digits {
		if !strings.ContainsRune("0123456789ABCDEF", c) {
			return Expected{}, fault.New(fault.MalformedHex, "check value %q: character %d is not a hex digit", text.Redact(s), i+1)
		}
	}
	if len(digits) < minDigits || len(digits) > maxDigits {
		return Expected{}, fault.New(fault.MalformedLength, "check value %q has %d digits, want %d to %d", text.Redact(s), len(digits), minDigits, maxDigits)
	}
	if len(digits) > 6 && strings.Trim(digits[6:], "0") == "" {
		return Expected{Digits: digits[:6], Padded: true}, nil
	}
	return Expected{Digits: digits}, nil
}

// Check refuses a value with more digits than the method gives (kind malformed_length): the rest would be compared with
// nothing, and what is longer than any check value may be a key that was pasted in its place.
func (e Expected) Check(m Method, full []byte) error {
	if n := 2 * len(full); len(e.Digits) > n {
		return fault.New(fault.MalformedLength, "the expected check value has %d digits, the method %s gives %d", len(e.Digits), m, n)
	}
	return nil
}

// Shown is the value as it may stand in an answer: whole, or the first 10 of more than 16 digits, which may be a key.
func (e Expected) Shown() string {
	if len(e.Digits) > maxRepeated {
		return e.Digits[:maxShown]
	}
	return e.Digits
}

// Comparison is the answer of a comparison, with how much it is worth. When the values do not agree, long ones are cut.
type Comparison struct {
	Match    bool
	Digits   int // hex digits compared
	Expected string
	Computed Value
}

// Got is the computed value for an error, Wanted the expected one; dots stand behind what is cut.
func (c Comparison) Got() string {
	return Value{c.Computed.Method, c.dotted(c.Computed.Digits)}.String()
}

// Wanted is the expected value for an error.
func (c Comparison) Wanted() string { return c.dotted(c.Expected) }

func (c Comparison) dotted(digits string) string {
	if len(digits) < c.Digits {
		return digits + "..."
	}
	return digits
}

// Err is the error for values that do not agree (kind kcv_mismatch), nil for those that do.
func (c Comparison) Err() error {
	shown := len(c.Computed.Digits)
	switch {
	case c.Match:
		return nil
	case shown < c.Digits:
		return fault.New(fault.KCVMismatch, "check value is %s, expected %s (%d digits compared, the first %d of the computed value shown)",
			c.Got(), c.Wanted(), c.Digits, shown)
	}
	return fault.New(fault.KCVMismatch, "check value is %s, expected %s (%d digits compared)", c.Got(), c.Wanted(), c.Digits)
}

// Compare holds an expected value against a whole computed one on the shorter length; [Expected.Check] refuses a longer
// expected one. Fewer than 4 digits are no match, so a value that never came from Parse, such as the zero one, does not
// agree with everything.
func (e Expected) Compare(m Method, full []byte) Comparison {
	computed := strings.ToUpper(hex.EncodeToString(full))
	n := min(len(e.Digits), len(computed))
	match := n >= minDigits && subtle.ConstantTimeCompare([]byte(e.Digits[:n]), []byte(computed[:n])) == 1
	if match {
		return Comparison{Match: true, Digits: n, Expected: e.Digits, Computed: Value{m, computed[:n]}}
	}
	return Comparison{Digits: n, Expected: e.Shown(), Computed: Value{m, computed[:min(n, maxShown)]}}
}

// maxShown is how much of a value that did not match is told: the longest of PCI PIN 15-1. The whole of a hash would be
// a fingerprint of the key in somebody's log.
const maxShown = 10

// maxRepeated is the longest expected value that is repeated whole: one by a 64-bit block cipher.
const maxRepeated = 16

// ChanceOfFalseMatch is the chance that a wrong key agrees on so many digits.
func ChanceOfFalseMatch(digits int) float64 { return math.Pow(16, -float64(digits)) }

// Match is one way in which a key yields a value.
type Match struct {
	Algorithm keys.Algorithm
	Method    Method
	Digits    int
	Note      Note
}

// Note says what is unusual about a match; the empty note is the algorithm's default method.
type Note string

// The notes.
const (
	NoteNone  Note = ""
	NoteOther Note = "other_method" // a method that the algorithm has, but not its default
)

// Identify finds every algorithm and method by which the key bytes give the expected value, likeliest first: the
// default method before others. With alg, only that algorithm is tried; otherwise every one whose keys have that length.
// A method that gives fewer digits than the value has does not give it.
func Identify(key []byte, expected Expected, alg keys.Algorithm) ([]Match, error) {
	candidates := []keys.Algorithm{alg}
	if alg == "" {
		candidates = forLength(len(key))
	}
	var defaults, others []Match
	seen := map[string]bool{}
	for _, a := range candidates {
		for i, m := range Methods(a) {
			full, err := Compute(a, key, m)
			if err != nil {
				return nil, err
			}
			if expected.Check(m, full) != nil {
				continue
			}
			c := expected.Compare(m, full)
			id := fmt.Sprintf("%s %x", m, full)
			if !c.Match || seen[id] {
				continue
			}
			seen[id] = true
			if i == 0 {
				defaults = append(defaults, Match{a, m, c.Digits, NoteNone})
			} else {
				others = append(others, Match{a, m, c.Digits, NoteOther})
			}
		}
	}
	return append(defaults, others...), nil
}

func forLength(n int) []keys.Algorithm {
	var fit []keys.Algorithm
	for _, a := range keys.Named() {
		if a.KeyLen() == n || a.IsHMAC() {
			fit = append(fit, a)
		}
	}
	return fit
}
