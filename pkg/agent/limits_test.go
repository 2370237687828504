//go:build linux || darwin

package agent

import (
	"context"
	"testing"

	"poskey/internal/fault"
	"poskey/internal/secret"
	"poskey/pkg/component"
	"poskey/pkg/custody"
	"poskey/pkg/dukpt"
	"poskey/pkg/hsm"
	"poskey/pkg/kcv"
	"poskey/pkg/keyblock"
	"poskey/pkg/keys"
)

// calls lists every call of a boundary that a power stands for.
func calls(t *testing.T, w *limited, k hsm.Key) map[powers]func() error {
	t.Helper()
	ctx := t.Context()
	block, err := keyblock.Parse(k.Block)
	if err != nil {
		t.Fatal(err)
	}
	ksn, err := dukpt.ParseKSN("FFFF9876543210E00001")
	if err != nil {
		t.Fatal(err)
	}
	expected, err := kcv.Parse("123456")
	if err != nil {
		t.Fatal(err)
	}
	part := func(fill byte) *component.Part {
		value := secret.New(16)
		for i := range value.Expose() {
			value.Expose()[i] = fill + byte(i)
		}
		p, err := component.Bare(keys.AES128, value)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	return map[powers]func() error{
		canGenerate: func() error {
			_, err := w.Generate(ctx, hsm.Attributes{Algorithm: keys.AES128}, hsm.Policy{})
			return err
		},
		canImport: func() error {
			clear := secret.New(16)
			_, err := w.Import(ctx, clear, hsm.Attributes{Algorithm: keys.AES128}, hsm.Policy{AllowWeak: true})
			if clear.Len() != 0 {
				t.Error("a clear key was handed in and is not wiped")
			}
			return err
		},
		canForm: func() error {
			parts := []*component.Part{part(3), part(5)}
			_, err := w.Form(ctx, hsm.Forming{Parts: parts, Policy: hsm.Policy{AllowWeak: true},
				Attributes: hsm.Attributes{Algorithm: keys.AES128}})
			if parts[0].Value.Len() != 0 {
				t.Error("a component was handed in and is not wiped")
			}
			return err
		},
		canSplit: func() error {
			parts, err := w.Split(ctx, k, component.Spec{Scheme: component.XOR, Parts: 2})
			component.WipeAll(parts)
			return err
		},
		canDerive: func() error {
			_, err := w.Derive(ctx, k, hsm.Derivation{From: hsm.FromBDK, KSN: ksn, Want: hsm.WantIK}, hsm.Policy{})
			return err
		},
		canTell: func() error {
			_, err := w.Identify(ctx, k, expected, "")
			return err
		},
		canKeep: func() error {
			_, err := w.Keep(ctx, k, k.Label)
			return err
		},
		canWrap: func() error {
			_, err := w.Wrap(ctx, k, k, block.Header, keyblock.WrapOptions{})
			return err
		},
		canUnwrap: func() error {
			_, err := w.Unwrap(ctx, block, k, hsm.Policy{})
			return err
		},
		canTranslate: func() error {
			_, err := w.Translate(ctx, block, k, k, hsm.Change{})
			return err
		},
		canExamine: func() error {
			_, err := w.Examine(ctx, block, k)
			return err
		},
		canReveal: func() error {
			clear, err := w.Reveal(ctx, k)
			clear.Wipe()
			return err
		},
		canProbe: func() error {
			p, err := w.Prober(ctx, []hsm.Key{k})
			if err == nil {
				err = p.Close()
			}
			return err
		},
	}
}

// refusal is the sentence by which the limits refuse; what the boundary itself refuses reads otherwise.
func isLimit(err error, a custody.Activity) bool {
	return fault.Is(err, fault.NotPermitted) && err.Error() == string(a)+" does not take this"
}

func TestAnActivityMakesItsOwnCallsAndNoOthers(t *testing.T) {
	noLeaks(t)
	inner, err := hsm.NewSoft(realEnv())
	if err != nil {
		t.Fatal(err)
	}
	defer inner.Close()
	k, err := inner.Generate(t.Context(), hsm.Attributes{Algorithm: keys.TDES128, Usage: keys.UsageBDK, Label: "A#1"},
		hsm.Policy{})
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range []custody.Environment{custody.Test, custody.Production} {
		for _, r := range custody.Rules() {
			l := &limited{inner: inner, activity: r.Activity, powers: powersOf(r.Activity, e), label: "A#1", check: k.Check,
				strict: e == custody.Production, anybody: isAnybodys(r.Activity, e)}
			for p, call := range calls(t, l, k) {
				err := call()
				if may := l.powers&p != 0; may == isLimit(err, r.Activity) {
					t.Errorf("%s in %s, call %b: allowed is %v, the error %v", r.Activity, e, p, may, err)
				}
			}
			_, value := l.CheckValue(t.Context(), k, "", 0)
			_, compared := l.Compare(t.Context(), k, kcv.Expected{Digits: k.Check.Digits}, "")
			_, data := l.CheckData(t.Context(), k)
			for what, err := range map[string]error{"check value": value, "comparison": compared, "check data": data} {
				if may := r.ByShares || len(r.Terms(e).Needs) > 0; may != (err == nil) || !may && !isLimit(err, r.Activity) {
					t.Errorf("%s in %s: %s: allowed is %v, the error %v", r.Activity, e, what, may, err)
				}
			}
		}
	}
}

func TestInProductionNoClearKeyComesInOutOrBesideWithoutApproval(t *testing.T) {
	for _, a := range custody.StandingActivities(custody.Production) {
		if p := powersOf(a, custody.Production); p&(canImport|canForm|canSplit|canReveal|canProbe) != 0 {
			t.Errorf("%s may be allowed for a time and has the powers %b", a, p)
		}
	}
}

func TestOtherMethodsThanTheDefaultAreForCheckingAlone(t *testing.T) {
	inner, err := hsm.NewSoft(realEnv())
	if err != nil {
		t.Fatal(err)
	}
	defer inner.Close()
	k, err := inner.Generate(t.Context(), hsm.Attributes{Algorithm: keys.AES128, Label: "A#1"}, hsm.Policy{})
	if err != nil {
		t.Fatal(err)
	}
	for a, may := range map[custody.Activity]bool{custody.KeyCheck: true, custody.KeyWrap: false, custody.KSNAllocate: false} {
		l := &limited{inner: inner, activity: a, powers: powersOf(a, custody.Production)}
		if _, err := l.CheckValue(t.Context(), k, kcv.SHA256, 0); (err == nil) != may {
			t.Errorf("%s: %v", a, err)
		}
	}
}

// approved makes a boundary limited to one key, as after an approval, with this key and another one.
func approved(t *testing.T, a custody.Activity, e custody.Environment) (l *limited, own, other hsm.Key) {
	t.Helper()
	inner, err := hsm.NewSoft(realEnv())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = inner.Close() })
	make := func(label string) hsm.Key {
		k, err := inner.Generate(t.Context(), hsm.Attributes{Algorithm: keys.AES128, Label: label}, hsm.Policy{})
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	own, other = make("ZMK-2026#1"), make("PEK#1")
	return &limited{inner: inner, activity: a, powers: powersOf(a, e), label: own.Label, check: own.Check, bound: true,
		strict: e == custody.Production}, own, other
}

