package cli

import (
	"context"

	"github.com/spf13/cobra"

	"poskey/internal/fault"
	"poskey/internal/render"
	"poskey/internal/text"
	"poskey/pkg/custody"
	"poskey/pkg/inject"
	"poskey/pkg/store"
)

type deviceAddOpts struct{ model, poi string }

func newDeviceAddCmd(a *App) *cobra.Command {
	o := deviceAddOpts{}
	cmd := a.command(cmdSpec{
		use:   "add SERIAL",
		short: text.New("put a terminal on the list of those that get keys"),
		long: text.New("Only devices of the inventory are loaded in production, and every one that was submitted is accounted for (PCI PIN 30-3).\n" +
			"Many at once come with poskey fleet plan."),
		example: "  poskey device add PK00000001 --model PP791 --poi-version 4.1",
		exits:   []int{3, 4, 5, 6, 7, 8, 9}, args: cobra.ExactArgs(1),
	})
	f := cmd.Flags()
	f.StringVar(&o.model, "model", "", a.Say.T("model of the device"))
	f.StringVar(&o.poi, "poi-version", "", a.Say.T("PCI POI version, such as 5 or 5.1: it decides whether a clear key is allowed"))
	cmd.RunE = func(cmd *cobra.Command, args []string) error { return runDeviceAdd(cmd.Context(), a, o, args[0]) }
	return cmd
}

// listedError says that a device is on the list already: what helps is another thing than with a file.
type listedError struct{ error }

func (e *listedError) Unwrap() error { return e.error }

func runDeviceAdd(ctx context.Context, a *App, o deviceAddOpts, serial string) error {
	if o.poi != "" {
		if _, err := inject.ParsePOIVersion(o.poi); err != nil {
			return err
		}
	}
	work, err := a.begin(ctx, custody.DeviceRegister, serial, nil)
	if err != nil {
		return err
	}
	db := a.holding.db
	err = db.AddDevice(ctx, work.Change(), store.Device{Serial: serial, Model: o.model, POIVersion: o.poi})
	if fault.Is(err, fault.FileExists) {
		return &listedError{err}
	}
	if err != nil {
		return err
	}
	d, err := db.Device(ctx, serial)
	if err != nil {
		return err
	}
	return a.render.Answer("device.add", newDeviceDoc(&d), func(p *render.Page) {
		p.Good(text.New("Device %s is on the list.", serial))
		devicePage(p, &d)
	})
}
