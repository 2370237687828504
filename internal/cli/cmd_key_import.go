package cli

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"poskey/internal/fault"
	"poskey/internal/render"
	"poskey/internal/source"
	"poskey/internal/text"
	"poskey/pkg/custody"
	"poskey/pkg/hsm"
	"poskey/pkg/kcv"
	"poskey/pkg/store"
	"poskey/pkg/vault"
)

type keyImportOpts struct {
	key, kbpk, alg, usage, mode, exportability, expect, parent, purpose string
	period                                                              string
	custodians                                                          []string
	allowWeak, dormant                                                  bool
}

func newKeyImportCmd(a *App) *cobra.Command {
	o := keyImportOpts{}
	cmd := a.command(cmdSpec{
		use:   "import LABEL",
		short: text.New("take a key into the store"),
		long: text.New("Best out of a key block under a key of the store (--key block:PATH --kbpk store:ZMK-2026): the attributes come with it, it hangs\n" +
			"under that key, and it is never clear outside the boundary. A key in clear (prompt, file:) is taken too; a production store\n" +
			"asks two custodians for that each time (--approver). To form a key from components, use poskey combine --to store:LABEL."),
		example: "  poskey key import TPK-17 --key block:tpk.tr31 --kbpk store:ZMK-2026 --expect 8D0A74\n" +
			"  poskey key import ZMK-2026 --key file:zmk.txt --alg tdes-128 --usage K0 --expect 08D7B4",
		exits: []int{3, 4, 5, 6, 7, 8, 9}, args: cobra.ExactArgs(1),
	})
	f := cmd.Flags()
	a.keyFlag(f, &o.key)
	a.openKBPKFlag(f, &o.kbpk)
	a.algFlag(f, &o.alg)
	f.StringVar(&o.usage, "usage", "", a.Say.T("key usage of X9.143, such as K0, P0, B0, D0"))
	f.StringVar(&o.mode, "mode", "", a.Say.T("mode of use; the usage's own when left out"))
	f.StringVar(&o.exportability, "exportability", "", a.Say.T("exportability: E, N or S"))
	a.newKeyFlags(f, &o.parent, &o.purpose, &o.period)
	f.StringArrayVar(&o.custodians, "custodian", nil, a.Say.T("who held a component of the key; one for each"))
	f.BoolVar(&o.dormant, "dormant", false, a.Say.T("not active yet: poskey key activate puts it into use"))
	a.allowWeakFlag(f, &o.allowWeak)
	a.expectFlag(f, &o.expect)
	cmd.RunE = func(cmd *cobra.Command, args []string) error { return runKeyImport(cmd.Context(), a, o, args[0]) }
	return cmd
}

func runKeyImport(ctx context.Context, a *App, o keyImportOpts, label string) error {
	wish, activity, err := o.wish()
	if err != nil {
		return err
	}
	if _, err := a.endOf(o.period); err != nil {
		return err
	}
	full, err := a.fullLabel(ctx, strings.TrimPrefix(label, "store:"))
	if err != nil {
		return err
	}
	if _, err := a.begin(ctx, activity, full, nil); err != nil {
		return err
	}
	row, err := a.importRow(ctx, o, full)
	if err != nil {
		return err
	}
	t, err := a.intake().key(ctx, wish)
	if err != nil {
		return err
	}
	if err := o.compare(ctx, a, t); err != nil {
		return err
	}
	if _, own := parentFrom(o.kbpk, o.parent); own { // the block that it came in is that under its parent
		row.Block = t.source
	}
	kept, err := a.keepInStore(ctx, t.Key, row)
	if err != nil {
		return err
	}
	return a.render.Answer("key.import", newRowDoc(&kept.Row), func(p *render.Page) {
		p.Good(text.New("Key %s is in the store.", kept.Row.Ref()))
		rowPage(p, &kept.Row)
	})
}

// wish is what is taken in, and what that is called.
func (o keyImportOpts) wish() (keyWish, custody.Activity, error) {
	w := keyWish{src: o.key, kbpk: o.kbpk, what: text.New("the key"), alg: o.alg, policy: hsm.Policy{AllowWeak: o.allowWeak}}
	if _, held := source.Held(o.key); held {
		return w, "", fault.New(fault.Usage, "the key is in a store already")
	}
	if strings.HasPrefix(o.key, string(source.Block)+":") {
		if o.usage != "" || o.mode != "" || o.exportability != "" {
			return w, "", fault.New(fault.Usage, "the key block says what the key is for: leave out --usage, --mode and --exportability")
		}
		return w, custody.KeyUnwrap, nil
	}
	if o.alg == "" || o.usage == "" {
		return w, "", fault.New(fault.Usage, "a clear key does not say what it is for: give --alg and --usage")
	}
	attrs, err := parseAttributes(o.alg, o.usage, o.mode, o.exportability)
	w.attrs = attrs
	return w, custody.KeyImport, err
}

// importRow is what the inventory shall say. A key out of a block under a key of the store hangs under that one.
func (a *App) importRow(ctx context.Context, o keyImportOpts, full string) (vault.New, error) {
	ref, err := a.holding.vault.NewRef(ctx, full)
	if err != nil {
		return vault.New{}, err
	}
	n := vault.New{Ref: ref, Origin: store.Imported, Purpose: o.purpose, Custodians: o.custodians, Dormant: o.dormant}
	if n.NotAfter, err = a.endOf(o.period); err != nil {
		return vault.New{}, err
	}
	parent := o.parent
	if strings.HasPrefix(o.key, string(source.Block)+":") {
		n.Origin = store.Unwrapped
		parent, _ = parentFrom(o.kbpk, parent)
	}
	if parent != "" {
		n.Parent, err = refOf(parent)
	}
	return n, err
}

// compare holds the key against the check value that it should have.
func (o keyImportOpts) compare(ctx context.Context, a *App, t taken) error {
	if o.expect == "" {
		a.render.Warn(text.New("the check value was compared with nothing: compare %s with the one that came with the key (--expect)", t.Key.Check))
		return nil
	}
	expected, err := kcv.Parse(o.expect)
	if err != nil {
		return err
	}
	b, err := a.hsm(ctx)
	if err != nil {
		return err
	}
	_, err = hsm.Verify(ctx, b, t.Key, expected, "", hsm.ByExpected)
	return err
}
