package cli

// The keys of a plan, and who answers for their check values.

import (
	"context"

	"poskey/internal/text"
	"poskey/pkg/device"
	"poskey/pkg/hsm"
	"poskey/pkg/inject"
	"poskey/pkg/kcv"
	"poskey/pkg/keys"
	"poskey/pkg/store"
)

// keyTaker takes the keys of a plan in, each KLK once.
type keyTaker struct {
	app     *App
	opts    injectOpts          // of them, what is said of the keys
	dialect device.Capabilities // zero where the keys are for devices of any dialect
	intake  *intake
	klks    map[string]hsm.Key
}

func (a *App) keyTaker(o injectOpts, dialect device.Capabilities) *keyTaker {
	return &keyTaker{app: a, opts: o, dialect: dialect, intake: a.intake(), klks: map[string]hsm.Key{}}
}

func (k *keyTaker) plan(ctx context.Context, it *inject.Item) (inject.Plan, error) {
	p, o := it.Plan(), k.opts
	if it.Usage != "" {
		usage, err := keys.ParseUsage(it.Usage)
		if err != nil {
			return p, err
		}
		p.Usage = usage
	}
	mode, err := oneChar("mode", it.Mode)
	if err != nil {
		return p, err
	}
	p.Mode = mode
	if !it.Clear {
		klk, err := k.klk(ctx, it.KBPK)
		if err != nil {
			return p, err
		}
		p.KLK = &klk
	}
	if it.KeySet != "" {
		return p, k.base(ctx, it, &p)
	}
	t, err := k.intake.key(ctx, keyWish{src: it.Key, kbpk: o.keyKBPK, alg: o.alg, what: text.New("the key"), family: keys.TDES128,
		policy:  hsm.Policy{AllowWeak: o.allowWeak},
		purpose: func(n int) (keys.Usage, byte, error) { return inject.Attributes(k.dialect, p, n) }})
	if err != nil {
		return p, err
	}
	if err := t.keepsUsage(p.Usage); err != nil {
		return p, err
	}
	if p.Ref, err = refOfKey(t.Key); err != nil {
		return p, err
	}
	if it.Clear && !o.yes && k.app.Console.CanAsk() { // in a script --clear itself is the word
		if err := k.app.confirm(ctx, false, text.New("The key will cross the line in clear."), "clear"); err != nil {
			return p, err
		}
	}
	p.Key, err = k.app.answerFor(ctx, t, it.Expect, o.yes)
	return p, err
}

func (k *keyTaker) klk(ctx context.Context, src string) (hsm.Key, error) {
	if klk, ok := k.klks[src]; ok && src != "" {
		return klk, nil
	}
	klk, err := k.app.klk(ctx, src, k.opts.allowWeak)
	if err == nil {
		k.klks[src] = klk
	}
	return klk, err
}

// klk takes in a KLK: a TDES key of 16 or 24 bytes, or an AES key where it says so itself.
func (a *App) klk(ctx context.Context, src string, allowWeak bool) (hsm.Key, error) {
	return a.intake().protector(ctx, kbpkWish{src: src, version: 'A', what: text.New("the KLK"), protects: true, allowWeak: allowWeak})
}

// base takes the BDK of a key set.
func (k *keyTaker) base(ctx context.Context, it *inject.Item, p *inject.Plan) error {
	a := k.app
	a.holding.named = true
	db, err := a.openStore(ctx)
	if err != nil {
		return err
	}
	set, err := db.KeySet(ctx, it.KeySet)
	if err != nil {
		return err
	}
	t, err := k.intake.key(ctx, keyWish{src: "store:" + set.BDK.String(), what: text.New("the BDK of key set %s", it.KeySet)})
	if err != nil {
		return err
	}
	p.Ref = set.BDK
	p.Key, err = a.answerFor(ctx, t, it.Expect, k.opts.yes)
	return err
}

// refOfKey is the name of a key in the store, zero for a key given on the spot.
func refOfKey(k hsm.Key) (store.Ref, error) {
	if k.Label == "" {
		return store.Ref{}, nil
	}
	return store.ParseRef(k.Label)
}

// verifySaid compares a key with a check value that somebody said.
func verifySaid(ctx context.Context, b hsm.Boundary, k hsm.Key, said string, method kcv.Method, by hsm.Witness) (hsm.Checked, error) {
	expected, err := kcv.Parse(said)
	if err != nil {
		return hsm.Checked{}, err
	}
	return hsm.Verify(ctx, b, k, expected, method, by)
}

// answerFor finds the strongest witness for a key's check value.
func (a *App) answerFor(ctx context.Context, t taken, expect string, yes bool) (hsm.Checked, error) {
	b, err := a.hsm(ctx)
	if err != nil {
		return hsm.Checked{}, err
	}
	said, method, by := expect, t.Method, hsm.ByExpected
	if said == "" {
		said, by = t.Expected, t.By
	} else {
		method = ""
	}
	if said != "" {
		return verifySaid(ctx, b, t.Key, said, method, by)
	}
	if t.Key.Label != "" { // the store holds its check value, and the boundary has proven it
		return hsm.Verify(ctx, b, t.Key, kcv.Expected{Digits: t.Key.Check.Digits}, t.Key.Check.Method, hsm.ByStore)
	}
	if yes || !a.Console.CanAsk() {
		a.render.Warn(text.New("nobody compared the key's check value %s; --expect does", t.Key.Check))
		return hsm.Accept(t.Key, hsm.Uncompared), nil
	}
	if err := a.confirm(ctx, false, text.New("The key's check value is %s. Compare it with the one you were given.", t.Key.Check), "yes"); err != nil {
		return hsm.Checked{}, err
	}
	return hsm.Accept(t.Key, hsm.ByOperator), nil
}
