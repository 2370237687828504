package diagnose_test

// Sign-in answers that open, and in which something is wrong all the same; and master keys that are none by themselves.

import (
	"bytes"
	"crypto/subtle"
	"slices"
	"strings"
	"testing"

	"poskey/internal/cipherx"
	"poskey/internal/testvec"
	"poskey/pkg/diagnose"
	"poskey/pkg/keys"
	"poskey/pkg/unionpay"
)

// made is a right field 62 for a double-length terminal with these keys.
func (a answer) made(t testing.TB, pik, mak []byte) []byte {
	t.Helper()
	four := func(b []byte) []byte { return append(b, make([]byte, 4-len(b))...) } // zeros at the end are cut
	return slices.Concat(a.wrapped(pik), four(check(t, keys.TDES128, pik)),
		a.wrapped(mak), make([]byte, 8), four(check(t, keys.DES, mak)))
}

func (a answer) mak() []byte {
	mak := make([]byte, 8)
	cipherx.ECBDecrypt(a.wrap, mak, a.field[20:28])
	return mak
}

func TestSignInWithBytesBehindTheKeysIsSaidToBeLonger(t *testing.T) {
	all := unionpayVectors(t)
	seen := map[string]bool{}
	for id, v := range all {
		if v.Kind != "signin" || !strings.HasPrefix(v.Layout, "cup-00") || v.Layout == "cup-005-40" {
			continue // the shorter one for SM4 is the beginning of the longer one
		}
		seen[v.F60] = true
		for _, tail := range []string{"00", "0D0A", "5F", "0011"} {
			field := slices.Concat(testvec.Hex(t, v.Field62), testvec.Hex(t, tail))
			r := diagnosed(t, diagnose.Case{SignIn: signIn(t, v.F60, field, testvec.Hex(t, v.TMK))})
			f := first(t, r)
			if len(r.Findings) != 1 || f.Cause != diagnose.CauseField62Layout || f.Certainty != diagnose.Proven {
				t.Errorf("%s and %s: %s %s: %s", id, tail, f.Certainty, f.Cause, f.Summary)
			}
		}
	}
	if len(seen) != 4 {
		t.Fatalf("only %v have vectors", seen)
	}
}

func TestSignInOfTripleLengthIsNoneForADoubleLengthTerminal(t *testing.T) {
	for _, id := range []string{"V7g", "V7h"} {
		v := unionpayVectors(t)[id]
		f := first(t, diagnosed(t, diagnose.Case{SignIn: signIn(t, v.F60, testvec.Hex(t, v.Field62), testvec.Hex(t, v.TMK))}))
		if f.Cause != diagnose.CauseLengthClass || f.Certainty != diagnose.Likely {
			t.Errorf("%s: %s %s: %s", id, f.Certainty, f.Cause, f.Summary)
		}
	}
}

func TestSignInWithAKeyThatIsNoGoodIsNoMatch(t *testing.T) {
	a := goodAnswer(t)
	pik, mak := a.pik(), a.mak()
	for name, c := range map[string]struct {
		pik, mak []byte
		want     diagnose.Cause
	}{
		"equal halves":              {slices.Concat(pik[:8], pik[:8]), mak, diagnose.CauseWeakKey},
		"a PIN key of zeros":        {make([]byte, 16), mak, diagnose.CauseWeakKey},
		"a MAC key of zeros":        {pik, make([]byte, 8), diagnose.CauseWeakKey},
		"a semi-weak half":          {slices.Concat(pik[:8], testvec.Hex(t, "01FE01FE01FE01FE")), mak, diagnose.CauseWeakKey},
		"the master key again":      {a.tmk, mak, diagnose.CauseDuplicateValue},
		"half of the PIN key":       {pik, pik[:8], diagnose.CauseDuplicateValue},
		"half of the master key":    {pik, a.tmk[8:], diagnose.CauseDuplicateValue},
		"sound keys":                {pik, mak, ""},
		"other sound keys, no code": {testvec.Hex(t, "107A8C31FE526B4D85C2C74A1643DA68"), testvec.Hex(t, "5BB5C72CD00B7338"), ""},
	} {
		r := a.diagnosed(t, "003", a.made(t, c.pik, c.mak))
		if c.want == "" {
			if r.Verdict != diagnose.Match || len(r.Findings) != 0 {
				t.Errorf("%s: %s %+v", name, r.Verdict, r.Findings)
			}
			continue
		}
		if f := first(t, r); len(r.Findings) != 1 || f.Cause != c.want || f.Certainty != diagnose.Likely {
			t.Errorf("%s: %s %s: %s", name, f.Certainty, f.Cause, f.Summary)
		}
	}
}

