//go:build linux || darwin

package agent

import (
	"path/filepath"
	"testing"

	"poskey/internal/fault"
	"poskey/pkg/audit"
	"poskey/pkg/custody"
	"poskey/pkg/hsm"
	"poskey/pkg/keys"
)

// token is a store whose boundary is in this process.
func token(t *testing.T, e custody.Environment, activities ...custody.Activity) (*Local, *fixture, error) {
	t.Helper()
	f := &fixture{t: t, environment: e, log: filepath.Join(t.TempDir(), "log")}
	log, err := audit.Create(f.log, f.identity(), f.options())
	if err != nil {
		t.Fatal(err)
	}
	master, err := keys.Generate(realEnv().Rand, keys.AES256)
	if err != nil {
		t.Fatal(err)
	}
	boundary, err := hsm.NewMasterWith(realEnv(), master, hsm.Options{ProbeRecord: RecordProbe})
	if err != nil {
		t.Fatal(err)
	}
	l, err := NewLocal(boundary, log, LocalTerms{Environment: e, Activities: activities})
	t.Cleanup(func() {
		if l != nil {
			_ = l.Close()
		}
		_ = boundary.Close()
		_ = log.Close()
	})
	return l, f, err
}

func TestATokenStoreRecordsAsAnAgentDoes(t *testing.T) {
	noLeaks(t)
	l, f, err := token(t, custody.Production)
	if err != nil {
		t.Fatal(err)
	}
	k := makeKey(t, l, "ZMK-2026#1", keys.AES256, keys.UsageKBPK)
	w := begin(t, l, intent(custody.KeyCheck, "ZMK-2026#1"))
	if v, err := w.CheckValue(t.Context(), k, "", 0); err != nil || v != k.Check {
		t.Errorf("%v, %v", v, err)
	}
	if s, err := l.Status(t.Context()); err != nil || s.Works != 1 || s.Done != 1 || !s.Until.IsZero() || s.Store != storeID {
		t.Errorf("%+v, %v", s, err)
	}
	if err := l.Seal(t.Context(), me()); err != nil {
		t.Fatal(err)
	}
	if u := f.wantRecord(audit.KeyCheck, audit.Unknown); u.Details[audit.FieldReason] != "it was told to end" {
		t.Errorf("%+v", u)
	}
	f.wantRecord(audit.StoreSeal, audit.Done)
	_, err = l.Begin(t.Context(), intent(custody.KeyCheck, "ZMK-2026#1"))
	wantKind(t, err, fault.Sealed)
	f.verifies()
}

func TestInAProductionTokenStoreNobodyApprovesEachTime(t *testing.T) {
	for _, a := range []custody.Activity{custody.KeyReveal, custody.KeyImport, custody.KeySplit, custody.KeyDestroy,
		custody.KeyProbe, custody.OfficerAdmit} {
		_, _, err := token(t, custody.Production, a)
		wantKind(t, err, fault.NotPermitted, string(a))
	}
	l, f, err := token(t, custody.Production)
	if err != nil {
		t.Fatal(err)
	}
	_, err = l.Begin(t.Context(), intent(custody.KeyReveal, "ZMK#1"))
	wantKind(t, err, fault.NotPermitted)
	f.wantRecord(audit.KeyReveal, audit.Refused)
}

func TestInATestTokenStoreOneKeyIsRevealedAndNoOther(t *testing.T) {
	noLeaks(t)
	l, _, err := token(t, custody.Test)
	if err != nil {
		t.Fatal(err)
	}
	own, other := makeKey(t, l, "A#1", keys.AES128, keys.UsageData), makeKey(t, l, "B#1", keys.AES128, keys.UsageData)
	in := intent(custody.KeyReveal, "A#1")
	in.Check = own.Check
	w := begin(t, l, in)
	clear, err := w.Reveal(t.Context(), own)
	if err != nil {
		t.Fatal(err)
	}
	clear.Wipe()
	_, err = w.Reveal(t.Context(), other)
	wantKind(t, err, fault.NotPermitted)
}

func TestATokenStoreIsNotMistakenForOneOfAnotherEnvironment(t *testing.T) {
	l, f, err := token(t, custody.Test)
	if err != nil {
		t.Fatal(err)
	}
	_, err = NewLocal(l.desk.boundary, l.log, LocalTerms{Environment: custody.Production})
	wantKind(t, err, fault.Usage)
	f.verifies()
}

func TestAQuestionThatNoOperationAsksIsNotAnswered(t *testing.T) {
	l, _, err := token(t, custody.Test)
	if err != nil {
		t.Fatal(err)
	}
	k := makeKey(t, l, "A#1", keys.AES128, keys.UsageData)
	p, err := l.desk.boundary.Prober(t.Context(), []hsm.Key{k})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	_, err = p.Probe(t.Context(), hsm.Question{Expr: hsm.Part(0), Algorithm: keys.AES128, Method: k.Check.Method,
		Expected: expectedOf(t, k.Check.Digits)})
	wantKind(t, err, fault.NotPermitted)
}
