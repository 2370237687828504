package cli

import (
	"context"

	"github.com/spf13/cobra"

	"poskey/internal/render"
	"poskey/internal/text"
)

func newDeviceStatusCmd(a *App) *cobra.Command {
	o := managedOpts{}
	cmd := a.command(cmdSpec{
		use:   "status",
		short: text.New("ask a terminal how it is: lock, tamper, slots with check values, battery, clock, versions, last events"),
		long: text.New("The terminal speaks for itself here, over the agent dialect (HTTPS, both sides with certificates). No real terminal speaks it yet:\n" +
			"it is the seam for an adapter in front of a vendor's own management, and what poskey device emulate --manage offers.\n" +
			"A terminal may refuse: it is busy (9), wants a login first (7), or says that something is forged (5)."),
		example: "  poskey device status --device 'agent+https://127.0.0.1:9443?ca=ca.pem&cert=host.pem&key=host.key'",
		exits:   []int{3, 4, 5, 6, 7, 8, 9}, args: cobra.NoArgs,
	})
	a.managedFlags(cmd.Flags(), &o)
	required(cmd, "device")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return runDeviceStatus(cmd.Context(), a, o) }
	return cmd
}

func runDeviceStatus(ctx context.Context, a *App, o managedOpts) error {
	m, err := a.manage(ctx, o)
	if err != nil {
		return err
	}
	defer m.close()
	s, err := m.Status(ctx)
	if err != nil {
		return err
	}
	return a.render.Answer("device.status", newStatusDoc(&s), func(p *render.Page) { deviceStatusPage(p, &s) })
}