func TestSignInWithCheckValuesFilledUpWithZerosIsNoMatch(t *testing.T) {
	a := goodAnswer(t)
	field := a.with(19, []byte{0})
	field[39] = 0
	r := a.diagnosed(t, "003", field)
	if f := first(t, r); f.Cause != diagnose.CauseKCVLength || f.Certainty != diagnose.Likely {
		t.Errorf("%s %s: %s", f.Certainty, f.Cause, f.Summary)
	}
	mak := a.mak()
	for i := range 1 << 16 { // until a check value ends in a zero byte by itself
		mak[6], mak[7] = byte(i>>8), byte(i)
		if len(check(t, keys.DES, mak)) == 3 {
			break
		}
	}
	if r := a.diagnosed(t, "003", a.made(t, a.pik(), mak)); r.Verdict != diagnose.Match || len(r.Findings) != 0 {
		t.Errorf("a value that ends so by itself: %s %+v", r.Verdict, r.Findings)
	}
}

func TestSignInWithBytesBehindTheMACKeyIsNoted(t *testing.T) {
	a := goodAnswer(t)
	for want, behind := range map[string][]byte{
		"not zeros": bytes.Repeat([]byte{0xFF}, 8), "stands twice": a.field[20:28],
	} {
		r := a.diagnosed(t, "003", a.with(28, behind))
		if r.Verdict != diagnose.Match || len(r.Notes) != 1 || !strings.Contains(r.Notes[0].String(), want) {
			t.Errorf("%s: %s %v %+v", want, r.Verdict, r.Notes, r.Findings)
		}
	}
}

// TestSignInKeyUnderAnotherTMKIsFoundByItself: whichever of the two master keys was named first.
func TestSignInKeyUnderAnotherTMKIsFoundByItself(t *testing.T) {
	a := goodAnswer(t)
	other := answer{tmk: testvec.Hex(t, "11223344556677889900AABBCCDDEEFF")}
	var err error
	if other.wrap, err = keys.NewCipher(keys.TDES128, other.tmk); err != nil {
		t.Fatal(err)
	}
	field := a.with(0, other.wrapped(a.pik()))
	for _, c := range []struct {
		tmks [][]byte
		key  string
	}{{[][]byte{a.tmk, other.tmk}, "PIK"}, {[][]byte{other.tmk, a.tmk}, "MAK"}} {
		f := first(t, diagnosed(t, diagnose.Case{SignIn: signIn(t, "003", field, c.tmks...)}))
		if f.Cause != diagnose.CauseWrongTMK || f.Certainty != diagnose.Proven ||
			f.Evidence.Key != c.key || f.Evidence.Label != "TMK B" {
			t.Errorf("%s %s of %s: %s", f.Certainty, f.Cause, f.Evidence.Key, f.Summary)
		}
	}
}

func TestSignInUnderComponentsIsFoundByTheirXOR(t *testing.T) {
	a := goodAnswer(t)
	one := testvec.Hex(t, "2E5A9B5D21AC418EC3B55B4FE55C43CC")
	stranger := testvec.Hex(t, "11223344556677889900AABBCCDDEEFF")
	two := make([]byte, 16)
	subtle.XORBytes(two, one, a.tmk)
	for name, tmks := range map[string][][]byte{
		"two": {one, two}, "two of three": {one, stranger, two}, "with a short one": {one, stranger[:8], two},
	} {
		f := first(t, diagnosed(t, diagnose.Case{SignIn: signIn(t, "003", a.field, tmks...)}))
		if f.Cause != diagnose.CauseComponentAsKey || f.Certainty != diagnose.Proven {
			t.Errorf("%s: %s %s: %s", name, f.Certainty, f.Cause, f.Summary)
		}
	}
	in := signIn(t, "003", a.field, one, two)
	in.OpenAll = nil
	if f := first(t, diagnosed(t, diagnose.Case{SignIn: in})); f.Cause != diagnose.CauseWrongTMK {
		t.Errorf("keys that must not be put together: %s %s", f.Certainty, f.Cause)
	}
}

// TestSignInLeavesNothingShownBehindAProof: what the terminal shows is a value given.
func TestSignInLeavesNothingShownBehindAProof(t *testing.T) {
	a := goodAnswer(t)
	swapped := slices.Concat(a.tmk[8:], a.tmk[:8])
	stranger := testvec.Hex(t, "11223344556677889900AABBCCDDEEFF")
	for name, c := range map[string]struct {
		code string
		tmks [][]byte
		key  unionpay.KeyName
	}{
		"halves of the master key": {"003", [][]byte{swapped}, unionpay.MAK},
		"another master key":       {"003", [][]byte{stranger, a.tmk}, unionpay.PIK},
		"a key that is not there":  {"005", [][]byte{a.tmk}, unionpay.TDK},
	} {
		in := signIn(t, c.code, a.field, c.tmks...)
		f := first(t, diagnosed(t, diagnose.Case{SignIn: in}))
		if f.Certainty != diagnose.Proven {
			t.Errorf("%s: %s %s without a value shown", name, f.Certainty, f.Cause)
		}
		in.Shown[c.key] = value(t, "1A2B3C4D")
		r := diagnosed(t, diagnose.Case{SignIn: in})
		if g := first(t, r); g.Certainty == diagnose.Proven || len(r.Notes) == 0 {
			t.Errorf("%s: %s %s: %s %v", name, g.Certainty, g.Cause, g.Summary, r.Notes)
		}
	}
}

