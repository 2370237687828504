package cli

import (
	"context"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"poskey/internal/fault"
	"poskey/internal/render"
	"poskey/internal/text"
	"poskey/pkg/agent"
	"poskey/pkg/audit"
	"poskey/pkg/device"
	"poskey/pkg/fleet"
	"poskey/pkg/inject"
)

type fleetRunOpts struct {
	station                 string
	workers, tries, giveUp  int
	lease                   int
	deviceTimeout, patience time.Duration
	pause                   time.Duration
	failed                  bool
}

func newFleetRunCmd(a *App) *cobra.Command {
	o := fleetRunOpts{}
	cmd := a.command(cmdSpec{
		use:   "run RUN",
		short: text.New("work on a run as one station, until no device is left"),
		long: text.New("Several stations work on one run when the store is on PostgreSQL. Every step of every load is in the journal before the next begins:\n" +
			"after any break, say the same command again. What is safe to try again is tried again; an outcome that nobody can know puts the device\n" +
			"into quarantine and its number out of use. After many failures in a row the station stops itself, and so it does when a key of the plan goes\n" +
			"out of use, the store is sealed or the database stays away: no device is to blame then. An interrupt ends it in good order. While devices of\n" +
			"the run are without their keys the command ends with 10."),
		example: "  poskey fleet run RUN-2026-11\n  poskey fleet run RUN-2026-11 --station bench-2 --workers 32 -o json",
		exits:   []int{3, 4, 5, 6, 7, 8, 9, 10}, args: cobra.ExactArgs(1),
	})
	f := cmd.Flags()
	f.StringVar(&o.station, "station", "", a.Say.T("name of this station in the journal; the machine's name when left out"))
	f.IntVar(&o.workers, "workers", 16, a.Say.T("devices at the same time"))
	f.IntVar(&o.tries, "tries", 5, a.Say.T("tries for each device, where it is safe to try again"))
	spanFlag(f, &o.pause, "pause", time.Second, a.Say.T("pause before the second try, doubled for each further one"))
	f.IntVar(&o.giveUp, "give-up-after", 10, a.Say.T("stop after so many failures in a row"))
	f.IntVar(&o.lease, "lease", 256, a.Say.T("numbers of a key set that the station takes at a time"))
	spanFlag(f, &o.deviceTimeout, "device-timeout", 2*time.Minute, a.Say.T("the most that one device may take"))
	spanFlag(f, &o.patience, "patience", time.Minute, a.Say.T("wait so long for a database that is away"))
	f.BoolVar(&o.failed, "failed", false, a.Say.T("try devices again that failed"))
	cmd.RunE = func(cmd *cobra.Command, args []string) error { return runFleetRun(cmd.Context(), a, o, args[0]) }
	return cmd
}

type fleetRunDoc struct {
	Run     string       `json:"run"`
	Station string       `json:"station"`
	Settled int          `json:"settled"` // devices that this station was through with
	MS      int64        `json:"ms"`
	Counts  fleet.Counts `json:"counts"`
}

func runFleetRun(ctx context.Context, a *App, o fleetRunOpts, run string) error {
	if o.workers < 1 || o.tries < 1 || o.giveUp < 1 || o.lease < 1 || o.pause <= 0 {
		return fault.New(fault.Usage, "--workers, --tries, --give-up-after and --lease are 1 or more, --pause is longer than nothing")
	}
	a.holding.named = true
	b, err := a.hsm(ctx)
	if err != nil {
		return err
	}
	plan, _, err := fleet.ReadPlan(ctx, a.holding.db, run)
	if err != nil {
		return err
	}
	places, err := a.openLines()
	if err != nil {
		return err
	}
	defer places.close()
	tell := a.fleetProgress()
	defer tell.close()
	r, err := fleet.Run(ctx, fleet.Options{Store: a.holding.db, Change: a.holding.work.Change(), Run: run, Station: station(o.station), Boundary: b,
		Env: a.Env, Open: func(ctx context.Context, uri string) (device.Device, error) {
			return openDevice(ctx, uri, device.Options{Trace: a.trace()})
		},
		Hold:    places.hold,
		Loads:   func(ctx context.Context, kbpk string) ([]inject.Plan, error) { return a.fleetLoads(ctx, &plan, kbpk) },
		Workers: o.workers, Tries: o.tries, Pause: o.pause, GiveUp: o.giveUp, Lease: o.lease, Timeout: o.deviceTimeout, Patience: o.patience, Failed: o.failed,
		Progress: tell.event})
	tell.close()
	if recorded := a.recordRun(ctx, run, r.Counts, err); recorded != nil {
		return recorded
	}
	if err != nil {
		return err
	}
	doc := fleetRunDoc{run, r.Station, r.Settled, r.Took.Milliseconds(), r.Counts}
	if err := a.render.Answer("fleet.run", doc, func(p *render.Page) { fleetRunPage(p, &doc, r.Took) }); err != nil {
		return err
	}
	if c := r.Counts; c.Failed+c.Quarantined+c.Rejected > 0 {
		return fault.New(fault.Partial, "%d of %d devices are without their keys: %d failed, %d quarantined, %d rejected",
			c.Failed+c.Quarantined+c.Rejected, c.Listed, c.Failed, c.Quarantined, c.Rejected)
	}
	return nil
}

func fleetRunPage(p *render.Page, doc *fleetRunDoc, took time.Duration) {
	p.Good(text.New("Run %s: no device is left to do.", doc.Run))
	p.Fields(
		render.F(text.New("station"), doc.Station),
		render.F(text.New("devices of this station"), strconv.Itoa(doc.Settled)),
		render.F(text.New("time"), took.Round(time.Millisecond).String()),
	)
	p.Blank()
	countsPage(p, doc.Counts)
	p.Line(text.New("The account of every device: poskey fleet reconcile %s", doc.Run))
}

// fleetLoads takes the keys of a plan in, for devices with a key loading key of their own.
func (a *App) fleetLoads(ctx context.Context, plan *fleet.Plan, kbpk string) ([]inject.Plan, error) {
	taker := a.keyTaker(injectOpts{yes: true}, device.Capabilities{})
	var all []inject.Plan
	for i := range plan.Loads {
		it := plan.Loads[i].Item(kbpk)
		p, err := taker.plan(ctx, &it)
		if err != nil {
			return nil, fault.Wrap(err, "load %d of the plan", i+1)
		}
		all = append(all, p)
	}
	return all, nil
}

// recordRun writes into the log how the run stood when this station ended.
func (a *App) recordRun(ctx context.Context, run string, c fleet.Counts, err error) error {
	n := func(i int) string { return strconv.Itoa(i) }
	a.holding.outcome = agent.Outcome{Details: audit.Details{"run": audit.Clean(run), "expected": n(c.Listed), "confirmed": n(c.Confirmed),
		"failed": n(c.Failed), "quarantined": n(c.Quarantined), "rejected": n(c.Rejected), "left": n(c.Left)}}
	return a.record(ctx, err)
}
