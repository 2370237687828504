package diagnose_test

// What is known besides the value decides: the method of the sheets, the key serial number of the slot, parity bits,
// halves that are equal.

import (
	"testing"

	"poskey/internal/secret"
	"poskey/internal/testvec"
	"poskey/pkg/diagnose"
	"poskey/pkg/hsm"
	"poskey/pkg/kcv"
	"poskey/pkg/keys"
)

func by(t testing.TB, m kcv.Method, alg keys.Algorithm, key []byte) kcv.Expected {
	t.Helper()
	v, err := kcv.Of(alg, key, m, 6)
	if err != nil {
		t.Fatal(err)
	}
	return value(t, v.Digits)
}

func TestSheetsByAnotherMethodTellThePartWithTheSlip(t *testing.T) {
	rnd := newRandom("finer 11")
	one, two := rnd.bytes(16), rnd.bytes(16)
	f := diagnose.Facts{Algorithm: keys.AES128, Kind: diagnose.Parts, Parts: 2, Expected: by(t, kcv.ECBZero, keys.AES128, xor(one, two)),
		PartExpected: []kcv.Expected{by(t, kcv.ECBZero, keys.AES128, one), by(t, kcv.ECBZero, keys.AES128, two)}}
	got := first(t, runBytes(t, f, one, mistype(two, 9, 3, false)))
	if got.Cause != diagnose.CauseMistypedDigit || got.Also != diagnose.CauseKCVMethod || got.Certainty == diagnose.Possible ||
		got.Evidence.Edits[0].Part != 2 || got.Evidence.Edits[0].Digit != 10 {
		t.Errorf("%+v", got)
	}
}

func TestTheSerialNumberOfTheSlotTellsABaseKeyFromItsInitialKey(t *testing.T) {
	p := hsm.NewSpotProber([]*secret.Bytes{secret.Take(testvec.Hex(t, bdkTDES))})
	t.Cleanup(func() { _ = p.Close() })
	c := diagnose.Case{
		Checks: []diagnose.Check{{Slot: "90", Facts: diagnose.Facts{Algorithm: keys.TDES128, Kind: diagnose.Key, Prober: p,
			Expected: valueOf(t, keys.TDES128, testvec.Hex(t, bdkTDES), 6), Got: value(t, ikValue(t, bdkTDES, ksnTDES))}}},
		Wanted: []diagnose.Wanted{{Slot: "2", KSN: "no number"}, {Slot: "90", KSN: ksnTDES}},
	}
	if f := first(t, diagnosed(t, c)); f.Cause != diagnose.CauseIPEKBDK || f.Certainty == diagnose.Possible {
		t.Errorf("%s %s: %s", f.Certainty, f.Cause, f.Summary)
	}
	c.Wanted = c.Wanted[:1]
	if r := diagnosed(t, c); r.Verdict != diagnose.Unexplained {
		t.Errorf("without the number: %s", r.Verdict)
	}
}

func TestASlipInAParityBitIsNamedWhereAHashShowsIt(t *testing.T) {
	key := newRandom("finer 12").bytes(16)
	keys.FixParity(key)
	f := diagnose.Facts{Algorithm: keys.TDES128, Kind: diagnose.Key, Method: kcv.SHA1, Expected: by(t, kcv.SHA1, keys.TDES128, key)}
	if got := first(t, runBytes(t, f, mistype(key, 13, 1, false))); got.Cause != diagnose.CauseParityBitTypo || got.Evidence.Edits[0].Digit != 14 {
		t.Errorf("%+v", got)
	}
	if got := first(t, runBytes(t, f, mistype(key, 13, 3, false))); got.Cause != diagnose.CauseMistypedDigit {
		t.Errorf("%+v", got)
	}
}

func TestEqualPartsOfAKeyAreWeakThoughTheValueAgrees(t *testing.T) {
	half, other := newRandom("finer 13").bytes(8), newRandom("finer 14").bytes(8)
	for name, c := range map[string]struct {
		parts [][]byte
		weak  bool
	}{
		"K1 K1":    {[][]byte{half, half}, true},
		"K1 K2":    {[][]byte{half, other}, false},
		"K1 K1 K2": {[][]byte{half, half, other}, true},
		"K1 K2 K2": {[][]byte{half, other, other}, true},
		"K1 K2 K1": {[][]byte{half, other, half}, false},
	} {
		var key []byte
		for _, p := range c.parts {
			key = append(key, p...)
		}
		keys.FixParity(key)
		alg := keys.TDES128.ForLength(len(key))
		r := runBytes(t, diagnose.Facts{Algorithm: alg, Kind: diagnose.Key, Expected: valueOf(t, alg, key, 6)}, key)
		weak := len(r.Findings) == 1 && r.Findings[0].Cause == diagnose.CauseWeakKey && r.Findings[0].Certainty == diagnose.Likely
		if r.Verdict != diagnose.Match || weak != c.weak {
			t.Errorf("%s: %s %+v", name, r.Verdict, r.Findings)
		}
	}
}