func TestAPermitForOneKeyOpensNoOther(t *testing.T) {
	for _, e := range []custody.Environment{custody.Test, custody.Production} {
		l, own, other := approved(t, custody.KeyReveal, e)
		reveal := func(k hsm.Key) error {
			clear, err := l.Reveal(t.Context(), k)
			clear.Wipe()
			return err
		}
		twin, err := l.inner.Generate(t.Context(), hsm.Attributes{Algorithm: keys.AES128, Label: own.Label}, hsm.Policy{})
		if err != nil {
			t.Fatal(err)
		}
		loose, err := l.inner.Generate(t.Context(), hsm.Attributes{Algorithm: keys.AES128}, hsm.Policy{})
		if err != nil {
			t.Fatal(err)
		}
		renamed := other
		renamed.Label = own.Label
		swapped := own
		swapped.Block = other.Block
		for what, k := range map[string]hsm.Key{
			"another key": other, "another key under the name": renamed, "another block in the handle": swapped,
			"another key of the same name": twin, "a key without a name": loose,
		} {
			if err := reveal(k); err == nil {
				t.Errorf("%s in %s was revealed", what, e)
			}
		}
		if err := reveal(own); err != nil {
			t.Errorf("the key itself: %v", err)
		}
		if err := reveal(swapped); err == nil {
			t.Error("after the key itself another block in its handle was revealed")
		}
	}
}

func TestSplittingNeedsTheCheckValueThatWasApproved(t *testing.T) {
	l, own, _ := approved(t, custody.KeySplit, custody.Production)
	l.check = kcv.Value{}
	if _, err := l.Split(t.Context(), own, component.Spec{Scheme: component.XOR, Parts: 2}); !fault.Is(err,
		fault.NotPermitted) {
		t.Errorf("without a check value: %v", err)
	}
}

