package diagnose_test

// Mistakes that a second reader found untold: schemes of an HSM, parity where there is none, sheets that are wrong beside a
// right total, and blocks whose header lies.

import (
	"slices"
	"strings"
	"testing"

	"poskey/internal/cipherx"
	"poskey/internal/fault"
	"poskey/internal/text"
	"poskey/pkg/diagnose"
	"poskey/pkg/keyblock"
	"poskey/pkg/keys"
)

// underScheme puts each 8 bytes of a key under the key-encrypting key with a mask on its second half.
func underScheme(t *testing.T, kek, key []byte, masks ...byte) []byte {
	t.Helper()
	var out []byte
	for i, mask := range masks {
		variant := slices.Clone(kek)
		variant[8] ^= mask
		c, err := cipherx.NewTDES(variant)
		if err != nil {
			t.Fatal(err)
		}
		part := make([]byte, 8)
		cipherx.ECBEncrypt(c, part, key[8*i:8*i+8])
		out = append(out, part...)
	}
	return out
}

func TestKeySchemesUAndTAreNamed(t *testing.T) {
	rnd := newRandom("schemes")
	kek := rnd.bytes(16)
	for _, c := range []struct {
		alg   keys.Algorithm
		masks []byte
		shown string
	}{{keys.TDES128, []byte{0xA6, 0x5A}, "A65A"}, {keys.TDES192, []byte{0x6A, 0xDE, 0x2B}, "6ADE2B"}} {
		key := rnd.bytes(8 * len(c.masks))
		f := diagnose.Facts{Algorithm: c.alg, Kind: diagnose.Cryptogram, Expected: valueOf(t, c.alg, key, 8)}
		r := runBytes(t, f, underScheme(t, kek, key, c.masks...), kek)
		if e := wantFirst(t, r, diagnose.CauseSchemeVariant, diagnose.Proven).Evidence; e.Variant != c.shown {
			t.Errorf("variant %s, want %s", e.Variant, c.shown)
		}
	}
}

func odd(b []byte) []byte {
	out := slices.Clone(b)
	keys.FixParity(out)
	return out
}

func TestParitySetOnAKeyThatHasNoneIsNamed(t *testing.T) {
	rnd := newRandom("no parity")
	for _, alg := range []keys.Algorithm{keys.AES128, keys.AES256, keys.SM4} {
		one, two := rnd.bytes(alg.KeyLen()), rnd.bytes(alg.KeyLen())
		f := diagnose.Facts{Algorithm: alg, Kind: diagnose.Key, Expected: valueOf(t, alg, one, 8), Got: valueOf(t, alg, odd(one), 8)}
		wantFirst(t, runBytes(t, f, one), diagnose.CauseParityBitTypo, diagnose.Proven)
		f.Kind, f.Expected, f.Got = diagnose.Parts, valueOf(t, alg, xor(one, two), 8), valueOf(t, alg, xor(odd(one), odd(two)), 8)
		wantFirst(t, runBytes(t, f, one, two), diagnose.CauseParityBitTypo, diagnose.Proven)
		f.Got = valueOf(t, alg, odd(xor(one, two)), 8)
		wantFirst(t, runBytes(t, f, one, two), diagnose.CauseParityBitTypo, diagnose.Proven)
	}
}

func TestAWrongValueOnASheetIsToldThoughTheTotalAgrees(t *testing.T) {
	rnd := newRandom("sheets")
	one, two := odd(rnd.bytes(16)), odd(rnd.bytes(16))
	f := diagnose.Facts{Algorithm: keys.TDES128, Kind: diagnose.Parts, Expected: valueOf(t, keys.TDES128, xor(one, two), 6)}
	right := valueOf(t, keys.TDES128, two, 6)
	f.PartExpected = append(values(t, "12AB34"), right)
	r := runBytes(t, f, one, two)
	found := first(t, r)
	if r.Verdict != diagnose.Match || found.Cause != diagnose.CauseMistypedDigit || found.Certainty != diagnose.Possible ||
		!slices.Equal(found.Evidence.Parts, []int{1}) {
		t.Errorf("%s: %s %s %+v", r.Verdict, found.Certainty, found.Cause, found.Evidence)
	}
	f.PartExpected[0], f.PartExpected[1] = right, valueOf(t, keys.TDES128, one, 6)
	r = runBytes(t, f, one, two)
	if len(r.Notes) != 1 || !strings.Contains(r.Notes[0].String(), "1, 2") {
		t.Errorf("sheets exchanged: notes %v", r.Notes)
	}
	f.PartExpected[0], f.PartExpected[1] = f.PartExpected[1], f.PartExpected[0]
	if r = runBytes(t, f, one, two); len(r.Notes) != 0 {
		t.Errorf("sheets in order: notes %v", r.Notes)
	}
}

