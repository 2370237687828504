package cli

import (
	"context"

	"github.com/spf13/cobra"

	"poskey/internal/fault"
	"poskey/internal/render"
	"poskey/internal/text"
	"poskey/pkg/kcv"
	"poskey/pkg/store"
	"poskey/pkg/vault"
)

type custodyPartsOpts struct {
	key, check, custodian, ceremony string
}

func newCustodyPartsCmd(a *App) *cobra.Command {
	o := custodyPartsOpts{}
	cmd := a.command(cmdSpec{
		use:   "parts",
		short: text.New("who has ever held a part of a key"),
		long: text.New("From the ledger of all ceremonies with this store. Whoever has seen the digits of a part knows them for good: a person\n" +
			"who has seen as many parts as form the key is named (PCI PIN 8-2, 21-2.4). Sealed bags only passed through hands."),
		example: "  poskey custody parts --label ZMK-2026\n  poskey custody parts --custodian custodian.a",
		exits:   []int{3, 4, 8}, args: cobra.NoArgs,
	})
	f := cmd.Flags()
	f.StringVar(&o.key, "label", "", a.Say.T("label of a key, with or without its version"))
	f.StringVar(&o.check, "kcv", "", a.Say.T("check value of a key, for one that is not in the store"))
	sameFlag(f, "kcv", "check") // its name before
	f.StringVar(&o.custodian, "custodian", "", a.Say.T("id of a person"))
	f.StringVar(&o.ceremony, "ceremony", "", a.Say.T("id of a ceremony"))
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return runCustodyParts(cmd.Context(), a, o) }
	return cmd
}

func runCustodyParts(ctx context.Context, a *App, o custodyPartsOpts) error {
	f, err := o.filter()
	if err != nil {
		return err
	}
	db, err := a.openStore(ctx)
	if err != nil {
		return err
	}
	all, err := vault.HoldersOf(ctx, db, f)
	if err != nil {
		return err
	}
	return a.render.Answer("custody.parts", newPartsLedgerDoc(all), func(p *render.Page) { partsLedgerPage(p, all) })
}

func (o *custodyPartsOpts) filter() (store.HoldingFilter, error) {
	f := store.HoldingFilter{Person: o.custodian, Ceremony: o.ceremony}
	if o.key != "" {
		var err error
		if f.Key, err = refOf(o.key); err != nil {
			return f, fault.Wrap(err, "--label")
		}
	}
	if o.check != "" {
		e, err := kcv.Parse(o.check)
		if err != nil {
			return f, fault.Wrap(err, "--kcv")
		}
		f.Check = kcv.Value{Digits: e.Digits}
	}
	return f, nil
}
