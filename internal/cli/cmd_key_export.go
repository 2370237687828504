package cli

import (
	"context"

	"github.com/spf13/cobra"

	"poskey/internal/fault"
	"poskey/internal/render"
	"poskey/internal/source"
	"poskey/internal/text"
	"poskey/pkg/custody"
	"poskey/pkg/kcv"
	"poskey/pkg/vault"
)

func newKeyExportCmd(a *App) *cobra.Command {
	o := outputOpts{inAnswer: true}
	cmd := a.command(cmdSpec{
		use:   "export LABEL",
		short: text.New("wrap a key of the store for somebody else"),
		long: text.New("The key leaves as a key block under the KBPK, with the attributes that the store knows of it: a key that is not exportable\n" +
			"stays. The KBPK is best a key of the store too (--kbpk store:ZMK-2026). Without --to the block stands in the answer."),
		example: "  poskey key export TPK-17 --kbpk store:ZMK-2026\n" +
			"  poskey key export ZMK-2026 --kbpk file:partner-kbpk.txt --to block:zmk.tr31 --block-version D",
		exits: []int{3, 4, 5, 6, 7, 8, 9}, args: cobra.ExactArgs(1),
	})
	f := cmd.Flags()
	f.StringVar(&o.to, "to", "", a.Say.T("new file for the key block: block:PATH"))
	f.StringVar(&o.kbpk, "kbpk", "", a.Say.T("key block protection key (SRC)"))
	f.StringVar(&o.version, "block-version", "D", a.Say.T("version of that block: A B C (TDES KBPK), D E (AES KBPK)"))
	a.allowWeakFlag(f, &o.allowWeak)
	required(cmd, "kbpk")
	cmd.RunE = func(cmd *cobra.Command, args []string) error { return runKeyExport(cmd.Context(), a, o, args[0]) }
	return cmd
}

type keyExportDoc struct {
	Label  string     `json:"label"`
	KCV    string     `json:"kcv"`
	Method kcv.Method `json:"method"`
	Block  string     `json:"block"`
	To     string     `json:"to,omitempty"`
}

func runKeyExport(ctx context.Context, a *App, o outputOpts, label string) error {
	ref, err := refOf(label)
	if err != nil {
		return err
	}
	if err := checkExportDest(o.to); err != nil {
		return err
	}
	if err := o.check(ctx, a); err != nil {
		return err
	}
	full, err := a.fullLabel(ctx, ref.String())
	if err != nil {
		return err
	}
	if _, err := a.begin(ctx, custody.KeyWrap, full, nil); err != nil {
		return err
	}
	held, err := a.held(ctx, source.Spec{Kind: source.Store, Arg: full}, vault.ToProtect)
	if err != nil {
		return err
	}
	d, err := o.deliver(ctx, a, a.intake(), held.Key)
	if err != nil {
		return err
	}
	doc := keyExportDoc{held.Row.Ref().String(), held.Row.Check.Digits, held.Row.Check.Method, d.block, d.to}
	return a.answerDelivered("key.export", doc, d, func(p *render.Page) {
		p.Fields(
			render.F(text.New("key"), doc.Label),
			render.F(text.New("check value"), checkText(held.Row.Check)),
			render.F(text.New("key block"), doc.Block),
			render.F(text.New("written to"), doc.To),
		)
	})
}

func checkExportDest(to string) error {
	if to == "" {
		return nil
	}
	dest, err := source.ParseDEST(to)
	if err == nil && dest.Kind != source.Block {
		return fault.New(fault.Usage, "--to: a key leaves the store as a key block: block:PATH")
	}
	return err
}
