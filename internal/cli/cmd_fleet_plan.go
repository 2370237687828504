package cli

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"poskey/internal/fault"
	"poskey/internal/render"
	"poskey/internal/source"
	"poskey/internal/text"
	"poskey/pkg/audit"
	"poskey/pkg/custody"
	"poskey/pkg/fleet"
	"poskey/pkg/inject"
	"poskey/pkg/store"
)

type fleetPlanOpts struct {
	plan, customer  string
	list            fleetListOpts
	stations        []string
	dryRun, replace bool
}

func newFleetPlanCmd(a *App) *cobra.Command {
	o := fleetPlanOpts{}
	cmd := a.command(cmdSpec{
		use:   "plan RUN",
		short: text.New("take a run down: which devices are expected, and what goes into each"),
		long: text.New("The list is CSV: serial and device (a URI), and where there is more to say model, poi_version, kbpk (label of the device's own key loading\n" +
			"key) and note. Devices that the inventory does not have come into it. From then on the list does not change: a device that is not on it gets\n" +
			"nothing, and every one that is on it is accounted for (PCI PIN 30-3). What goes in is a plan as for poskey inject, without a device.\n" +
			"With --inventory the list is taken from the inventory, which has no addresses: --address says how each is reached by its serial number."),
		example: "  poskey fleet plan RUN-2026-11 --plan terminal.yaml --manifest terminals.csv\n" +
			"  poskey fleet plan RUN-2026-11 --plan terminal.yaml --manifest terminals.csv --dry-run\n" +
			"  poskey fleet plan RUN-2026-11 --plan terminal.yaml --inventory --model S90 --address 'visa+tcp://{serial}.terminals.example:9000'",
		exits: []int{3, 4, 5, 6, 7, 8, 9}, args: cobra.ExactArgs(1),
	})
	f := cmd.Flags()
	f.StringVar(&o.plan, "plan", "", a.Say.T("plan of what goes into each device (YAML, %s)", inject.DocumentSchema))
	a.fleetListFlags(cmd, &o.list)
	f.StringVar(&o.customer, "customer", "", a.Say.T("for whom the devices are loaded"))
	f.StringArrayVar(&o.stations, "station", nil, a.Say.T("station that may take part (again for each); any when left out"))
	f.BoolVar(&o.replace, "replace", false, a.Say.T("devices that have a number of the key set get another one; the old one is burnt"))
	f.BoolVar(&o.dryRun, "dry-run", false, a.Say.T("read and check, the keys in the store too, and take nothing down"))
	required(cmd, "plan")
	cmd.RunE = func(cmd *cobra.Command, args []string) error { return runFleetPlan(cmd.Context(), a, o, args[0]) }
	return cmd
}

type fleetPlanDoc struct {
	Run      string   `json:"run"`
	DryRun   bool     `json:"dry_run,omitempty"`
	Devices  int      `json:"devices"`
	Manifest string   `json:"manifest_sha256"`
	Serials  string   `json:"serials_sha256"`
	Loads    int      `json:"loads_each"`
	Warnings []string `json:"warnings"`
}

func runFleetPlan(ctx context.Context, a *App, o fleetPlanOpts, run string) error {
	p, list, err := a.readFleetPlan(ctx, o, run)
	if err != nil {
		return err
	}
	for _, w := range list.Warnings {
		a.render.Warn(w)
	}
	db, err := a.openStore(ctx)
	if err != nil {
		return err
	}
	if err := p.Fits(ctx, db, &list); err != nil { // before anything is recorded
		return err
	}
	if !o.dryRun {
		if p, err = a.beginRun(ctx, p, list); err != nil {
			return err
		}
	}
	doc := fleetPlanDoc{Run: run, DryRun: o.dryRun, Devices: p.Devices, Manifest: p.Manifest, Serials: p.Serials, Loads: len(p.Loads), Warnings: []string{}}
	for _, w := range list.Warnings {
		doc.Warnings = append(doc.Warnings, w.String())
	}
	return a.render.Answer("fleet.plan", doc, func(p *render.Page) { fleetPlanPage(p, &doc) })
}

// readFleetPlan reads plan and list, and holds them to what can be told without a look at keys.
func (a *App) readFleetPlan(ctx context.Context, o fleetPlanOpts, run string) (fleet.Plan, fleet.Manifest, error) {
	if err := store.CheckLabel(run); err != nil {
		return fleet.Plan{}, fleet.Manifest{}, fault.Wrap(err, "the name of the run")
	}
	doc, err := readPlan(ctx, o.plan)
	if err != nil {
		return fleet.Plan{}, fleet.Manifest{}, err
	}
	if err := noClearFleet(&doc); err != nil {
		return fleet.Plan{}, fleet.Manifest{}, err
	}
	if err := usagesSaid(&doc); err != nil {
		return fleet.Plan{}, fleet.Manifest{}, fault.Wrap(err, "%s", o.plan)
	}
	list, err := a.fleetList(ctx, o.list)
	if err != nil {
		return fleet.Plan{}, fleet.Manifest{}, err
	}
	p := fleet.Plan{Run: run, Environment: doc.Environment, Customer: o.customer, Own: doc.Own, Replace: o.replace, Stations: o.stations, Loads: fleet.Templates(&doc),
		Devices: len(list.Devices), Manifest: list.Digest(), Serials: list.SerialsDigest(), Software: buildVersion().Version}
	return p, list, p.Check()
}

func fleetPlanPage(p *render.Page, doc *fleetPlanDoc) {
	if doc.DryRun {
		p.Line(text.New("dry run: nothing was taken down"))
	} else {
		p.Good(text.New("Run %s is taken down.", doc.Run))
	}
	p.Fields(
		render.F(text.New("devices"), strconv.Itoa(doc.Devices)),
		render.F(text.New("loads into each"), strconv.Itoa(doc.Loads)),
		render.F(text.New("digest of the list"), doc.Manifest),
	)
}

// noClearFleet refuses clear keys for many devices in production: officers approve each of them, for one key and one time.
func noClearFleet(doc *inject.Document) error {
	if doc.Environment == string(store.Production) && slices.ContainsFunc(doc.Loads, func(it inject.Item) bool { return it.Clear }) {
		return errClearAlone()
	}
	return nil
}

// usagesSaid refuses a key that does not say what it is for. Of one device the slot is asked; those of a run may be of several
// dialects.
func usagesSaid(doc *inject.Document) error {
	for i, it := range doc.Loads {
		kind, _, _ := strings.Cut(it.Key, ":")
		if it.Key != "" && it.Usage == "" && kind != string(source.Store) && kind != string(source.Block) {
			return fault.New(fault.Usage, "load %d: the key comes neither from the store nor as a block; say what it is for (usage)", i+1)
		}
	}
	return nil
}

// beginRun takes the run down, recorded.
func (a *App) beginRun(ctx context.Context, p fleet.Plan, list fleet.Manifest) (fleet.Plan, error) {
	details := audit.Details{"run": audit.Clean(p.Run), "devices": strconv.Itoa(p.Devices), "manifest": p.Manifest[:min(8, len(p.Manifest))]}
	work, err := a.begin(ctx, custody.DeviceRegister, p.Run, details)
	if err != nil {
		return p, err
	}
	return fleet.Begin(ctx, a.holding.db, work.Change(), p, list)
}
