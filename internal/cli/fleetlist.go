package cli

// The list of expected devices of a run: a file, or the inventory.

import (
	"bytes"
	"context"

	"github.com/spf13/cobra"

	"poskey/internal/fault"
	"poskey/pkg/fleet"
)

// fleetListOpts say where the list comes from.
type fleetListOpts struct {
	manifest                      string
	inventory                     bool
	address, state, model, prefix string
}

func (a *App) fleetListFlags(cmd *cobra.Command, o *fleetListOpts) {
	f := cmd.Flags()
	f.StringVar(&o.manifest, "manifest", "", a.Say.T("list of the expected devices (CSV)"))
	f.BoolVar(&o.inventory, "inventory", false, a.Say.T("expect devices of the inventory, each at --address"))
	f.StringVar(&o.address, "address", "", a.Say.T("with --inventory: device URI, with %s where the serial number goes", fleet.SerialHere))
	f.StringVar(&o.state, "state", "", a.Say.T("with --inventory: those in this state; expected when left out"))
	f.StringVar(&o.model, "model", "", a.Say.T("with --inventory: those of this model alone"))
	f.StringVar(&o.prefix, "prefix", "", a.Say.T("with --inventory: those whose serial number begins so"))
	cmd.MarkFlagsOneRequired("manifest", "inventory")
	cmd.MarkFlagsMutuallyExclusive("manifest", "inventory")
}

// maxManifestFile bounds what is read of a list: a hundred thousand devices fit well.
const maxManifestFile = 64 << 20

// fleetList reads the list.
func (a *App) fleetList(ctx context.Context, o fleetListOpts) (fleet.Manifest, error) {
	if o.inventory {
		return a.inventoryList(ctx, o)
	}
	if o.address != "" || o.state != "" || o.model != "" || o.prefix != "" {
		return fleet.Manifest{}, fault.New(fault.Usage, "--address, --state, --model and --prefix choose from the inventory (--inventory); "+
			"a list says everything itself")
	}
	raw, err := readWhole(ctx, o.manifest, maxManifestFile)
	if err != nil {
		return fleet.Manifest{}, err
	}
	list, err := fleet.ParseManifest(bytes.NewReader(raw))
	return list, fault.Wrap(err, "%s", o.manifest)
}

func (a *App) inventoryList(ctx context.Context, o fleetListOpts) (fleet.Manifest, error) {
	state, err := parseDeviceState(o.state)
	if err != nil {
		return fleet.Manifest{}, err
	}
	if o.address == "" {
		return fleet.Manifest{}, fault.New(fault.Usage, "the inventory has no addresses; say with --address how each device is reached, as in "+
			"visa+tcp://%s.terminals.example:9000", fleet.SerialHere)
	}
	db, err := a.openStore(ctx)
	if err != nil {
		return fleet.Manifest{}, err
	}
	return fleet.FromInventory(ctx, db, fleet.Choice{State: state, Model: o.model, Prefix: o.prefix, Address: o.address})
}
