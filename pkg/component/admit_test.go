package component

import (
	"testing"

	"poskey/internal/fault"
	"poskey/pkg/keys"
)

// TestAdmitRefusesWhatCombineRefuses: but for what only the combined key shows, which is left to who has it.
func TestAdmitRefusesWhatCombineRefuses(t *testing.T) {
	noLeaks(t)
	xor := func(a, b string) string {
		x, y := unhex(t, a), unhex(t, b)
		for i := range x {
			x[i] ^= y[i]
		}
		return digits(x)
	}
	for what, given := range map[string][]string{
		"two":                  {r1, r2},
		"three":                {r1, r2, r3},
		"none":                 {},
		"one":                  {r1},
		"ten":                  {r1, r2, r3, r4, r1, r2, r3, r4, r1, r2},
		"equal":                {r1, r1},
		"equal among three":    {r1, r2, r1},
		"they cancel out":      {r1, r2, xor(r1, r2)},
		"the others cancel":    {r1, r2, xor(r1, r2), r3},
		"two pairs":            {r1, r2, r1, r2},
		"a zero part":          {r1, "00000000000000000000000000000000"},
		"zero among three":     {r1, r2, "00000000000000000000000000000000"},
		"a published part":     {r1, "000102030405060708090A0B0C0D0E0F"},
		"a half":               {r1, "5C1F7E0A93B24D685C1F7E0A93B24D68"},
		"equal but for parity": {r1, xor(r1, "01000000000000000000000000000001")},
	} {
		for _, alg := range []keys.Algorithm{keys.AES128, keys.TDES128} {
			for _, named := range []keys.Algorithm{"", alg, keys.AES192} {
				for _, o := range []Options{{}, {AllowWeak: true}} {
					parts := bare(t, alg, given...)
					k, want := CombineWith(named, parts, o)
					k.Wipe()
					got, err := Admit(named, parts, o)
					if (err == nil) != (want == nil) || err != nil && (err.Error() != want.Error() || fault.KindOf(err) != fault.KindOf(want)) {
						t.Errorf("%s (%s, asked for %q, %+v): %v, want %v", what, alg, named, o, err, want)
					}
					if err == nil && got.Algorithm != alg || err != nil && got != (Admitted{}) {
						t.Errorf("%s: %+v, error %v", what, got, err)
					}
				}
			}
		}
	}
}

func digits(b []byte) string {
	const hex = "0123456789ABCDEF"
	var out []byte
	for _, v := range b {
		out = append(out, hex[v>>4], hex[v&15])
	}
	return string(out)
}

func TestAdmitTellsWhatTheSheetsSay(t *testing.T) {
	k := newKey(t, "admit", keys.AES256)
	parts, err := Split(testEnv("admit"), k, Spec{Scheme: XOR, Parts: 3})
	if err != nil {
		t.Fatal(err)
	}
	defer WipeAll(parts)
	got, err := Admit("", parts, Options{})
	if err != nil || got.Set != parts[0].Set || got.KeyCheck != parts[0].KeyCheck || got.Algorithm != keys.AES256 {
		t.Errorf("%+v, error %v", got, err)
	}
	parts[1].Value.Expose()[3] ^= 1
	if _, err := Admit("", parts, Options{}); !fault.Is(err, fault.KCVMismatch) {
		t.Errorf("a part that is not that of its sheet: %v", err)
	}
	shares, err := Split(testEnv("admit"), k, Spec{Scheme: Shamir, Parts: 3, Threshold: 2})
	if err != nil {
		t.Fatal(err)
	}
	defer WipeAll(shares)
	if _, err := Admit("", shares, Options{}); !fault.Is(err, fault.Usage) {
		t.Errorf("shares: %v", err)
	}
}
