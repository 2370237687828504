package cli

import (
	"context"

	"github.com/spf13/cobra"

	"poskey/internal/fault"
	"poskey/internal/render"
	"poskey/internal/text"
	"poskey/pkg/device"
	"poskey/pkg/device/manage"
)

type deviceUpdateOpts struct {
	orderOpts
	manifest, image string
}

func newDeviceUpdateCmd(a *App) *cobra.Command {
	o := deviceUpdateOpts{}
	cmd := a.command(cmdSpec{
		use:   "update",
		short: text.New("update a terminal's software"),
		long: text.New("The terminal checks the vendor's signature under the manifest, the digest of the software, the model, and that the version is not older\n" +
			"than the one it runs. It takes two officers. Keys stay."),
		example: "  poskey device update --device 'agent+https://127.0.0.1:9443?ca=ca.pem&cert=host.pem&key=host.key' --serial PK00000001 --login 99 \\\n" +
			"    --manifest update.manifest --image update.bin --officer custodian.a.identity --officer custodian.b.identity --reason software",
		exits: []int{3, 4, 5, 6, 7, 8, 9}, args: cobra.NoArgs,
	})
	a.orderFlags(cmd, &o.orderOpts)
	f := cmd.Flags()
	a.officerFlag(f, &o.orderOpts)
	f.StringVar(&o.manifest, "manifest", "", a.Say.T("signed manifest FILE of the update"))
	f.StringVar(&o.image, "image", "", a.Say.T("software FILE"))
	a.discardFlag(f, &o.orderOpts)
	required(cmd, "manifest", "image")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return runDeviceUpdate(cmd.Context(), a, o) }
	return cmd
}

const maxManifest = 64 << 10

func runDeviceUpdate(ctx context.Context, a *App, o deviceUpdateOpts) error {
	manifest, err := readWhole(ctx, o.manifest, maxManifest)
	if err != nil {
		return err
	}
	image, err := readWhole(ctx, o.image, manage.MaxImage)
	if err != nil {
		return err
	}
	d, err := a.beginOrder(ctx, o.orderOpts, device.Order{Verb: device.Update, Manifest: manifest, Image: image})
	if err != nil {
		return err
	}
	defer d.close()
	after, err := d.carry(ctx)
	if err != nil {
		return err
	}
	if after.Firmware == d.before.Firmware {
		return fault.New(fault.DeviceFailed, "the device took the order and runs %s still", after.Firmware)
	}
	return d.answer(&after, func(p *render.Page, doc *orderDoc) {
		p.Good(text.New("Device %s runs %s now; it ran %s.", doc.Serial, after.Firmware, d.before.Firmware))
	})
}
