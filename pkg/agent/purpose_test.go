//go:build linux || darwin

package agent

import (
	"strings"
	"sync"
	"testing"

	"poskey/internal/fault"
	"poskey/internal/secret"
	"poskey/pkg/audit"
	"poskey/pkg/custody"
	"poskey/pkg/dukpt"
	"poskey/pkg/hsm"
	"poskey/pkg/kcv"
	"poskey/pkg/keyblock"
	"poskey/pkg/keys"
)

// pek is a key of AES-128 that somebody knows, with its check value.
func pek(t *testing.T) (*secret.Bytes, kcv.Value) {
	t.Helper()
	clear := secret.New(16)
	for i := range clear.Expose() {
		clear.Expose()[i] = byte(0x91 + 0x3B*i + i*i)
	}
	check, err := kcv.Of(keys.AES128, clear.Expose(), kcv.CMAC, 6)
	if err != nil {
		t.Fatal(err)
	}
	return clear, check
}

// importing is an import that two custodians approve: of a key that encrypts PINs.
func importing(p *production, check kcv.Value) Intent {
	in := p.askedFor(custody.KeyImport, nil, p.a, p.b)
	in.Label, in.Check = "PEK#1", check
	in.Attributes = custody.Attributes{Algorithm: keys.AES128, Usage: keys.UsagePIN}
	in.Details = audit.Details{audit.FieldUsage: "D0", audit.FieldAlgorithm: "tdes-128", audit.FieldPurpose: "a test"}
	return in
}

func TestWhatIsApprovedForPINsBecomesNoKeyThatOthersLeaveUnder(t *testing.T) {
	noLeaks(t)
	p := newProduction(t)
	clear, check := pek(t)
	defer clear.Wipe()
	w := begin(t, p.client, importing(p, check))
	for what, a := range map[string]hsm.Attributes{
		"another usage":         {Usage: keys.UsageKEK, Label: "PEK#1"},
		"another mode":          {Usage: keys.UsagePIN, Mode: 'E', Label: "PEK#1"},
		"another exportability": {Usage: keys.UsagePIN, Exportability: 'S', Label: "PEK#1"},
		"another one, nameless": {Usage: keys.UsageKBPK},
	} {
		a.Algorithm = keys.AES128
		_, err := w.Import(t.Context(), clear.Clone(), a, hsm.Policy{})
		if !fault.Is(err, fault.NotPermitted) || !strings.Contains(err.Error(), "aes-128 P0 B E") {
			t.Errorf("%s: %v", what, err)
		}
	}
	k, err := w.Import(t.Context(), clear.Clone(), hsm.Attributes{Algorithm: keys.AES128, Usage: keys.UsagePIN, Label: "PEK#1"},
		hsm.Policy{})
	if err != nil || k.Usage != keys.UsagePIN || k.Label != "PEK#1" {
		t.Errorf("what was approved: %+v, %v", k, err)
	}
	if r := p.wantRecord(audit.KeyImport, ""); r.Details[audit.FieldUsage] != "P0" ||
		r.Details[audit.FieldAlgorithm] != "aes-128" || r.Details[audit.FieldPurpose] != "a test" {
		t.Errorf("recorded as %v", r.Details)
	}
}

func TestOfficersSeeWhatTheKeyWillBeAndNotWhatIsSaidBeside(t *testing.T) {
	p := newProduction(t)
	_, check := pek(t)
	in := importing(p, check)
	in.Attributes.Usage, in.Details[audit.FieldUsage] = keys.UsageKEK, "P0"
	if err := in.complete(); err != nil {
		t.Fatal(err)
	}
	g := &gate{store: storeID, environment: custody.Production}
	a := custody.Action{Activity: in.Activity, Label: in.Label, Check: in.Check, Attributes: in.Attributes}
	shown := ""
	for _, l := range g.asked(a, in) {
		shown += l.String() + "\n"
	}
	if !strings.Contains(shown, "usage: K0 (") || !strings.Contains(shown, "aes-128, mode of use B, exportability E") ||
		strings.Contains(shown, "P0") {
		t.Errorf("shown:\n%s", shown)
	}
	in = Intent{Activity: custody.KeyGenerate, Details: audit.Details{audit.FieldUsage: "P0"}}
	if err := in.complete(); err != nil || len(in.Details) != 0 {
		t.Errorf("a usage that nothing is held to: %v, %v", in.Details, err)
	}
	in.Attributes = custody.Attributes{Usage: keys.UsagePIN}
	wantKind(t, in.complete(), fault.Usage)
}

func TestAnImportIsApprovedForAKeyThatIsSaid(t *testing.T) {
	noLeaks(t)
	p := newProduction(t)
	for _, a := range []custody.Activity{custody.KeyImport, custody.KeyForm} {
		for what, change := range map[string]func(*Intent){
			"no attributes":  func(in *Intent) { in.Attributes = custody.Attributes{} },
			"no check value": func(in *Intent) { in.Check = kcv.Value{} },
		} {
			in := importing(p, kcv.Value{Digits: "08D7B4", Method: kcv.CMAC})
			in.Activity = a
			change(&in)
			_, err := p.client.Begin(t.Context(), in)
			if !fault.Is(err, fault.Usage) {
				t.Errorf("%s with %s: %v", a, what, err)
			}
		}
	}
	if n := len(p.recorded(audit.ApprovalUse, audit.Done)); n != 0 {
		t.Errorf("%d approvals were asked for", n)
	}
}

