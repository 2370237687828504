package cli

import (
	"context"

	"github.com/spf13/cobra"

	"poskey/internal/render"
	"poskey/internal/text"
	"poskey/pkg/custody"
	"poskey/pkg/store"
	"poskey/pkg/vault"
)

type keyDestroyOpts struct {
	reason string
	yes    bool
}

func newKeyDestroyCmd(a *App) *cobra.Command {
	o := keyDestroyOpts{}
	cmd := a.command(cmdSpec{
		use:   "destroy LABEL",
		short: text.New("erase a key that is out of use; what the inventory knows of it stays"),
		long: text.New("The key must be retired, compromised or never activated. Its blocks are erased; label, check value and history stay.\n" +
			"Officers approve each destruction (--approver); in production a custodian and an auditor, who holds no part of any key\n" +
			"(PCI PIN 24-2), and neither of them is the one who asks (--requester). Backups keep their copy until they are destroyed too."),
		example: "  poskey key destroy ZMK-2024 --approver custodian.a.identity --reason 'end of life'\n" +
			"  poskey key destroy ZMK-2024 --requester operator.c.identity --approver custodian.a.identity --approver auditor.d.identity --reason 'end of life'",
		exits: []int{3, 4, 6, 7, 8, 9}, args: cobra.ExactArgs(1),
	})
	f := cmd.Flags()
	f.StringVar(&o.reason, "reason", "", a.Say.T("why, a line for the record"))
	f.BoolVar(&o.yes, "yes", false, a.Say.T("do not ask once more; the officers are asked all the same"))
	cmd.RunE = func(cmd *cobra.Command, args []string) error { return runKeyDestroy(cmd.Context(), a, o, args[0]) }
	return cmd
}

func runKeyDestroy(ctx context.Context, a *App, o keyDestroyOpts, label string) error {
	was, err := a.anyKey(ctx, label)
	if err != nil {
		return err
	}
	to := vault.Destruction(was.State)
	if err := vault.CheckMove(&was, to); err != nil {
		return err
	}
	question := text.New("Key %s, check value %s, will be erased. Nothing brings it back.", was.Ref(), checkText(was.Check))
	if err := a.confirm(ctx, o.yes, question, was.Label); err != nil {
		return err
	}
	is, err := a.moveKey(ctx, custody.KeyDestroy, was, to, o.reason)
	if err != nil {
		return err
	}
	return a.render.Answer("key.destroy", lifeDoc{newRowDoc(&is), was.State}, func(p *render.Page) {
		p.Good(text.New("Key %s is destroyed.", is.Ref()))
		rowPage(p, &is)
		if is.State == store.DestroyedCompromised {
			p.Line(text.New("It was compromised: what it protected is to be taken for known."))
		}
	})
}
