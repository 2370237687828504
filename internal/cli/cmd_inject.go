package cli

import (
	"context"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"poskey/internal/fault"
	"poskey/internal/text"
	"poskey/pkg/audit"
	"poskey/pkg/inject"
	"poskey/pkg/store"
)

type injectOpts struct {
	device, manage                        string
	plan, run, serial, station            string
	resume, again, replace                bool
	slot, key, keySet, alg, kbpk, keyKBPK string
	kbpkSlot, expect, usage, mode         string
	reason, poi                           string
	own, clear, dryRun, yes, allowWeak    bool
	timeout                               time.Duration
}

func newInjectCmd(a *App) *cobra.Command {
	o := injectOpts{}
	cmd := a.command(cmdSpec{
		use: "inject", group: groupDevices,
		short: text.New("load a key into a terminal and confirm it"),
		long: text.New("The key goes as a key block under the terminal's KLK (--kbpk), or in clear with --clear. Before it crosses the line its check value\n" +
			"is compared with --expect, with the KC of its block, or shown for a yes at the terminal.\n" +
			"A plan (--plan) loads several keys; initial keys (key_set) get a number of their own each. With a store every step is in its journal\n" +
			"before the next one begins: after a break, --resume finds out from device and journal what happened, and loads no number twice.\n" +
			"What proves a load is said, and never more: packets 02 and 04 carry no check value, a MAC key is proven by a MAC of the terminal."),
		example: "  poskey inject --device visa+tcp://127.0.0.1:9000 --slot F --key file:klk.txt --clear --expect C0D5B5 --yes\n" +
			"  poskey inject --device visa+tcp://127.0.0.1:9000 --slot 0 --key file:tmk.txt --kbpk file:klk.txt --expect 08D7B4\n" +
			"  poskey inject --device visa+tcp://127.0.0.1:9000 --plan terminal.yaml --serial PK00000001\n" +
			"  poskey inject --device visa+tcp://127.0.0.1:9000 --plan terminal.yaml --serial PK00000001 --resume",
		exits: []int{3, 4, 5, 6, 7, 8, 9, 10}, args: cobra.NoArgs,
	})
	f := cmd.Flags()
	f.StringVar(&o.device, "device", "", a.Say.T("device: DIALECT+TRANSPORT://ADDRESS (visa, futurex, agent; tcp, serial, pty, https)"))
	f.StringVar(&o.manage, "manage", "", a.Say.T("device URI by which it tells of its condition, where --device cannot (agent+https://…)"))
	f.StringVar(&o.plan, "plan", "", a.Say.T("plan of what goes into the device (YAML, %s)", inject.DocumentSchema))
	f.StringVar(&o.run, "run", "", a.Say.T("name of the run in the journal; made up when left out"))
	f.BoolVar(&o.resume, "resume", false, a.Say.T("go on with the run of this device that was broken off"))
	f.BoolVar(&o.again, "again", false, a.Say.T("with --resume: load anew what has no known outcome; the old number is burnt"))
	f.BoolVar(&o.replace, "replace", false, a.Say.T("the device has an initial key of this key set: give its number up for a new one"))
	f.StringVar(&o.serial, "serial", "", a.Say.T("serial number of the device, as in the inventory"))
	f.StringVar(&o.station, "station", "", a.Say.T("name of this station in the journal; the machine's name when left out"))
	f.StringVar(&o.slot, "slot", "", a.Say.T("slot (visa: 0-9 PIN, B-E MAC, F KLK, G track data, 90 and 94 initial keys)"))
	a.keyFlag(f, &o.key)
	f.StringVar(&o.keySet, "key-set", "", a.Say.T("load the initial key for the next number of this key set"))
	f.StringVar(&o.alg, "alg", "", a.Say.T("algorithm; told by the length when left out"))
	f.StringVar(&o.kbpk, "kbpk", "", a.Say.T("the KLK in slot F (SRC), which protects the key block"))
	f.StringVar(&o.kbpkSlot, "kbpk-slot", "", a.Say.T("slot in which the terminal holds that key, for dialects that want to be told (futurex)"))
	f.StringVar(&o.keyKBPK, "key-kbpk", "", a.Say.T("KBPK that opens --key block:PATH (SRC)"))
	a.expectFlag(f, &o.expect)
	f.StringVar(&o.usage, "usage", "", a.Say.T("key usage; what the slot takes when left out"))
	f.StringVar(&o.mode, "mode", "", a.Say.T("mode of use; what the slot takes when left out"))
	f.BoolVar(&o.clear, "clear", false, a.Say.T("send the key in clear"))
	f.StringVar(&o.reason, "reason", "", a.Say.T("why the key goes in clear; needed in production"))
	f.StringVar(&o.poi, "poi-version", "", a.Say.T("PCI POI version of the device, where the inventory does not have it"))
	f.BoolVar(&o.own, "own-devices", false, a.Say.T("the devices are one's own (PCI PIN 32-9 has later dates for them)"))
	f.BoolVar(&o.dryRun, "dry-run", false, a.Say.T("do everything but the load"))
	f.BoolVar(&o.yes, "yes", false, a.Say.T("confirm without asking"))
	a.allowWeakFlag(f, &o.allowWeak)
	a.timeoutFlag(f, &o.timeout)
	cmd.MarkFlagsMutuallyExclusive("clear", "kbpk")
	cmd.MarkFlagsMutuallyExclusive("plan", "slot")
	cmd.MarkFlagsMutuallyExclusive("plan", "key")
	cmd.MarkFlagsMutuallyExclusive("key-set", "key")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return runInject(cmd.Context(), a, o) }
	return cmd
}