func TestOneApprovalIsForOneKey(t *testing.T) {
	noLeaks(t)
	p := newProduction(t)
	clear, check := pek(t)
	defer clear.Wipe()
	w := begin(t, p.client, importing(p, check))
	a := hsm.Attributes{Algorithm: keys.AES128, Usage: keys.UsagePIN, Label: "PEK#1"}
	if _, err := w.Import(t.Context(), clear.Clone(), a, hsm.Policy{}); err != nil {
		t.Fatal(err)
	}
	_, err := w.Import(t.Context(), clear.Clone(), a, hsm.Policy{})
	wantKind(t, err, fault.NotPermitted, "label already")
	a.Label = ""
	loose, err := w.Import(t.Context(), clear.Clone(), a, hsm.Policy{})
	if err != nil {
		t.Fatal(err)
	}
	_, err = w.Keep(t.Context(), loose, "PEK#1")
	wantKind(t, err, fault.NotPermitted, "label already")
}

func TestAnOperationLabelsOneKeyAndABatchEachLabelOnce(t *testing.T) {
	noLeaks(t)
	inner := master(t)
	for _, e := range []custody.Environment{custody.Test, custody.Production} {
		l := limitedTo(inner, custody.KeyGenerate, e, "ZMK#1")
		make := func(label string) error {
			_, err := l.Generate(t.Context(), hsm.Attributes{Algorithm: keys.AES128, Label: label}, hsm.Policy{})
			return err
		}
		wantKind(t, make("ZMK#7"), fault.NotPermitted) // another version is another key
		if _, err := l.Generate(t.Context(), hsm.Attributes{Algorithm: "none", Label: "ZMK#1"}, hsm.Policy{}); err == nil {
			t.Error("a key of no algorithm")
		}
		var wg sync.WaitGroup
		made := atOnce(&wg, 4, func() error { return make("ZMK#1") })
		if made != 1 {
			t.Errorf("%s: %d keys got one label", e, made)
		}
		wantKind(t, make("ZMK#1"), fault.NotPermitted)
		l = limitedTo(inner, custody.KeyDerive, e, "")
		l.powers, l.batch = l.powers|canGenerate, true
		for label, may := range map[string]bool{"A#1": true, "B#1": true} {
			if err := make(label); (err == nil) != may {
				t.Errorf("%s: %v", label, err)
			}
			wantKind(t, make(label), fault.NotPermitted)
		}
		if _, err := l.Generate(t.Context(), hsm.Attributes{Algorithm: "none", Label: "C#1"}, hsm.Policy{}); err == nil {
			t.Error("a key of no algorithm")
		}
		if err := make("C#1"); err != nil {
			t.Errorf("a label that no key got: %v", err)
		}
	}
}

// atOnce does something several times at once and counts how often it was done.
func atOnce(wg *sync.WaitGroup, times int, do func() error) int {
	var mu sync.Mutex
	n := 0
	for range times {
		wg.Go(func() {
			if do() == nil {
				mu.Lock()
				n++
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	return n
}

// TestWhatIsDerivedProtectsNothingInProduction: whoever knows an initial key knows its update key.
func TestWhatIsDerivedProtectsNothingInProduction(t *testing.T) {
	noLeaks(t)
	ctx, inner := t.Context(), master(t)
	ik, zmk := held(t, inner, keys.AES128, keys.UsageIK, "IK#1"), held(t, inner, keys.AES256, keys.UsageKBPK, "ZMK#1")
	tpk := held(t, inner, keys.AES128, keys.UsagePIN, "TPK#1")
	ksn, err := dukpt.ParseKSN("123456789012345600000001")
	if err != nil {
		t.Fatal(err)
	}
	for e, may := range map[custody.Environment]bool{custody.Test: true, custody.Production: false} {
		for what, d := range map[string]hsm.Derivation{
			"update":  {From: hsm.FromIK, KSN: ksn, Want: hsm.WantUpdate},
			"working": {From: hsm.FromIK, KSN: ksn, Want: hsm.WantWorking, Use: dukpt.KEK},
		} {
			l := limitedTo(inner, custody.KeyDerive, e, "UPD#1")
			k, err := l.Derive(ctx, ik, d, hsm.Policy{})
			if err != nil {
				t.Fatal(err)
			}
			_, wrapped := l.Wrap(ctx, k, zmk, wrapHeader(k), keyblock.WrapOptions{})
			_, under := l.Wrap(ctx, tpk, k, wrapHeader(tpk), keyblock.WrapOptions{})
			kept, err := l.Keep(ctx, k, "UPD#1")
			if (err == nil) != may || (wrapped == nil) != may || err != nil && !fault.Is(err, fault.NotPermitted) ||
				wrapped != nil && !fault.Is(wrapped, fault.NotPermitted) {
				t.Errorf("%s in %s: kept %q, %v, in a block %v", what, e, kept.Label, err, wrapped)
			}
			if !fault.Is(under, fault.NotPermitted) {
				t.Errorf("%s in %s: a key of the store went under it: %v", what, e, under)
			}
			if _, err := l.CheckValue(ctx, k, "", 0); err != nil {
				t.Errorf("%s in %s: its check value: %v", what, e, err)
			}
		}
		l := limitedTo(inner, custody.KeyDerive, e, "PEK#1")
		k, err := l.Derive(ctx, ik, hsm.Derivation{From: hsm.FromIK, KSN: ksn, Want: hsm.WantWorking, Use: dukpt.PIN}, hsm.Policy{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := l.Keep(ctx, k, "PEK#1"); err != nil {
			t.Errorf("a derived key that protects none, in %s: %v", e, err)
		}
	}
}
