package cli

// Keys of a ceremony into devices: each load is an injection of its own, with its journal and its record.

import (
	"context"
	"strings"

	"github.com/spf13/pflag"

	"poskey/internal/fault"
	"poskey/internal/source"
	"poskey/pkg/ceremony"
	"poskey/pkg/ceremony/script"
	"poskey/pkg/store"
)

// addDevice says where the devices of the script are: a script that was reviewed names them by serial number, and not
// the cable that they hang on.
func (o *ceremonyOpts) addDevice(a *App, f *pflag.FlagSet) {
	f.StringArrayVar(&o.devices, "device", nil,
		a.Say.T("SERIAL=URI: where a device of the script is reached (again for each)"))
}

// deviceURI is where a device is reached.
func deviceURI(devices []string, serial string) (string, error) {
	for _, said := range devices {
		if own, uri, ok := strings.Cut(said, "="); ok && own == serial {
			return uri, nil
		}
	}
	return "", fault.New(fault.Usage, "nobody said where device %s is; say --device %s=URI", serial, serial)
}

// load is the injection of one key of the store.
func (o *sitting) load(ctx context.Context, a *App, ref store.Ref, out *script.Output) (_ ceremony.Loaded,
	err error) {
	uri, err := deviceURI(o.devices, out.Device)
	if err != nil {
		return ceremony.Loaded{}, err
	}
	own := *a
	own.boundary, own.reader = nil, nil
	own.holding = holding{words: "inject", flags: pflag.NewFlagSet("inject", pflag.ContinueOnError)}
	defer own.holding.close()
	opts := injectOpts{device: uri, serial: out.Device, slot: out.Slot, key: string(source.Store) + ":" + ref.String(),
		kbpk: string(source.Store) + ":" + out.KBPK}
	loaded, err := own.loadOne(ctx, opts)
	return loaded, own.finish(ctx, err)
}

func (a *App) loadOne(ctx context.Context, o injectOpts) (ceremony.Loaded, error) {
	in, err := a.newInjection(ctx, o)
	if err != nil {
		return ceremony.Loaded{}, err
	}
	defer in.close()
	if err := in.open(ctx); err != nil {
		return ceremony.Loaded{}, err
	}
	cleared, err := in.preflight(ctx)
	if err != nil {
		return ceremony.Loaded{}, err
	}
	report, err := in.load(ctx, cleared)
	if recorded := a.recordReport(ctx, report, err); recorded != nil {
		return ceremony.Loaded{}, recorded
	}
	if err != nil {
		return ceremony.Loaded{}, err
	}
	done := report.Loads[0]
	return ceremony.Loaded{Device: report.Serial, Slot: o.slot, Proof: string(done.Result.Proof),
		Check: in.job.Loads[0].Key.Key().Check}, done.Err
}
