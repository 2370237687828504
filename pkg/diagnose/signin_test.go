package diagnose_test

// Sign-in answers of the vector file, right and wrong.

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"poskey/internal/secret"
	"poskey/internal/testvec"
	"poskey/pkg/diagnose"
	"poskey/pkg/hsm"
	"poskey/pkg/kcv"
	"poskey/pkg/keys"
	"poskey/pkg/unionpay"
)

// unionpayVector is a vector of unionpay.json, as far as it is used here.
type unionpayVector struct {
	ID, Kind, Layout, Base, Slot, Cause, Expected, KCV, TMK, Field62 string
	F60                                                              string `json:"f60_3"`
	Keys                                                             []struct{ Name, KCV string }
}

func unionpayVectors(t testing.TB) map[string]unionpayVector {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(testvec.Root(t), "testdata", "vectors", "unionpay.json"))
	if err != nil {
		t.Fatal(err)
	}
	var f struct{ Vectors []unionpayVector }
	if err := json.Unmarshal(raw, &f); err != nil || len(f.Vectors) == 0 {
		t.Fatalf("the vector file is empty: %v", err)
	}
	out := map[string]unionpayVector{}
	for _, v := range f.Vectors {
		out[v.ID] = v
	}
	return out
}

// signIn makes the facts of a sign-in under master keys given on the spot.
func signIn(t testing.TB, code string, field62 []byte, tmks ...[]byte) *diagnose.SignIn {
	t.Helper()
	var open []hsm.ProbeCloser
	t.Cleanup(func() {
		for _, p := range open {
			_ = p.Close()
		}
	})
	in := &diagnose.SignIn{Code: code, Field62: field62, Shown: map[unionpay.KeyName]kcv.Expected{}}
	for i := range tmks {
		in.TMKs = append(in.TMKs, "TMK "+string(rune('A'+i)))
	}
	in.Open = func(_ context.Context, cryptogram []byte, tmk int) (hsm.Prober, error) {
		p := hsm.NewSpotProber([]*secret.Bytes{secret.Copy(cryptogram), secret.Copy(tmks[tmk])})
		open = append(open, p)
		return p, nil
	}
	in.OpenAll = func(_ context.Context, cryptogram []byte) (hsm.Prober, error) {
		all := []*secret.Bytes{secret.Copy(cryptogram)}
		for _, k := range tmks {
			all = append(all, secret.Copy(k))
		}
		p := hsm.NewSpotProber(all)
		open = append(open, p)
		return p, nil
	}
	return in
}

