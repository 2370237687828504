//go:build linux || darwin

package agent

import (
	"fmt"
	"testing"

	"poskey/internal/fault"
	"poskey/internal/secret"
	"poskey/pkg/custody"
	"poskey/pkg/dukpt"
	"poskey/pkg/hsm"
	"poskey/pkg/kcv"
	"poskey/pkg/keyblock"
	"poskey/pkg/keys"
)

// master is a strict boundary as a store has it.
func master(t *testing.T) hsm.Boundary {
	t.Helper()
	key, err := keys.Generate(realEnv().Rand, keys.AES256)
	if err != nil {
		t.Fatal(err)
	}
	b, err := hsm.NewMaster(realEnv(), key, hsm.Info{Driver: "test", Name: "test"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() })
	return b
}

// limitedTo is a work of a standing permission, on a label.
func limitedTo(inner hsm.Boundary, a custody.Activity, e custody.Environment, label string) *limited {
	return &limited{inner: inner, activity: a, powers: powersOf(a, e), label: label, strict: e == custody.Production}
}

// held makes a key of the store.
func held(t *testing.T, b hsm.Boundary, alg keys.Algorithm, u keys.Usage, label string) hsm.Key {
	t.Helper()
	k, err := b.Generate(t.Context(), hsm.Attributes{Algorithm: alg, Usage: u, Label: label}, hsm.Policy{})
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func wrapHeader(k hsm.Key) keyblock.Header {
	return keyblock.Header{Version: 'D', Usage: k.Usage, Algorithm: keyblock.AlgorithmChar(k.Algorithm), Mode: k.Mode,
		KeyVersion: "00", Exportability: 'E', Context: '0', Reserved: '0'}
}

func TestAKeyWithoutALabelStaysInItsWork(t *testing.T) {
	noLeaks(t)
	ctx, inner := t.Context(), master(t)
	stored := held(t, inner, keys.AES256, keys.UsageKBPK, "ZMK#1")
	ksn, err := dukpt.ParseKSN("123456789012345600000001")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range []custody.Environment{custody.Test, custody.Production} {
		before := limitedTo(inner, custody.KeyGenerate, e, "")
		known, err := before.Generate(ctx, hsm.Attributes{Algorithm: keys.AES256, Usage: keys.UsageKBPK}, hsm.Policy{})
		if err != nil {
			t.Fatal(err)
		}
		w, err := inner.Wrap(ctx, stored, known, wrapHeader(stored), keyblock.WrapOptions{})
		if err != nil {
			t.Fatal(err)
		}
		block, err := keyblock.Parse(w.Block)
		if err != nil {
			t.Fatal(err)
		}
		expected, err := kcv.Parse(known.Check.Digits)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := before.CheckValue(ctx, known, "", 0); err != nil {
			t.Errorf("in its own work: %v", err)
		}
		uses := map[custody.Activity]func(l *limited) error{
			custody.KeyUnwrap: func(l *limited) error { _, err := l.Unwrap(ctx, block, known, hsm.Policy{}); return err },
			custody.KeyImport: func(l *limited) error { _, err := l.Keep(ctx, known, "EVIL#1"); return err },
			custody.KeyWrap: func(l *limited) error {
				_, err := l.Wrap(ctx, stored, known, wrapHeader(stored), keyblock.WrapOptions{})
				return err
			},
			custody.KeyTranslate: func(l *limited) error { _, err := l.Translate(ctx, block, known, stored, hsm.Change{}); return err },
			custody.KeyProbe:     func(l *limited) error { _, err := l.Examine(ctx, block, known); return err },
			custody.KeyCheck:     func(l *limited) error { _, err := l.CheckValue(ctx, known, "", 0); return err },
			custody.KSNAllocate:  func(l *limited) error { _, err := l.Compare(ctx, known, expected, ""); return err },
			custody.KeyForm:      func(l *limited) error { _, err := l.CheckData(ctx, known); return err },
			custody.KeyDerive: func(l *limited) error {
				_, err := l.Derive(ctx, known, hsm.Derivation{From: hsm.FromBDK, KSN: ksn, Want: hsm.WantIK}, hsm.Policy{})
				return err
			},
			custody.DeviceInject: func(l *limited) error {
				_, err := l.Wrap(ctx, known, stored, wrapHeader(known), keyblock.WrapOptions{})
				return err
			},
		}
		for a, use := range uses {
			if err := use(limitedTo(inner, a, e, "EVIL#1")); !fault.Is(err, fault.NotPermitted) {
				t.Errorf("%s in %s: a key of another work was used: %v", a, e, err)
			}
		}
	}
}

func TestADiagnosisTakesInNothingThatProtectsOrDerives(t *testing.T) {
	noLeaks(t)
	inner := master(t)
	for _, e := range []custody.Environment{custody.Test, custody.Production} {
		l := limitedTo(inner, custody.KeyProbe, e, "ZMK#1")
		for u, may := range map[keys.Usage]bool{"": true, keys.UsageData: true, keys.UsageKEK: false, keys.UsageKBPK: false,
			keys.UsageKBPKISO: false, keys.UsageBDK: false, keys.UsageIK: false} {
			clear := secret.New(32)
			_, err := l.Import(t.Context(), clear, hsm.Attributes{Algorithm: keys.AES256, Usage: u}, hsm.Policy{Inspect: true})
			if (err == nil) != may || err != nil && !fault.Is(err, fault.NotPermitted) {
				t.Errorf("usage %q in %s: %v", u, e, err)
			}
		}
	}
}

func TestInProductionBlocksAreOpenedUnderKeysOfTheStoreOnly(t *testing.T) {
	noLeaks(t)
	ctx, inner := t.Context(), master(t)
	stored := held(t, inner, keys.AES256, keys.UsageKBPK, "ZMK#1")
	for e, may := range map[custody.Environment]bool{custody.Test: true, custody.Production: false} {
		l := limitedTo(inner, custody.KeyUnwrap, e, "NEW#1")
		l.powers |= canGenerate | canTranslate | canDerive // one that was born in the work itself
		known, err := l.Generate(ctx, hsm.Attributes{Algorithm: keys.AES256, Usage: keys.UsageKBPK}, hsm.Policy{})
		if err != nil {
			t.Fatal(err)
		}
		w, err := inner.Wrap(ctx, stored, known, wrapHeader(stored), keyblock.WrapOptions{})
		if err != nil {
			t.Fatal(err)
		}
		block, err := keyblock.Parse(w.Block)
		if err != nil {
			t.Fatal(err)
		}
		_, unwrapped := l.Unwrap(ctx, block, known, hsm.Policy{})
		_, moved := l.Translate(ctx, block, known, stored, hsm.Change{})
		for what, err := range map[string]error{"unwrap": unwrapped, "translate": moved} {
			if (err == nil) != may || err != nil && !fault.Is(err, fault.NotPermitted) {
				t.Errorf("%s in %s: %v", what, e, err)
			}
		}
	}
}

func TestAKeyGetsItsLabelInTheWorkOfItsBirth(t *testing.T) {
	noLeaks(t)
	ctx, inner := t.Context(), master(t)
	old := held(t, inner, keys.AES256, keys.UsageKBPK, "ZMK#1")
	for _, e := range []custody.Environment{custody.Test, custody.Production} {
		l := limitedTo(inner, custody.KeyGenerate, e, "ZMK#1")
		if _, err := l.Keep(ctx, old, "ZMK#1"); !fault.Is(err, fault.NotPermitted) {
			t.Errorf("%s: a key that was there before: %v", e, err)
		}
		fresh, err := l.Generate(ctx, hsm.Attributes{Algorithm: keys.AES256, Usage: keys.UsageKBPK}, hsm.Policy{})
		if err != nil {
			t.Fatal(err)
		}
		if k, err := l.Keep(ctx, fresh, "ZMK#1"); err != nil || k.Label != "ZMK#1" {
			t.Errorf("%s: its own: %v", e, err)
		}
	}
}

func TestDerivingExportsNothingElse(t *testing.T) {
	noLeaks(t)
	ctx, inner := t.Context(), master(t)
	zmk, pek := held(t, inner, keys.AES256, keys.UsageKBPK, "ZMK#1"), held(t, inner, keys.AES128, keys.UsagePIN, "PEK#1")
	bdk := held(t, inner, keys.AES128, keys.UsageBDK, "BDK#1")
	ksn, err := dukpt.ParseKSN("123456789012345600000001")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range []custody.Environment{custody.Test, custody.Production} {
		wrap := func(l *limited, k, kbpk hsm.Key) error {
			_, err := l.Wrap(ctx, k, kbpk, wrapHeader(k), keyblock.WrapOptions{AllowUnfit: true})
			return err
		}
		derive := limitedTo(inner, custody.KeyDerive, e, "IK#1")
		ik, err := derive.Derive(ctx, bdk, hsm.Derivation{From: hsm.FromBDK, KSN: ksn, Want: hsm.WantIK}, hsm.Policy{})
		if err != nil {
			t.Fatal(err)
		}
		if err := wrap(derive, ik, zmk); err != nil {
			t.Errorf("%s: what was derived: %v", e, err)
		}
		wantKind(t, wrap(derive, pek, zmk), fault.NotPermitted)
	}
}

// rotation is a work that rotates ZMK#1, which hangs under TOP#1 and has PEK#1 under it, with a key KNOWN#1 beside.
type rotation struct {
	t                              *testing.T
	l                              *limited
	zmk, top, pek, known, next     hsm.Key
	pekUnderZMK, zmkUnderTop, fake *keyblock.Block
}

func rotating(t *testing.T, e custody.Environment) *rotation {
	t.Helper()
	inner := master(t)
	r := &rotation{t: t, l: limitedTo(inner, custody.KeyRotate, e, "ZMK#1"),
		zmk: held(t, inner, keys.AES256, keys.UsageKBPK, "ZMK#1"), top: held(t, inner, keys.AES256, keys.UsageKBPK, "TOP#1"),
		pek: held(t, inner, keys.AES128, keys.UsagePIN, "PEK#1"), known: held(t, inner, keys.AES256, keys.UsageKBPK, "KNOWN#1")}
	block := func(k, kbpk hsm.Key) *keyblock.Block {
		w, err := inner.Wrap(t.Context(), k, kbpk, wrapHeader(k), keyblock.WrapOptions{})
		if err != nil {
			t.Fatal(err)
		}
		b, err := keyblock.Parse(w.Block)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	r.pekUnderZMK, r.zmkUnderTop = block(r.pek, r.zmk), block(r.zmk, r.top)
	r.fake = block(held(t, inner, keys.AES256, keys.UsageKBPK, "ZMK#1"), r.known)
	if _, err := r.l.CheckValue(t.Context(), r.zmk, "", 0); err != nil {
		t.Fatal(err)
	}
	var err error
	r.next, err = r.l.Generate(t.Context(), hsm.Attributes{Algorithm: keys.AES256, Usage: keys.UsageKBPK, Label: "ZMK#2"}, hsm.Policy{})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func (r *rotation) open(b *keyblock.Block, kbpk hsm.Key) hsm.Key {
	r.t.Helper()
	o, err := r.l.Unwrap(r.t.Context(), b, kbpk, hsm.Policy{})
	if err != nil {
		r.t.Fatal(err)
	}
	return o.Key
}

func (r *rotation) wrap(k, kbpk hsm.Key) error {
	_, err := r.l.Wrap(r.t.Context(), k, kbpk, wrapHeader(k), keyblock.WrapOptions{AllowUnfit: true})
	return err
}

func TestARotationMovesWhatStoodUnderTheKey(t *testing.T) {
	noLeaks(t)
	for _, e := range []custody.Environment{custody.Test, custody.Production} {
		r := rotating(t, e)
		child := r.open(r.pekUnderZMK, r.zmk)
		if err := r.wrap(child, r.next); err != nil {
			t.Errorf("%s: what stood under the key: %v", e, err)
		}
		wantKind(t, r.wrap(r.next, r.top), fault.NotPermitted) // nobody has shown that it is the parent
		r.open(r.zmkUnderTop, r.top)
		if err := r.wrap(r.next, r.top); err != nil {
			t.Errorf("%s: the successor under the parent of the key: %v", e, err)
		}
	}
}

// TestARotationIsNoWrappingInTwoSteps: a key of the store that goes under the successor, which goes under a key that
// somebody knows, has left.
func TestARotationIsNoWrappingInTwoSteps(t *testing.T) {
	noLeaks(t)
	for _, e := range []custody.Environment{custody.Test, custody.Production} {
		r := rotating(t, e)
		child := r.open(r.pekUnderZMK, r.zmk)
		fake := r.open(r.fake, r.known) // another key of the same label: it shows nothing
		for what, err := range map[string]error{
			"any key under the successor":             r.wrap(r.pek, r.next),
			"the key itself under the successor":      r.wrap(r.zmk, r.next),
			"any key under any other":                 r.wrap(r.pek, r.zmk),
			"what stood under it under another":       r.wrap(child, r.known),
			"what stood elsewhere":                    r.wrap(fake, r.next),
			"what it stood under under the successor": r.wrap(r.top, r.next),
		} {
			if !fault.Is(err, fault.NotPermitted) {
				t.Errorf("%s: %s: %v", e, what, err)
			}
		}
		if err := r.wrap(child, r.next); err != nil {
			t.Fatal(err)
		}
		wantKind(t, r.wrap(r.next, r.known), fault.NotPermitted)
		r = rotating(t, e) // the other way round
		if err := r.wrap(r.next, r.known); err != nil {
			t.Errorf("%s: a successor of a key without children: %v", e, err)
		}
		wantKind(t, r.wrap(r.open(r.pekUnderZMK, r.zmk), r.next), fault.NotPermitted)
		_, err := r.l.Keep(t.Context(), r.open(r.pekUnderZMK, r.zmk), "ZMK#3")
		wantKind(t, err, fault.NotPermitted)
	}
}

func TestAnUnwrappedKeyHangsUnderItsParentAndNothingElseLeaves(t *testing.T) {
	noLeaks(t)
	ctx, inner := t.Context(), master(t)
	zmk, pek := held(t, inner, keys.AES256, keys.UsageKBPK, "ZMK#1"), held(t, inner, keys.AES128, keys.UsagePIN, "PEK#1")
	w, err := inner.Wrap(ctx, pek, zmk, wrapHeader(pek), keyblock.WrapOptions{})
	if err != nil {
		t.Fatal(err)
	}
	block, err := keyblock.Parse(w.Block)
	if err != nil {
		t.Fatal(err)
	}
	l := limitedTo(inner, custody.KeyUnwrap, custody.Production, "NEW#1")
	l.batch = true // of several keys
	keep := func(label string) (loose, kept hsm.Key) {
		o, err := l.Unwrap(ctx, block, zmk, hsm.Policy{})
		if err != nil {
			t.Fatal(err)
		}
		if kept, err = l.Keep(ctx, o.Key, label); err != nil {
			t.Fatal(err)
		}
		return o.Key, kept
	}
	wrap := func(k, kbpk hsm.Key) error {
		_, err := l.Wrap(ctx, k, kbpk, wrapHeader(k), keyblock.WrapOptions{})
		return err
	}
	loose, first := keep("NEW#1")
	if err := wrap(first, zmk); err != nil {
		t.Errorf("the key that got its label: %v", err)
	}
	_, second := keep("NEW#2")
	for what, err := range map[string]error{
		"one labelled before": wrap(first, zmk), "one without a label": wrap(loose, zmk), "another key": wrap(pek, zmk),
		"under one without a label": wrap(second, loose),
	} {
		if !fault.Is(err, fault.NotPermitted) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func TestInProductionAKBPKIsStrongWhateverACommandAllows(t *testing.T) {
	noLeaks(t)
	ctx, inner := t.Context(), master(t)
	long, from := held(t, inner, keys.AES256, keys.UsagePIN, "PEK#1"), held(t, inner, keys.AES256, keys.UsageKBPK, "ZMK#1")
	short := held(t, inner, keys.AES128, keys.UsageKBPK, "SHORT#1")
	counts := secret.New(32)
	for i := range counts.Expose() {
		counts.Expose()[i] = 0x40 + byte(i)
	}
	weak, err := inner.Import(ctx, counts, hsm.Attributes{Algorithm: keys.AES256, Usage: keys.UsageKBPK, Label: "AKB#1"},
		hsm.Policy{AllowWeak: true})
	if err != nil {
		t.Fatal(err)
	}
	w, err := inner.Wrap(ctx, long, from, wrapHeader(long), keyblock.WrapOptions{})
	if err != nil {
		t.Fatal(err)
	}
	block, err := keyblock.Parse(w.Block)
	if err != nil {
		t.Fatal(err)
	}
	for e, may := range map[custody.Environment]bool{custody.Test: true, custody.Production: false} {
		for _, kbpk := range []hsm.Key{short, weak} {
			kbpk.Weak = nil
			_, wrapped := limitedTo(inner, custody.KeyWrap, e, "").Wrap(ctx, long, kbpk, wrapHeader(long),
				keyblock.WrapOptions{AllowWeak: true})
			_, moved := limitedTo(inner, custody.KeyTranslate, e, "").Translate(ctx, block, from, kbpk, hsm.Change{AllowWeak: true})
			for what, err := range map[string]error{"wrap": wrapped, "translate": moved} {
				if (err == nil) != may || err != nil && !fault.Is(err, fault.WeakKey) {
					t.Errorf("%s under %s in %s: %v", what, kbpk.Label, e, err)
				}
			}
		}
	}
}

func TestAProductionStoreLabelsNoWeakKey(t *testing.T) {
	noLeaks(t)
	l := limitedTo(master(t), custody.KeyImport, custody.Production, "PEK#1")
	k, err := l.Import(t.Context(), secret.New(16), hsm.Attributes{Algorithm: keys.AES128}, hsm.Policy{AllowWeak: true})
	if err != nil {
		t.Fatal(err)
	}
	_, err = l.Keep(t.Context(), k, "PEK#1")
	wantKind(t, err, fault.WeakKey)
}

func TestAKeyThatIsUsedIsNotForgotten(t *testing.T) {
	var b remembered
	b.add("used")
	b.add("left")
	for i := range 3 * maxRemembered {
		b.add(fmt.Sprint(i))
		if i%1000 == 0 && !b.has("used") {
			t.Fatalf("after %d keys one that is used is forgotten", i)
		}
	}
	if b.has("left") || b.has("") || !b.has(fmt.Sprint(3*maxRemembered-1)) || len(b.young)+len(b.old) > 2*maxRemembered {
		t.Errorf("%d and %d keys are remembered", len(b.young), len(b.old))
	}
}
