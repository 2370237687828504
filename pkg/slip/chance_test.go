package slip_test

import (
	"math"
	"testing"

	"poskey/pkg/kcv"
	"poskey/pkg/keys"
	"poskey/pkg/slip"
)

// TestChanceMatchesAreAsManyAsTheorySays: of n candidates, n over 16^digits have a random value; a Poisson count.
func TestChanceMatchesAreAsManyAsTheorySays(t *testing.T) {
	r := random(5)
	for _, c := range []struct {
		alg            keys.Algorithm
		digits, search int
		times          int
		fast           bool // also with the race detector
	}{
		{keys.TDES128, 6, 3, 30, false},
		{keys.TDES128, 5, 3, 10, false},
		{keys.TDES192, 5, 3, 2, false},
		{keys.DES, 4, 3, 6, true},
		{keys.TDES128, 4, 2, 20, true},
		{keys.AES128, 4, 2, 20, true},
		{keys.SM4, 4, 2, 3, true},
	} {
		if raced && !c.fast {
			t.Logf("%s, %d digits of the value, up to %d wrong: not with the race detector", c.alg, c.digits, c.search)
			continue
		}
		expected, found := 0.0, 0
		for range c.times {
			q := slip.Question{
				Pieces: []slip.Piece{{Typed: digitsOf(randomText(r, 2*c.alg.KeyLen()))}}, Algorithm: c.alg, Method: kcv.ECBZero,
				Expected: kcv.Expected{Digits: randomText(r, c.digits)}, Digits: c.search, Workers: 2,
			}
			a := run(t, q)
			expected += float64(a.Tried) * kcv.ChanceOfFalseMatch(c.digits)
			found += len(a.Matches)
		}
		t.Logf("%s, %d digits of the value, up to %d wrong: %d matches, %.1f expected", c.alg, c.digits, c.search, found, expected)
		if math.Abs(float64(found)-expected) > 3*math.Sqrt(expected) {
			t.Errorf("%s, %d digits of the value: %d matches, want %.1f within three standard deviations of %.1f", c.alg, c.digits, found, expected, math.Sqrt(expected))
		}
	}
}

// TestTheNumberOfCandidatesIsKnown: 480 and 111,600 keys differ in one and in two digits; DES does not see 128 of the 480.
func TestTheNumberOfCandidatesIsKnown(t *testing.T) {
	tried := func(alg keys.Algorithm, m kcv.Method, digits int) int {
		a := run(t, slip.Question{Pieces: []slip.Piece{{Typed: digitsOf(randomText(random(6), 2*alg.KeyLen()))}}, Algorithm: alg, Method: m,
			Expected: kcv.Expected{Digits: "0123456789ABCDEF"[:8]}, Digits: digits})
		return a.Tried
	}
	if got := tried(keys.TDES128, kcv.ECBZero, 1) - tried(keys.TDES128, kcv.ECBZero, 0); got != 480-128 {
		t.Errorf("one wrong digit of a key for tdes-128: %d candidates", got)
	}
	if got := tried(keys.AES128, kcv.CMAC, 2) - tried(keys.AES128, kcv.CMAC, 0); got != 480+111600 {
		t.Errorf("two wrong digits of a key for aes-128: %d candidates", got)
	}
	if got := tried(keys.TDES128, kcv.SHA1, 1) - tried(keys.TDES128, kcv.SHA1, 0); got != 480 {
		t.Errorf("one wrong digit of a key for tdes-128, by a hash: %d candidates", got)
	}
}
