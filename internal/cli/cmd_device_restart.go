package cli

import (
	"context"

	"github.com/spf13/cobra"

	"poskey/internal/render"
	"poskey/internal/text"
	"poskey/pkg/custody"
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
	f := cmd.Flags()
	a.orderFlags(f, &o)
	f.BoolVar(&o.discard, "discard-batch", false, a.Say.T("lose transactions that are not settled"))
	required(cmd, "device", "login", "reason")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return runDeviceRestart(cmd.Context(), a, o) }
	return cmd
}

func runDeviceRestart(ctx context.Context, a *App, o orderOpts) error {
	d, err := a.beginOrder(ctx, o, device.Order{Verb: device.Restart})
	if err != nil {
		return err
	}
	defer d.device.close()
	after, err := d.carry(ctx, custody.DeviceRestart)
	if err != nil {
		return err
	}
	doc := d.doc(&after)
	return a.render.Answer("device.restart", doc, func(p *render.Page) {
		p.Good(text.New("Device %s was restarted.", doc.Serial))
		orderPage(p, &doc, &after)
	})
}