func TestSignInShowsWhatTheWrongMasterKeyMakes(t *testing.T) {
	a := goodAnswer(t)
	stranger := testvec.Hex(t, "11223344556677889900AABBCCDDEEFF")
	wrong, err := keys.NewCipher(keys.TDES128, stranger)
	if err != nil {
		t.Fatal(err)
	}
	clear := make([]byte, 16)
	cipherx.ECBDecrypt(wrong, clear, a.field[:16])
	in := signIn(t, "003", a.field, stranger, a.tmk)
	in.Shown[unionpay.PIK] = valueOf(t, keys.TDES128, clear, 8)
	r := diagnosed(t, diagnose.Case{SignIn: in})
	if f := first(t, r); f.Cause != diagnose.CauseWrongTMK || f.Certainty != diagnose.Proven || len(r.Findings) != 1 {
		t.Errorf("%s %s: %s", f.Certainty, f.Cause, f.Summary)
	}
}

func TestSignInWithADamagedSlotNamesTheLineFirst(t *testing.T) {
	a := goodAnswer(t)
	r := a.diagnosed(t, "003", a.with(0, testvec.Hex(t, "9B07E9F5104FD2E883FAE37ECE38264D")))
	if f := first(t, r); f.Cause != diagnose.CauseLinkFault || f.Certainty != diagnose.Likely {
		t.Errorf("%s %s: %s", f.Certainty, f.Cause, f.Summary)
	}
	v := unionpayVectors(t)["V7f"]
	field := testvec.Hex(t, v.Field62)
	copy(field[:16], a.field)
	sm4 := diagnosed(t, diagnose.Case{SignIn: signIn(t, "", field, testvec.Hex(t, v.TMK))})
	if f := first(t, sm4); f.Cause != diagnose.CauseLinkFault || !strings.Contains(f.Summary.String(), "PIK does not") {
		t.Errorf("SM4, no code: %s %s: %s", f.Certainty, f.Cause, f.Summary)
	}
	r = a.diagnosed(t, "003", a.field[:16])
	if f := first(t, r); f.Cause != diagnose.CauseLinkFault || f.Certainty != diagnose.Likely || len(r.Findings) != 2 {
		t.Errorf("16 bytes: %s %s: %s", f.Certainty, f.Cause, f.Summary)
	}
}

// TestSignInUnderATripleLengthMasterKeyIsLookedAtWhole: keys, weak keys, one key twice, and the MAC of a message.
func TestSignInUnderATripleLengthMasterKeyIsLookedAtWhole(t *testing.T) {
	a := goodAnswer(t)
	pik, mak := a.pik(), a.mak()
	a.tmk = slices.Concat(a.tmk, bytes.Repeat([]byte{0x1F, 0x8C}, 4))
	var err error
	if a.wrap, err = keys.NewCipher(keys.TDES192, a.tmk); err != nil {
		t.Fatal(err)
	}
	in := signIn(t, "003", a.made(t, pik, mak), a.tmk)
	in.MAB = []byte("0200 TEST message of two blocks")
	if in.MAC, err = unionpay.RuleECB.Sum(keys.DES, mak, in.MAB, unionpay.PadZero); err != nil {
		t.Fatal(err)
	}
	r := diagnosed(t, diagnose.Case{SignIn: in})
	if r.Verdict != diagnose.Match || len(r.Notes) != 1 || !strings.Contains(r.Notes[0].String(), "the MAC of the message is right") {
		t.Errorf("healthy: %s %v %v", r.Verdict, r.Findings, r.Notes)
	}
	r = diagnosed(t, diagnose.Case{SignIn: signIn(t, "003", a.made(t, a.tmk[8:24], mak), a.tmk)})
	if f := first(t, r); f.Cause != diagnose.CauseDuplicateValue {
		t.Errorf("a part of the master key as PIN key: %s", f.Cause)
	}
	weak := bytes.Repeat(pik[:8], 2)
	r = diagnosed(t, diagnose.Case{SignIn: signIn(t, "003", a.made(t, weak, mak), a.tmk)})
	if f := first(t, r); f.Cause != diagnose.CauseWeakKey {
		t.Errorf("equal halves: %s", f.Cause)
	}
}

func TestSignInWithItsKeysInReverseOrderIsAnotherLayout(t *testing.T) {
	for id, v := range unionpayVectors(t) {
		if v.Kind != "signin" || v.Layout != "cup-003" { // others look the same from behind
			continue
		}
		field := testvec.Hex(t, v.Field62)
		var turned []byte
		for at := len(field) - 20; at >= 0; at -= 20 {
			turned = append(turned, field[at:at+20]...)
		}
		for _, code := range []string{v.F60, ""} {
			f := first(t, diagnosed(t, diagnose.Case{SignIn: signIn(t, code, turned, testvec.Hex(t, v.TMK))}))
			if f.Cause != diagnose.CauseField62Layout || f.Certainty != diagnose.Proven {
				t.Errorf("%s: %s %s: %s", id, f.Certainty, f.Cause, f.Summary)
			}
		}
	}
}