func diagnosed(t testing.TB, c diagnose.Case) diagnose.Report {
	t.Helper()
	r, err := diagnose.Diagnose(context.Background(), c)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestEverySignInVectorIsRight(t *testing.T) {
	n := 0
	for id, v := range unionpayVectors(t) {
		if v.Kind != "signin" {
			continue
		}
		n++
		r := diagnosed(t, diagnose.Case{SignIn: signIn(t, v.F60, testvec.Hex(t, v.Field62), testvec.Hex(t, v.TMK))})
		if len(r.Keys) != len(v.Keys) {
			t.Errorf("%s: %d keys, want %d: %+v", id, len(r.Keys), len(v.Keys), r.Findings)
			continue
		}
		for i, k := range v.Keys {
			if !r.Keys[i].Match || r.Keys[i].Computed != k.KCV || string(r.Keys[i].Key) != k.Name {
				t.Errorf("%s %s: %+v", id, k.Name, r.Keys[i])
			}
		}
		unusual := slices.Contains([]string{"hunan-32", "mak16-40", "cup-triple-56", "cup-triple-84"}, v.Layout)
		if (r.Verdict == diagnose.Match) == unusual {
			t.Errorf("%s in layout %s: verdict %s, %+v", id, v.Layout, r.Verdict, r.Findings)
		}
	}
	if n == 0 {
		t.Fatal("no sign-in vectors")
	}
}

// TestEveryWrongValueOfASignInNamesItsCause: what a terminal shows that makes a mistake with the keys of V1 or V7e.
func TestEveryWrongValueOfASignInNamesItsCause(t *testing.T) {
	all := unionpayVectors(t)
	n := 0
	for id, v := range all {
		if v.Kind != "wrong-kcv" || v.Expected == v.KCV {
			continue
		}
		n++
		base := all[v.Base]
		in := signIn(t, base.F60, testvec.Hex(t, base.Field62), testvec.Hex(t, base.TMK))
		in.Shown[unionpay.KeyName(v.Slot)] = value(t, v.KCV)
		r := diagnosed(t, diagnose.Case{SignIn: in})
		if strings.HasPrefix(id, "V6-typo") {
			if f := first(t, r); f.Cause != diagnose.CauseMistypedDigit {
				t.Errorf("%s: %+v", id, r.Findings)
			}
			continue
		}
		if f := first(t, r); string(f.Cause) != v.Cause || f.Certainty != diagnose.Proven || f.Evidence.Key != v.Slot {
			t.Errorf("%s: want %s, got %s %s of %s: %s", id, v.Cause, f.Certainty, f.Cause, f.Evidence.Key, f.Summary)
		}
	}
	if n < 20 {
		t.Fatalf("%d wrong values, want 20 at least", n)
	}
}

func TestAnotherMasterKeyIsNamed(t *testing.T) {
	v := unionpayVectors(t)["V1"]
	right := testvec.Hex(t, v.TMK)
	wrong := testvec.Hex(t, "11223344556677889900AABBCCDDEEFF")
	r := diagnosed(t, diagnose.Case{SignIn: signIn(t, v.F60, testvec.Hex(t, v.Field62), wrong, right)})
	if f := first(t, r); f.Cause != diagnose.CauseWrongTMK || f.Certainty != diagnose.Proven || f.Evidence.Label != "TMK B" {
		t.Errorf("%+v", r.Findings)
	}
	r = diagnosed(t, diagnose.Case{SignIn: signIn(t, v.F60, testvec.Hex(t, v.Field62), wrong)})
	if f := first(t, r); f.Cause != diagnose.CauseWrongTMK || f.Certainty != diagnose.Likely {
		t.Errorf("%+v", r.Findings)
	}
}

func TestADownloadWithItsKEKIsNamed(t *testing.T) {
	for _, id := range []string{"V8a", "V8b"} {
		v := unionpayVectors(t)[id]
		r := diagnosed(t, diagnose.Case{SignIn: signIn(t, "", testvec.Hex(t, v.Field62), make([]byte, 16))})
		if f := first(t, r); f.Cause != diagnose.CauseKEKSentWithKey {
			t.Errorf("%s: %+v", id, r.Findings)
		}
	}
}

func TestAnUnknownLayoutIsFoundBySliding(t *testing.T) {
	v := unionpayVectors(t)["V1"]
	field := testvec.Hex(t, v.Field62)
	moved := append([]byte{0, 1, 2}, field...)
	r := diagnosed(t, diagnose.Case{SignIn: signIn(t, "003", moved, testvec.Hex(t, v.TMK))})
	if f := first(t, r); f.Cause != diagnose.CauseField62Layout || f.Certainty != diagnose.Proven || !strings.Contains(f.Summary.String(), "16 bytes at 3") {
		t.Errorf("%+v", r.Findings)
	}
}

func TestTheMACOfAMessageIsTriedByEveryRule(t *testing.T) {
	v := unionpayVectors(t)["V1"]
	mak := testvec.Hex(t, "5BB5C72CD00B7338")
	message := testvec.Hex(t, "0200302004C020C0981100000000000000005100183402100006324392260009942820D1312101120084393136363838303134303030303030303030303030303031313536ACF46E73838A82F92600000000000000000822000001")
	for _, c := range []struct {
		rule    unionpay.Rule
		over    int
		padding unionpay.Padding
		usual   bool
	}{{unionpay.RuleECB, 0, unionpay.PadZero, true}, {unionpay.RuleX99, 0, unionpay.PadZero, false}, {unionpay.RuleECBRaw, 0, unionpay.PadZero, false},
		{unionpay.RuleECB, 2, unionpay.PadZero, false}, {unionpay.RuleCBC, 0, unionpay.PadOne, false}, {unionpay.RuleCMAC, 1, unionpay.PadZero, false}} {
		in := signIn(t, v.F60, testvec.Hex(t, v.Field62), testvec.Hex(t, v.TMK))
		mac, err := c.rule.Sum(keys.DES, mak, unionpay.Ranges(message)[c.over].Bytes, c.padding)
		if err != nil {
			t.Fatal(err)
		}
		in.MAB, in.MAC = message, mac
		r := diagnosed(t, diagnose.Case{SignIn: in})
		switch {
		case c.usual && (r.Verdict != diagnose.Match || len(r.Notes) != 1):
			t.Errorf("%+v: %s %+v", c, r.Verdict, r.Notes)
		case !c.usual && (len(r.Findings) == 0 || r.Findings[0].Cause != diagnose.CauseMACRule || r.Findings[0].Certainty != diagnose.Proven):
			t.Errorf("%+v: %+v", c, r.Findings)
		}
	}
}
