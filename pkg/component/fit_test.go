package component

import (
	"testing"

	"poskey/internal/fault"
	"poskey/pkg/kcv"
	"poskey/pkg/keys"
)

func checkOf(t *testing.T, alg keys.Algorithm, digits string, m kcv.Method) string {
	t.Helper()
	v, err := kcv.Of(alg, unhex(t, digits), m, 6)
	if err != nil {
		t.Fatal(err)
	}
	return v.Digits
}

func TestChoiceThatFitsIsFound(t *testing.T) {
	noLeaks(t)
	all := []string{r1, r2, r3, r4}
	parts := bare(t, keys.AES128, all...)
	for chosen := range subsets(len(all)) {
		var digits []string
		for i, d := range all {
			if chosen>>i&1 == 1 {
				digits = append(digits, d)
			}
		}
		check := checkOf(t, keys.AES128, xorHex(t, digits...), kcv.CMAC)
		want := list(pick([]int{1, 2, 3, 4}, chosen))
		if got := fitsOf(t, keys.AES128, parts, check); got != want {
			t.Errorf("parts %q fit, want %q", got, want)
		}
	}
	if got := fitsOf(t, keys.AES128, parts, "000001"); got != "" {
		t.Errorf("parts %q fit a value of no key", got)
	}
}

func TestPartEnteredTwiceGivesTwoChoicesLargestFirst(t *testing.T) {
	noLeaks(t)
	parts := bare(t, keys.TDES128, c1Part1, c1Part2, c1Part2)
	if got := fitsOf(t, keys.TDES128, parts, "7FF5B8"); got != "1, 2; 1, 3" {
		t.Errorf("parts %q fit", got)
	}
	if got := fitsOf(t, keys.TDES128, parts, "E2AC18"); got != "1, 2, 3; 1" {
		t.Errorf("parts %q fit", got)
	}
}

func TestFitSaysTheMethod(t *testing.T) {
	noLeaks(t)
	parts := bare(t, keys.AES128, r1, r2, r3)
	expected, err := kcv.Parse(checkOf(t, keys.AES128, xorHex(t, r1, r3), kcv.ECBZero))
	if err != nil {
		t.Fatal(err)
	}
	fits, err := FitSubsets(keys.AES128, parts, expected)
	if err != nil || len(fits) != 1 {
		t.Fatalf("%d fits, error %v", len(fits), err)
	}
	want := kcv.Match{Algorithm: keys.AES128, Method: kcv.ECBZero, Digits: 6, Note: kcv.NoteOther}
	if fits[0].Match != want || list(fits[0].Parts) != "1, 3" {
		t.Errorf("fit is %+v", fits[0])
	}
}

func TestWhatCannotBeSearched(t *testing.T) {
	noLeaks(t)
	expected := kcv.Expected{Digits: "123456"}
	shares := split(t, "s", newKey(t, "s", keys.AES128), Spec{Scheme: Shamir, Parts: 2, Threshold: 2})
	_, err := FitSubsets(keys.AES128, shares, expected)
	mustFail(t, err, fault.Usage, "Shamir share")
	_, err = FitSubsets(keys.AES128, nil, expected)
	mustFail(t, err, fault.Usage, "0 parts")
	_, err = FitSubsets(keys.AES256, bare(t, keys.AES128, r1), expected)
	mustFail(t, err, fault.PartRefused, "part 1")
	_, err = FitSubsets(keys.HMACSHA1, bare(t, keys.HMACSHA1, r1, r2[:20]), expected)
	mustFail(t, err, fault.MalformedLength, "part 2")
}