func TestABlockWhoseCheckValueLiesIsNeverAMatch(t *testing.T) {
	lies := keyblock.Warning{ID: "kc_mismatch", Kind: fault.KCVMismatch, Text: text.Raw("KC says another value")}
	b := &diagnose.Block{Header: header(t, "D0000P0AE00N0000"),
		Tries: []diagnose.BlockTry{{Name: "KBPK 1", Opens: true, Warnings: []keyblock.Warning{lies}}}}
	r := diagnosed(t, diagnose.Case{Block: b})
	if r.Verdict != diagnose.Unexplained || r.NextStep.IsZero() || len(r.Notes) != 1 {
		t.Errorf("%s, next step %q, notes %v", r.Verdict, r.NextStep, r.Notes)
	}
	parity := keyblock.Warning{ID: "key_parity", Kind: fault.WeakKey, Text: text.Raw("the wrapped key does not have odd parity")}
	b.Tries[0].Warnings = []keyblock.Warning{parity}
	r = diagnosed(t, diagnose.Case{Block: b})
	if f := first(t, r); r.Verdict != diagnose.Match || f.Cause != diagnose.CauseParityRejected || f.Certainty != diagnose.Possible {
		t.Errorf("%s: %s %s", r.Verdict, f.Certainty, f.Cause)
	}
	b.Tries[0].Warnings = append(b.Tries[0].Warnings, lies)
	if r = diagnosed(t, diagnose.Case{Block: b}); r.Verdict != diagnose.Unexplained {
		t.Errorf("an advice beside it makes %s of a header that lies", r.Verdict)
	}
}

func TestFewerComponentsThanGivenAreNamed(t *testing.T) {
	shut := diagnose.BlockTry{Name: "KBPK"}
	b := &diagnose.Block{Header: header(t, "A0000P0TE00N0000"), Tries: []diagnose.BlockTry{shut, shut, shut},
		Together: &diagnose.BlockTry{Name: "XOR", Opens: true}, Of: []int{1, 3}}
	f := wantFirst(t, diagnosed(t, diagnose.Case{Block: b}), diagnose.CauseComponentCount, diagnose.Proven)
	if !slices.Equal(f.Evidence.Parts, []int{1, 3}) || f.Odds > 1e-4 {
		t.Errorf("parts %v, odds %g", f.Evidence.Parts, f.Odds)
	}
}

func TestTextWithoutTheFormOfABlockIsDiagnosed(t *testing.T) {
	cut := keyblock.Finding{Cause: keyblock.LengthWrong, Certainty: keyblock.Possible, Text: text.Raw("2 are missing")}
	b := &diagnose.Block{Malformed: []keyblock.Finding{cut}}
	r := diagnosed(t, diagnose.Case{Block: b})
	causes := []diagnose.Cause{}
	for _, f := range r.Findings {
		causes = append(causes, f.Cause)
		if f.Certainty != diagnose.Possible {
			t.Errorf("%s %s", f.Certainty, f.Cause)
		}
	}
	if !slices.Contains(causes, diagnose.CauseLinkFault) || !slices.Contains(causes, diagnose.CauseMistypedDigit) {
		t.Errorf("causes %v", causes)
	}
	b.Header = header(t, "D0000P0AE00N0000")
	b.Mended = &keyblock.Finding{Cause: keyblock.PayloadEdited, Certainty: keyblock.Proven, Character: 46, Text: text.Raw("character 46")}
	f := wantFirst(t, diagnosed(t, diagnose.Case{Block: b}), diagnose.CauseMistypedDigit, diagnose.Proven)
	if len(f.Evidence.Edits) != 1 || f.Evidence.Edits[0].Digit != 46 {
		t.Errorf("edits %+v", f.Evidence.Edits)
	}
}
