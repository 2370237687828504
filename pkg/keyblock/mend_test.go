package keyblock

import (
	"crypto/rand"
	"strconv"
	"strings"
	"testing"

	"poskey/internal/secret"
	"poskey/pkg/keys"
)

// verifying gives the mend whose block verifies under the KBPK.
func verifying(t *testing.T, mends []Mend, kbpk *keys.Key) (Finding, bool) {
	t.Helper()
	for _, m := range mends {
		found, err := Examine(m.Block, kbpk)
		if err == nil && len(found) == 0 {
			return m.Found, true
		}
	}
	return Finding{}, false
}

func TestTextThatIsNoBlockAsItStandsIsMended(t *testing.T) {
	kbpk := testKBPK(t, keys.AES128, "FA36E44278DB3AB5F298F9F7DA8F1F88")
	block := wrapTest(t, kbpk, "D0000P0AE00N0000", keys.AES128)
	for !strings.Contains(block[60:100], "0") || !strings.Contains(block[60:100], "1") {
		block = wrapTest(t, kbpk, "D0000P0AE00N0000", keys.AES128)
	}
	zero, one := 60+strings.Index(block[60:], "0"), 60+strings.Index(block[60:], "1")
	n := strconv.Itoa(len(block))
	for name, c := range map[string]struct {
		text  string
		cause string
		at    int
	}{
		"the letter O":           {block[:zero] + "O" + block[zero+1:], PayloadEdited, zero + 1},
		"the letter I":           {block[:one] + "I" + block[one+1:], PayloadEdited, one + 1},
		"O in the length field":  {"DO" + block[2:], PayloadEdited, 2},
		"the length field is 16": {strings.Replace(block, "0"+n, "0016", 1), HeaderEdited, 3},
		"a letter that is not D": {"A" + block[1:5] + block[5:], "", 0}, // that is a block by its form
	} {
		mends, found := Mends(c.text)
		f, ok := verifying(t, mends, kbpk)
		if c.cause == "" {
			if len(mends) != 0 || len(found) != 0 {
				t.Errorf("%s: %v", name, found)
			}
			continue
		}
		if !ok || f.Cause != c.cause || f.Certainty != Proven || f.Character != c.at || f.Corrected != block || len(found) == 0 {
			t.Errorf("%s: %v %+v, want character %d", name, ok, f, c.at)
		}
	}
}

func TestACutBlockIsNotCalledProven(t *testing.T) {
	kbpk := testKBPK(t, keys.AES128, "FA36E44278DB3AB5F298F9F7DA8F1F88")
	block := wrapTest(t, kbpk, "D0000P0AE00N0000", keys.AES128)
	for name, whole := range map[string]string{"cut": block[:len(block)-2], "cut to the header": block[:20], "longer": block + "00"} {
		mends, found := Mends(whole)
		if f, ok := verifying(t, mends, kbpk); ok {
			t.Errorf("%s: %+v", name, f)
		}
		if len(found) != 1 || found[0].Cause != LengthWrong || found[0].Certainty != Possible {
			t.Errorf("%s: %+v", name, found)
		}
	}
}

func TestWhatIsNoKeyBlockIsNotMended(t *testing.T) {
	for _, whole := range []string{"", "XYZ", "D", "0123456789ABCDEFFEDCBA9876543210", "D0112", "S10096K0TN00N0000", "Dear colleague, see below"} {
		if mends, found := Mends(whole); len(mends) != 0 || len(found) != 0 {
			t.Errorf("%q: %v", whole, found)
		}
	}
}

func TestAnotherVersionLetterIsNamedForEitherFamilyOfKBPK(t *testing.T) {
	aes, tdes := testKBPK(t, keys.AES128, "FA36E44278DB3AB5F298F9F7DA8F1F88"), testKBPK(t, keys.TDES128, "FA36E44278DB3AB5F298F9F7DA8F1F88")
	for _, c := range []struct {
		header string
		right  *keys.Key
		inside keys.Algorithm
		letter string
		as     *keys.Key
	}{
		{"D0000P0AE00N0000", aes, keys.AES128, "A", tdes},
		{"D0000P0AE00N0000", aes, keys.AES128, "B", tdes},
		{"B0000P0TE00N0000", tdes, keys.TDES128, "A", tdes},
		{"B0000P0TE00N0000", tdes, keys.TDES128, "D", aes},
	} {
		block := wrapTest(t, c.right, c.header, c.inside)
		found := examine(t, c.letter+block[1:], c.as)
		if len(found) != 1 || found[0].Cause != HeaderEdited || found[0].Certainty != Proven || found[0].Corrected != block {
			t.Errorf("%c called %s: %+v", c.header[0], c.letter, found)
		}
	}
}

func TestAKBPKCutToAHalfIsNamed(t *testing.T) {
	for _, c := range []struct {
		alg, short keys.Algorithm
		header     string
		from, to   int
		form       string
	}{
		{keys.AES256, keys.AES128, "D0000P0AE00N0000", 0, 16, FirstHalf},
		{keys.AES256, keys.AES128, "D0000P0AE00N0000", 16, 32, SecondHalf},
		{keys.AES192, keys.AES128, "D0000P0AE00N0000", 0, 16, Form24As16},
		{keys.TDES192, keys.TDES128, "B0000P0TE00N0000", 0, 16, Form24As16},
		{keys.TDES128, keys.DES, "A0000P0TE00N0000", 0, 8, FirstHalf},
	} {
		whole, err := keys.Generate(rand.Reader, c.alg)
		if err != nil {
			t.Fatal(err)
		}
		defer whole.Wipe()
		half, err := keys.New(c.short, secret.Copy(whole.Secret().Expose()[c.from:c.to]))
		if err != nil {
			t.Fatal(err)
		}
		defer half.Wipe()
		inside := keys.TDES128
		if c.header[7] == 'A' {
			inside = keys.AES128
		}
		found := examine(t, wrapTest(t, half, c.header, inside), whole)
		if len(found) != 1 || found[0].Cause != KBPKForm || found[0].Form != c.form || found[0].Certainty != Proven {
			t.Errorf("%s from %d to %d: %+v", c.alg, c.from, c.to, found)
		}
	}
}
