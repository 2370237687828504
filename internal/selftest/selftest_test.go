package selftest

import (
	"context"
	"errors"
	"strings"
	"testing"

	"poskey/internal/fault"
	"poskey/internal/text"
)

func answering(answer string) func(context.Context) (string, error) {
	return func(context.Context) (string, error) { return answer, nil }
}

func TestATestPassesByItsOwnAnswerOnly(t *testing.T) {
	good := Test{Name: "des", Group: Ciphers, Kind: KnownAnswer, What: text.New("DES"), Want: "0123ABCD"}
	for answer, passes := range map[string]bool{
		"0123ABCD": true, "0123abcd": false, "0123ABC": false, "0123ABCDE": false, "": false, "F123ABCD": false, "0123ABCE": false,
	} {
		good.Compute = answering(answer)
		o := good.Run(t.Context())
		if o.Failed() == passes || o.Unknown != "" || !passes && !fault.Is(o.Err, fault.SelftestFailed) {
			t.Errorf("%q: %v", answer, o.Err)
		}
	}
	good.Compute, good.Want = answering(""), ""
	if o := good.Run(t.Context()); !o.Failed() {
		t.Error("a test without an answer passes")
	}
}

func TestABrokenTestFailsHoweverItIsBroken(t *testing.T) {
	fails := func(context.Context) (string, error) { return "", errors.New("stuck") }
	dark := func(context.Context) (string, error) { return "", Unknown("no such system") }
	for name, sound := range map[string]Test{
		"known answer":        {Kind: KnownAnswer, Want: "00", Compute: answering("00")},
		"one digit":           {Kind: KnownAnswer, Want: "F", Compute: answering("F")},
		"refusal":             {Kind: Refusal, Want: "mac_mismatch", Compute: answering("mac_mismatch"), Faulty: answering("accepted")},
		"health":              {Kind: Health, Want: Sound, Compute: answering(Sound), Faulty: fails},
		"condition":           {Kind: Condition, Want: Sound, Compute: answering(Sound)},
		"warning":             {Kind: Condition, Want: Sound, Compute: answering(Sound), Warns: true},
		"condition not known": {Kind: Condition, Want: Sound, Compute: dark, Warns: true},
	} {
		sound.Name = name
		if o := sound.Run(t.Context()); o.Err != nil {
			t.Errorf("%s fails unbroken: %v", name, o.Err)
		}
		all, found := Broken([]Test{{Name: "other", Kind: KnownAnswer, Want: "1", Compute: answering("1")}, sound}, name)
		if !found || all[0].Run(t.Context()).Failed() {
			t.Errorf("%s: found %t, or another test is broken too", name, found)
		}
		if o := all[1].Run(t.Context()); !o.Failed() {
			t.Errorf("%s passes though it is broken", name)
		}
	}
	if _, found := Broken(nil, "none"); found {
		t.Error("a test that is not there was broken")
	}
}

func TestAWarningIsNoFailureAndWhatIsNotKnownIsNeither(t *testing.T) {
	bad := Test{Kind: Condition, Want: Sound, Warns: true, Compute: func(context.Context) (string, error) {
		return "", errors.New("swap is on")
	}}
	if o := bad.Run(t.Context()); o.Failed() || o.Warning() == nil {
		t.Errorf("a warning: %v", o.Err)
	}
	bad.Warns = false
	if o := bad.Run(t.Context()); !o.Failed() || o.Warning() != nil {
		t.Errorf("a failure: %v", o.Err)
	}
	bad.Compute = func(context.Context) (string, error) { return "", Unknown("no /proc") }
	if o := bad.Run(t.Context()); o.Failed() || o.Warning() != nil || o.Unknown != "no /proc" {
		t.Errorf("not known: %v, %q", o.Err, o.Unknown)
	}
}

func TestAnErrorNeverHasAKeyInIt(t *testing.T) {
	const right, wrong = "89E88CF7931444F334BD7547FC3F380C", "F0E88CF7931444F334BD7547FC3F380C"
	k := Test{Kind: KnownAnswer, Want: right, Secret: true, Compute: answering(wrong)}
	if o := k.Run(t.Context()); o.Err == nil || strings.Contains(o.Err.Error(), right[8:16]) {
		t.Errorf("%v", o.Err)
	}
	k.Secret = false
	if o := k.Run(t.Context()); o.Err == nil || !strings.Contains(o.Err.Error(), wrong[:16]) || strings.Contains(o.Err.Error(), right) {
		t.Errorf("what is no key is shown in part: %v", o.Err)
	}
}

func TestEveryGroupHasAName(t *testing.T) {
	for _, g := range Groups() {
		if g.Text().String() == "%s" || g.Text().IsZero() {
			t.Errorf("%s has no name", g)
		}
	}
}
