package cli

import (
	"context"

	"github.com/spf13/cobra"

	"poskey/internal/render"
	"poskey/internal/text"
	"poskey/pkg/device"
)

func newDeviceRestartCmd(a *App) *cobra.Command {
	o := orderOpts{}
	cmd := a.command(cmdSpec{
		use:     "restart",
		short:   text.New("restart a terminal"),
		long:    text.New("Keys and locks stay. Transactions that are not settled would be lost: the order is refused unless --discard-batch says so."),
		example: "  poskey device restart --device 'agent+https://127.0.0.1:9443?ca=ca.pem&cert=host.pem&key=host.key' --login 99 --reason software",
		exits:   []int{3, 4, 5, 6, 7, 8, 9}, args: cobra.NoArgs,
	})
	a.orderFlags(cmd, &o)
	a.discardFlag(cmd.Flags(), &o)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return runDeviceRestart(cmd.Context(), a, o) }
	return cmd
}

func runDeviceRestart(ctx context.Context, a *App, o orderOpts) error {
	d, err := a.beginOrder(ctx, o, device.Order{Verb: device.Restart})
	if err != nil {
		return err
	}
	defer d.close()
	after, err := d.carry(ctx)
	if err != nil {
		return err
	}
	return d.answer(&after, func(p *render.Page, doc *orderDoc) {
		p.Good(text.New("Device %s was restarted.", doc.Serial))
	})
}
