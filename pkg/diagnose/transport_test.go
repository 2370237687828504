package diagnose_test

// Published transport keys, and values that agree beside a code.

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"poskey/internal/cipherx"
	"poskey/internal/secret"
	"poskey/internal/testvec"
	"poskey/pkg/device"
	"poskey/pkg/device/manage"
	"poskey/pkg/diagnose"
	"poskey/pkg/hsm"
	"poskey/pkg/keys"
)

// underPublished wraps a key as injectors with the published key do.
func underPublished(t testing.TB, key []byte) []byte {
	t.Helper()
	b, err := keys.NewCipher(keys.DES, []byte("68482569"))
	if err != nil {
		t.Fatal(err)
	}
	out := make([]byte, len(key))
	cipherx.ECBEncrypt(b, out, key)
	return out
}

// unopened are facts of a cryptogram whose key nobody gave.
func unopened(t testing.TB, cryptogram, expected string) diagnose.Facts {
	return diagnose.Facts{Algorithm: keys.TDES128, Kind: diagnose.Unopened, Wrapped: testvec.Hex(t, cryptogram), Expected: value(t, expected)}
}

// TestAPublishedTransportKeyIsRecognised: vector X2, with and without another key that was said to be right.
func TestAPublishedTransportKeyIsRecognised(t *testing.T) {
	const x2 = "17603C9AE64078198331A91052ED12D1"
	for _, f := range []diagnose.Facts{unopened(t, x2, "8D0A74B8"), unopened(t, x2, "8D0A74")} {
		r := run(t, f)
		wantFirst(t, r, diagnose.CauseFixedTransportKey, diagnose.Proven)
		f.Kind = diagnose.Cryptogram
		r = run(t, f, x2, keyT)
		wantFirst(t, r, diagnose.CauseFixedTransportKey, diagnose.Proven)
		doc, err := json.Marshal(r)
		if err != nil || strings.Contains(string(doc), "807A23AD") || !strings.Contains(r.Findings[0].Summary.String(), "has the key") {
			t.Errorf("%s, %v", doc, err)
		}
	}
	if r := run(t, unopened(t, x2, "123456")); r.Verdict != diagnose.Unexplained {
		t.Errorf("another value: %+v", r.Findings)
	}
}

// TestAPublishedKeyNeedsNoAnswerOfTheStore: the key-encrypting key said to be right is a store's.
func TestAPublishedKeyNeedsNoAnswerOfTheStore(t *testing.T) {
	const x2 = "17603C9AE64078198331A91052ED12D1"
	f := unopened(t, x2, "8D0A74B8")
	f.Kind = diagnose.Cryptogram
	about := []hsm.Attributes{{Algorithm: keys.Raw}, {Algorithm: keys.TDES128, Label: "TMK#1"}}
	r, _, err := runStrictAbout(t, f, 0, about, x2, keyT)
	if err != nil {
		t.Fatal(err)
	}
	wantFirst(t, r, diagnose.CauseFixedTransportKey, diagnose.Proven)
}

// TestASignInUnderAPublishedKeyIsRecognised: the working keys themselves, and the master key as it came.
func TestASignInUnderAPublishedKeyIsRecognised(t *testing.T) {
	rnd := newRandom("published sign-in")
	pik, mak, tmk := rnd.bytes(16), rnd.bytes(8), rnd.bytes(16)
	field := func(under func([]byte) []byte) []byte {
		out := append(under(pik), testvec.Hex(t, valueOf(t, keys.TDES128, pik, 8).Digits)...)
		out = append(append(out, under(mak)...), make([]byte, 8)...)
		return append(out, testvec.Hex(t, valueOf(t, keys.DES, mak, 8).Digits)...)
	}
	in := signIn(t, "003", field(func(b []byte) []byte { return underPublished(t, b) }), tmk)
	r := diagnosed(t, diagnose.Case{SignIn: in})
	wantFirst(t, r, diagnose.CauseFixedTransportKey, diagnose.Proven)

	right := field(func(b []byte) []byte { return encrypted(t, tmk, b) })
	for _, known := range []bool{true, false} {
		in = signIn(t, "003", right, tmk)
		in.Wrapped = underPublished(t, tmk)
		if !known {
			in.TMKs, in.Open = nil, nil
		}
		wantFirst(t, diagnosed(t, diagnose.Case{SignIn: in}), diagnose.CauseFixedTransportKey, diagnose.Proven)
		in.Wrapped, in.WrappedCheck = encrypted(t, tmk, tmk), value(t, "123456")
		live := secret.Live()
		r = diagnosed(t, diagnose.Case{SignIn: in})
		if !known && secret.Live() != live {
			t.Errorf("%d secrets are left", secret.Live()-live)
		}
		if known && r.Verdict != diagnose.Match || !known && r.Verdict != diagnose.Unexplained {
			t.Errorf("another transport key: %s, %+v", r.Verdict, r.Findings)
		}
	}
}