// saysWhat refuses an injection of nothing.
func (o *injectOpts) saysWhat() error {
	switch {
	case o.plan != "" || o.slot != "":
		return nil
	case o.resume:
		return fault.New(fault.Usage, "--resume goes on with what the run began with: give its --plan, or --slot with the --key or --key-set")
	}
	return fault.New(fault.Usage, "say what goes in: --plan FILE, or --slot with a --key or --key-set")
}

func runInject(ctx context.Context, a *App, o injectOpts) error {
	if err := o.saysWhat(); err != nil {
		return err
	}
	in, err := a.newInjection(ctx, o)
	if err != nil {
		return err
	}
	defer in.close()
	if err := in.open(ctx); err != nil {
		return err
	}
	cleared, err := in.preflight(ctx)
	if err != nil {
		return err
	}
	a.tellChecks(cleared.Checks())
	if o.dryRun {
		return a.answerInjection(in, cleared, inject.Report{})
	}
	report, err := in.load(ctx, cleared)
	if recorded := a.recordReport(ctx, report, err); recorded != nil {
		return recorded
	}
	if err != nil {
		return err
	}
	a.tellSame(report)
	if o.plan == "" && len(report.Loads) == 1 && report.Loads[0].Err != nil {
		return report.Loads[0].Err
	}
	if err := a.answerInjection(in, cleared, report); err != nil {
		return err
	}
	return unfinished(report)
}

// recordReport writes into the log what became of the loads.
func (a *App) recordReport(ctx context.Context, r inject.Report, err error) error {
	counts := map[store.LoadState]int{}
	for _, o := range r.Loads {
		counts[o.State]++
	}
	details := audit.Details{}
	for state, n := range counts {
		if state != "" {
			details[audit.Field(state)] = strconv.Itoa(n)
		}
	}
	if r.Run != "" {
		details["run"] = audit.Clean(r.Run)
	}
	if r.Serial != "" {
		details["device"] = audit.Clean(r.Serial)
	}
	a.holding.outcome.Details = details
	if err == nil {
		err = unfinished(r)
	}
	return a.record(ctx, err)
}

// unfinished is the error of a run in which something is left to do.
func unfinished(r inject.Report) error {
	if r.Confirmed() {
		return nil
	}
	for _, l := range r.Beside {
		return fault.New(fault.Partial, "run %s has an open load (%s) in slot %s, which the plan does not have; resume it with the plan that it began with",
			r.Run, string(l.State), l.Slot)
	}
	if err := r.Err(); err != nil {
		return fault.WrapAs(fault.Partial, err, "run %s is not finished; --resume goes on with it", r.Run)
	}
	return fault.New(fault.Partial, "run %s is not finished; --resume goes on with it", r.Run)
}
