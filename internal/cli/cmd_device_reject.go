package cli

import (
	"context"

	"github.com/spf13/cobra"

	"poskey/internal/render"
	"poskey/internal/text"
	"poskey/pkg/audit"
	"poskey/pkg/custody"
	"poskey/pkg/store"
)

func newDeviceRejectCmd(a *App) *cobra.Command {
	reason := ""
	cmd := a.command(cmdSpec{
		use:     "reject SERIAL",
		short:   text.New("take a terminal off the list: it gets no keys any more"),
		long:    text.New("For a terminal that nobody knows, that was tampered with, or whose outcome is given up. Its numbers stay burnt."),
		example: "  poskey device reject PK00000001 --reason 'seal broken'",
		exits:   []int{3, 4, 5, 6, 7, 8, 9}, args: cobra.ExactArgs(1),
	})
	cmd.Flags().StringVar(&reason, "reason", "", a.Say.T("why, a line for the record"))
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return runDeviceReject(cmd.Context(), a, args[0], reason)
	}
	return cmd
}

func runDeviceReject(ctx context.Context, a *App, serial, reason string) error {
	db, err := a.openStore(ctx)
	if err != nil {
		return err
	}
	was, err := db.Device(ctx, serial)
	if err != nil {
		return err
	}
	details := audit.Details{audit.FieldState: string(store.Rejected)}
	if reason != "" {
		details[audit.FieldReason] = audit.Clean(reason)
	}
	work, err := a.begin(ctx, custody.DeviceRegister, serial, details)
	if err != nil {
		return err
	}
	if err := db.MoveDevice(ctx, work.Change(), serial, was.State, store.Rejected); err != nil {
		return err
	}
	d, err := db.Device(ctx, serial)
	if err != nil {
		return err
	}
	return a.render.Answer("device.reject", newDeviceDoc(&d), func(p *render.Page) {
		p.Good(text.New("Device %s is off the list; it was %s.", serial, deviceStateText(was.State)))
		devicePage(p, &d)
	})
}
