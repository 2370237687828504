package diagnose_test

// Sign-in answers in which one key is right and the other one is not: what is said of the wrong one, and what is not.

import (
	"crypto/cipher"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"poskey/internal/cipherx"
	"poskey/internal/testvec"
	"poskey/pkg/diagnose"
	"poskey/pkg/keys"
	"poskey/pkg/unionpay"
)

// answer is the sign-in of vector V1, a double-length one: PIK(16) KCV(4) MAK(8) padding(8) KCV(4).
type answer struct {
	tmk, field []byte
	wrap       cipher.Block
}

func goodAnswer(t testing.TB) answer {
	v := unionpayVectors(t)["V1"]
	a := answer{tmk: testvec.Hex(t, v.TMK), field: testvec.Hex(t, v.Field62)}
	var err error
	if a.wrap, err = keys.NewCipher(keys.TDES128, a.tmk); err != nil {
		t.Fatal(err)
	}
	return a
}

// pik is the PIN key in clear.
func (a answer) pik() []byte {
	clear := make([]byte, 16)
	cipherx.ECBDecrypt(a.wrap, clear, a.field[:16])
	return clear
}

// with gives the field with other bytes at a place.
func (a answer) with(at int, b []byte) []byte {
	out := slices.Clone(a.field)
	copy(out[at:], b)
	return out
}

func (a answer) wrapped(key []byte) []byte {
	out := make([]byte, len(key))
	cipherx.ECBEncrypt(a.wrap, out, key)
	return out
}

func (a answer) inCBC(key []byte) []byte {
	out := make([]byte, len(key))
	cipher.NewCBCEncrypter(a.wrap, make([]byte, 8)).CryptBlocks(out, key)
	return out
}

func check(t testing.TB, alg keys.Algorithm, key []byte) []byte {
	t.Helper()
	return testvec.Hex(t, valueOf(t, alg, key, 8).Digits)
}

func (a answer) diagnosed(t testing.TB, code string, field []byte) diagnose.Report {
	t.Helper()
	return diagnosed(t, diagnose.Case{SignIn: signIn(t, code, field, a.tmk)})
}

func TestAWrongKeyBesideARightOneIsExplainedByItself(t *testing.T) {
	a := goodAnswer(t)
	pik := a.pik()
	damaged := slices.Clone(a.field)
	damaged[5] ^= 0x10
	for name, c := range map[string]struct {
		code  string
		field []byte
		want  diagnose.Cause
	}{
		"one bit of the cryptogram":     {"003", damaged, diagnose.CauseMistypedDigit},
		"halves exchanged":              {"003", a.with(0, a.wrapped(slices.Concat(pik[8:], pik[:8]))), diagnose.CauseHalvesSwapped},
		"CBC":                           {"003", a.with(0, a.inCBC(pik)), diagnose.CauseECBCBC},
		"check value by SM4":            {"003", a.with(16, check(t, keys.SM4, pik)), diagnose.CauseCipherFamily},
		"check value of the left half":  {"003", a.with(16, check(t, keys.DES, pik[:8])), diagnose.CauseLengthClass},
		"TDES for a terminal of SM4":    {"005", a.field, diagnose.CauseCipherFamily},
		"a field that ends too early":   {"003", a.field[:33], diagnose.CauseLinkFault},
		"a track key that was left out": {"004", slices.Concat(a.field, a.field[:12]), diagnose.CauseLinkFault},
	} {
		r := a.diagnosed(t, c.code, c.field)
		if f := first(t, r); f.Cause != c.want || f.Certainty == diagnose.Possible {
			t.Errorf("%s: %s %s: %s", name, f.Certainty, f.Cause, f.Summary)
		}
	}
}

func TestNothingIsProvenByOneKeyOfTwo(t *testing.T) {
	a := goodAnswer(t)
	rnd := rand.New(rand.NewPCG(7, 62))
	noise := func(n int) []byte {
		out := make([]byte, n)
		for i := range out {
			out[i] = byte(rnd.Uint32())
		}
		return out
	}
	for i := range 2 {
		for name, c := range map[string]struct {
			code  string
			field []byte
		}{
			"MAK":           {"003", a.with(20, noise(8))},
			"check of MAK":  {"003", a.with(36, noise(4))},
			"PIK":           {"003", a.with(0, noise(16))},
			"check of PIK":  {"003", a.with(16, noise(4))},
			"TDK":           {"004", slices.Concat(a.field, noise(20))},
			"TDK, no code":  {"", slices.Concat(a.field, noise(20))},
			"PIK, not MAK ": {"", a.with(0, noise(16))},
		} {
			r := a.diagnosed(t, c.code, c.field)
			if r.Verdict == diagnose.Match {
				t.Errorf("%d, %s: nothing is said to be wrong", i, name)
			}
			for _, f := range r.Findings {
				if f.Certainty == diagnose.Proven {
					t.Errorf("%d, %s: proven is %s: %s", i, name, f.Cause, f.Summary)
				}
			}
		}
	}
}

// TestAKeyElsewhereIsNoProofWhileAnotherIsMissing: an unknown layout has two keys too.
func TestAKeyElsewhereIsNoProofWhileAnotherIsMissing(t *testing.T) {
	a := goodAnswer(t)
	r := a.diagnosed(t, "003", slices.Concat(make([]byte, 3), a.field[:20], make([]byte, 20)))
	if f := first(t, r); f.Cause != diagnose.CauseField62Layout || f.Certainty != diagnose.Likely {
		t.Errorf("%s %s: %s", f.Certainty, f.Cause, f.Summary)
	}
}

// TestTwoMistakesOfOneHostExplainBothKeys: of the one-block key the second mistake makes no difference.
func TestTwoMistakesOfOneHostExplainBothKeys(t *testing.T) {
	a := goodAnswer(t)
	half, err := keys.NewCipher(keys.DES, a.tmk[:8])
	if err != nil {
		t.Fatal(err)
	}
	mak := make([]byte, 8)
	cipherx.ECBDecrypt(a.wrap, mak, a.field[20:28])
	host := answer{tmk: a.tmk, field: a.field, wrap: half}
	field := host.with(0, host.inCBC(a.pik()))
	copy(field[20:], host.wrapped(mak))
	r := a.diagnosed(t, "003", field)
	f := first(t, r)
	if got := fmt.Sprint(f.Cause, f.Also); got != fmt.Sprint(diagnose.CauseTMKSingleDES, diagnose.CauseECBCBC) || f.Certainty == diagnose.Possible {
		t.Errorf("%s %s: %s", f.Certainty, got, f.Summary)
	}
}

func TestTheValueOfAnotherKeyIsAnExchange(t *testing.T) {
	a := goodAnswer(t)
	in := signIn(t, "003", a.field, a.tmk)
	in.Shown[unionpay.PIK] = value(t, fmt.Sprintf("%X", a.field[36:40]))
	if f := first(t, diagnosed(t, diagnose.Case{SignIn: in})); f.Cause != diagnose.CauseWrongSlot || f.Certainty != diagnose.Likely || f.Evidence.Key != "PIK" {
		t.Errorf("%s %s: %s", f.Certainty, f.Cause, f.Summary)
	}
}
