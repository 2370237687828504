package cli

import (
	"context"
	"io"
	"os"

	"github.com/spf13/cobra"

	"poskey/internal/fault"
	"poskey/internal/render"
	"poskey/internal/text"
	"poskey/pkg/custody"
	"poskey/pkg/device"
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
		example: "  poskey device update --device 'agent+https://127.0.0.1:9443?ca=ca.pem&cert=host.pem&key=host.key' --login 99 \\\n" +
			"    --manifest update.manifest --image update.bin --officer custodian.a.identity --officer custodian.b.identity --reason software",
		exits: []int{3, 4, 5, 6, 7, 8, 9}, args: cobra.NoArgs,
	})
	f := cmd.Flags()
	a.orderFlags(f, &o.orderOpts)
	a.officerFlag(f, &o.orderOpts)
	f.StringVar(&o.manifest, "manifest", "", a.Say.T("signed manifest FILE of the update"))
	f.StringVar(&o.image, "image", "", a.Say.T("software FILE"))
	f.BoolVar(&o.discard, "discard-batch", false, a.Say.T("lose transactions that are not settled"))
	required(cmd, "device", "login", "reason", "manifest", "image")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return runDeviceUpdate(cmd.Context(), a, o) }
	return cmd
}

const (
	maxManifest = 64 << 10
	maxImage    = 64 << 20
)

func runDeviceUpdate(ctx context.Context, a *App, o deviceUpdateOpts) error {
	manifest, err := readWhole(o.manifest, maxManifest)
	if err != nil {
		return err
	}
	image, err := readWhole(o.image, maxImage)
	if err != nil {
		return err
	}
	d, err := a.beginOrder(ctx, o.orderOpts, device.Order{Verb: device.Update, Manifest: manifest, Image: image})
	if err != nil {
		return err
	}
	defer d.device.close()
	after, err := d.carry(ctx, custody.DeviceManage)
	if err != nil {
		return err
	}
	if after.Firmware == d.before.Firmware {
		return fault.New(fault.DeviceFailed, "the device took the order and runs %s still", after.Firmware)
	}
	doc := d.doc(&after)
	return a.render.Answer("device.update", doc, func(p *render.Page) {
		p.Good(text.New("Device %s runs %s now; it ran %s.", doc.Serial, after.Firmware, d.before.Firmware))
		orderPage(p, &doc, &after)
	})
}

// readWhole reads a public file of limited size.
func readWhole(path string, most int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fault.WrapAs(fault.NotFound, err, "the file")
	}
	defer func() { _ = f.Close() }()
	raw, err := io.ReadAll(io.LimitReader(f, most+1))
	switch {
	case err != nil:
		return nil, fault.WrapAs(fault.Failure, err, "read %s", path)
	case int64(len(raw)) > most:
		return nil, fault.New(fault.TooLarge, "%s is larger than %d bytes", path, most)
	}
	return raw, nil
}