func TestAKeyThatIsFormedMustHaveTheCheckValueThatWasApproved(t *testing.T) {
	noLeaks(t)
	l, own, _ := approved(t, custody.KeyImport, custody.Production)
	clear, err := l.inner.Reveal(t.Context(), own)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.Import(t.Context(), clear.Clone(), hsm.Attributes{Algorithm: keys.AES128, Label: "PEK#1"},
		hsm.Policy{}); !fault.Is(err, fault.NotPermitted) {
		t.Errorf("under another name: %v", err)
	}
	other := clear.Clone()
	other.Expose()[3] ^= 0x40
	for _, label := range []string{own.Label, ""} {
		if _, err := l.Import(t.Context(), other.Clone(), hsm.Attributes{Algorithm: keys.AES128, Label: label},
			hsm.Policy{}); !fault.Is(err, fault.NotPermitted) {
			t.Errorf("another key, label %q: %v", label, err)
		}
	}
	lied, err := l.inner.Import(t.Context(), other, hsm.Attributes{Algorithm: keys.AES128}, hsm.Policy{})
	if err != nil {
		t.Fatal(err)
	}
	l.births.add(lied.Block)
	lied.Check = own.Check
	if kept, err := l.Keep(t.Context(), lied, own.Label); err == nil {
		t.Errorf("another key was kept under the name: %s", kept.Check)
	}
	k, err := l.Import(t.Context(), clear, hsm.Attributes{Algorithm: keys.AES128, Label: own.Label}, hsm.Policy{})
	if err != nil || k.Label != own.Label {
		t.Errorf("the key that was approved, after slips: %v", err)
	}
}

func TestAKeyGetsNoOtherNameThanTheOperationIsAbout(t *testing.T) {
	inner, err := hsm.NewSoft(realEnv())
	if err != nil {
		t.Fatal(err)
	}
	defer inner.Close()
	for _, c := range []struct {
		activity custody.Activity
		about    string
		batch    bool
		label    string
		may      bool
	}{
		{custody.KeyGenerate, "ZMK-2026#1", false, "ZMK-2026#1", true},
		{custody.KeyRotate, "ZMK-2026#1", false, "ZMK-2026#2", true},
		{custody.KeyRotate, "ZMK-2026#1", false, "ZMK-2026#1", false},
		{custody.KeyGenerate, "ZMK-2026#1", false, "ZMK-2026#2", false},
		{custody.KeyGenerate, "ZMK-2026#1", false, "ZMK-2027#1", false},
		{custody.KeyGenerate, "", false, "ZMK-2026#1", false},
		{custody.KeyGenerate, "", true, "ZMK-2026#1", true},
		{custody.KeyGenerate, "ZMK-2026#1", false, "", true},
	} {
		l := &limited{inner: inner, activity: c.activity, powers: powersOf(c.activity, custody.Production), label: c.about,
			batch: c.batch}
		_, err := l.Generate(t.Context(), hsm.Attributes{Algorithm: keys.AES128, Label: c.label}, hsm.Policy{})
		if (err == nil) != c.may {
			t.Errorf("%s about %q, label %q: %v", c.activity, c.about, c.label, err)
		}
	}
}

func TestInProductionNoKeyIsWrappedUnderOneThatIsNotOfTheStore(t *testing.T) {
	inner, err := hsm.NewSoft(realEnv())
	if err != nil {
		t.Fatal(err)
	}
	defer inner.Close()
	kbpk := func(label string) hsm.Key {
		k, err := inner.Generate(t.Context(), hsm.Attributes{Algorithm: keys.AES256, Usage: keys.UsageKBPK, Label: label},
			hsm.Policy{})
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	k, loose, own := kbpk("K#1"), kbpk(""), kbpk("ZMK#1")
	h := keyblock.Header{Version: 'D', Usage: k.Usage, Algorithm: 'A', Mode: k.Mode, KeyVersion: "00", Exportability: 'E',
		Context: '0', Reserved: '0'}
	l := &limited{inner: inner, activity: custody.KeyWrap, powers: powersOf(custody.KeyWrap, custody.Production), strict: true}
	if _, err := l.Wrap(t.Context(), k, loose, h, keyblock.WrapOptions{}); !fault.Is(err, fault.NotPermitted) {
		t.Errorf("under a key of nobody: %v", err)
	}
	if _, err := l.Wrap(t.Context(), k, own, h, keyblock.WrapOptions{}); err != nil {
		t.Errorf("under a key of the store: %v", err)
	}
	if got := l.usedLabels(); got != "K#1 ZMK#1" {
		t.Errorf("the record would name the keys %q", got)
	}
}

func TestNothingIsDoneAfterAnEnd(t *testing.T) {
	l, own, _ := approved(t, custody.KeyReveal, custody.Test)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := l.Reveal(ended, own); !fault.Is(err, fault.Interrupted) {
		t.Errorf("with a context that has ended: %v", err)
	}
	l.closed.Store(true)
	if _, err := l.CheckValue(t.Context(), own, "", 0); err == nil {
		t.Error("after the end a check value was computed")
	}
}