// TestAnHSMThatRefusesWhatAgreesHasAnotherLengthSet: vector V5.
func TestAnHSMThatRefusesWhatAgreesHasAnotherLengthSet(t *testing.T) {
	p := hsm.NewSpotProber([]*secret.Bytes{secret.Take(testvec.Hex(t, "76E565ADB1062E6E")), secret.Take(testvec.Hex(t, "9DDC9BAE925D31E6"))})
	defer func() { _ = p.Close() }()
	f := diagnose.Facts{Algorithm: keys.DES, Kind: diagnose.Cryptogram, Expected: value(t, "6C5ACF"), KEKExpected: value(t, "0EB795"), Prober: p}
	c := diagnose.Case{Checks: []diagnose.Check{{Facts: f}}, Said: []diagnose.Said{{Text: "FB10"}}}
	r := diagnosed(t, c)
	wantFirst(t, r, diagnose.CauseZMKLengthSetting, diagnose.Likely)
	ruled := map[diagnose.Cause]bool{}
	for _, x := range r.RuledOut {
		ruled[x.Cause] = true
	}
	if !ruled[diagnose.CauseParityRejected] || !ruled[diagnose.CauseWrongTransportKey] {
		t.Errorf("ruled out: %v", r.RuledOut)
	}
	c.Checks[0].KEKExpected = value(t, "0EB796") // the key-encrypting key does not agree: nothing is concluded
	r = diagnosed(t, c)
	if len(r.Notes) == 0 || first(t, r).Weight != 0 && strings.Contains(r.Findings[0].Summary.String(), "every value agrees") {
		t.Errorf("%+v, %v", r.Findings, r.Notes)
	}
	c.Said = nil
	c.Checks[0].KEKExpected = value(t, "0EB795")
	if r = diagnosed(t, c); r.Verdict != diagnose.Match {
		t.Errorf("without a code: %s, %+v", r.Verdict, r.Findings)
	}
}

// TestARefusalOfADeviceStandsBesideAnHSMsCode: values that agree speak against what the HSM's code could mean, and not
// against what a device refused.
func TestARefusalOfADeviceStandsBesideAnHSMsCode(t *testing.T) {
	p := hsm.NewSpotProber([]*secret.Bytes{secret.Take(testvec.Hex(t, "76E565ADB1062E6E")), secret.Take(testvec.Hex(t, "9DDC9BAE925D31E6"))})
	defer func() { _ = p.Close() }()
	f := diagnose.Facts{Algorithm: keys.DES, Kind: diagnose.Cryptogram, Expected: value(t, "6C5ACF"), KEKExpected: value(t, "0EB795"), Prober: p}
	row := manage.CodeOf(manage.CodeDecryption)
	r := diagnosed(t, diagnose.Case{Checks: []diagnose.Check{{Facts: f}}, Said: []diagnose.Said{{Text: "FB10"}},
		Refusals: []diagnose.Refusal{{Dialect: "agent", CodeInfo: device.CodeInfo{Code: row.Code, Meaning: row.Meaning, Cause: row.Cause}, Said: row.Meaning}}})
	if !slices.ContainsFunc(r.Findings, func(f diagnose.Finding) bool { return f.Cause == diagnose.CauseWrongTransportKey }) {
		t.Errorf("the refusal is gone: %+v", r.Findings)
	}
}

// TestHalfOfAZMKBesideACodeMentionsTheSetting: the half is proven, the setting is a reading of the code.
func TestHalfOfAZMKBesideACodeMentionsTheSetting(t *testing.T) {
	p := hsm.NewSpotProber([]*secret.Bytes{secret.Take(testvec.Hex(t, signPIK)), secret.Take(testvec.Hex(t, signKEK))})
	defer func() { _ = p.Close() }()
	f := diagnose.Facts{Algorithm: keys.TDES128, Kind: diagnose.Cryptogram, Expected: value(t, "8D0A74B8"), Got: value(t, "F98F076F"), Prober: p}
	r := diagnosed(t, diagnose.Case{Checks: []diagnose.Check{{Facts: f}}, Said: []diagnose.Said{{Text: "FB10"}}})
	wantFirst(t, r, diagnose.CauseTMKSingleDES, diagnose.Proven)
	if len(r.Findings) < 2 || r.Findings[1].Cause != diagnose.CauseZMKLengthSetting || r.Findings[1].Certainty != diagnose.Likely {
		t.Errorf("%+v", r.Findings)
	}
}
