package cli

import (
	"context"

	"github.com/spf13/cobra"

	"poskey/internal/fault"
	"poskey/internal/render"
	"poskey/internal/text"
	"poskey/pkg/device"
)

func newDeviceResetCmd(a *App) *cobra.Command {
	o := orderOpts{}
	cmd := a.command(cmdSpec{
		use:   "reset",
		short: text.New("set a terminal back to its factory state: every key is erased"),
		long: text.New("What will be erased is listed first, and confirmed by typing the serial number. It takes two officers. Accounts and approvers stay;\n" +
			"every key goes, and so do settings and transactions that are not settled."),
		example: "  poskey device reset --device 'agent+https://127.0.0.1:9443?ca=ca.pem&cert=host.pem&key=host.key' --serial PK00000001 --login 99 \\\n" +
			"    --officer custodian.a.identity --officer custodian.b.identity --reason end-of-use",
		exits: []int{3, 4, 5, 6, 7, 8, 9}, args: cobra.NoArgs,
	})
	a.orderFlags(cmd, &o)
	f := cmd.Flags()
	a.officerFlag(f, &o)
	a.discardFlag(f, &o)
	f.BoolVar(&o.yes, "yes", false, a.Say.T("confirm without asking"))
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return runDeviceReset(cmd.Context(), a, o) }
	return cmd
}

func runDeviceReset(ctx context.Context, a *App, o orderOpts) error {
	d, err := a.beginOrder(ctx, o, device.Order{Verb: device.Reset})
	if err != nil {
		return err
	}
	defer d.close()
	what := text.New("Device %s will lose every key (%s), its settings and %d transactions that are not settled.", d.before.Serial, slotLine(d.before), d.before.OpenBatch)
	if err := a.confirm(ctx, o.yes, what, d.before.Serial); err != nil {
		return err
	}
	after, err := d.carry(ctx)
	if err != nil {
		return err
	}
	if n := len(after.Slots) + len(after.Initial); n > 0 {
		return fault.New(fault.DeviceFailed, "the device took the order and holds %d keys still", n)
	}
	return d.answer(&after, func(p *render.Page, doc *orderDoc) {
		p.Good(text.New("Device %s is as from the factory: it holds no keys.", doc.Serial))
	})
}
