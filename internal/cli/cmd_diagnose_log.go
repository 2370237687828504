package cli

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"poskey/internal/source"
	"poskey/internal/text"
	"poskey/pkg/diagnose"
)

type diagnoseLogOpts struct {
	diagnosisOpts
	vendor, where string
	local         bool
}

func newDiagnoseLogCmd(a *App) *cobra.Command {
	o := diagnoseLogOpts{}
	cmd := a.command(cmdSpec{
		use:   "log FILE|-",
		short: text.New("find key events in a log of a terminal, an HSM or a provisioning line, and explain them"),
		long: text.New("Any mixture of text and JSON lines, in English or Chinese. Loads, sign-ins, check values that differ, MAC errors, tamper, restarts,\n" +
			"log-ins and codes are found, grouped by device, station and person, and held against each other. What looks like a key is hidden\n" +
			"before anything else looks at it. Time stamps without a zone are taken as UTC (--local: this machine's)."),
		example: "  poskey diagnose log terminal.log --vendor pax\n  adb logcat -d | poskey diagnose log -",
		exits:   []int{4, 11}, args: cobra.ExactArgs(1),
	})
	f := cmd.Flags()
	a.vendorFlag(f, &o.vendor)
	f.StringVar(&o.where, "where", "", a.Say.T("device or program of lines that name none"))
	f.BoolVar(&o.local, "local", false, a.Say.T("time stamps without a zone are in this machine's zone"))
	a.diagnosisFlags(f, &o.diagnosisOpts)
	cmd.RunE = func(cmd *cobra.Command, args []string) error { return runDiagnoseLog(cmd.Context(), a, o, args[0]) }
	return cmd
}

func runDiagnoseLog(ctx context.Context, a *App, o diagnoseLogOpts, path string) error {
	ears, err := diagnose.NewEars()
	if err != nil {
		return err
	}
	events, summary, err := a.readLog(ctx, path, o, ears)
	if err != nil {
		return err
	}
	a.render.Note(text.New("lines read: %d, key events: %d", summary.Lines, len(events)))
	if summary.Blotted > 0 {
		a.render.Note(text.New("places where something looks like a key: %d; they are hidden in all that is shown", summary.Blotted))
	}
	if summary.Cut {
		a.render.Warn(text.New("the log goes on after line %d and was not read further: give the part around the first trouble", summary.Lines))
	}
	o.known = map[string]string{"file": path, "vendor": o.vendor}
	if len(events) == 0 {
		if err := o.check(); err != nil {
			return err
		}
		none := diagnose.Report{Verdict: diagnose.Unexplained, NextStep: text.New("the log tells of no key event: " +
			"give the log of the terminal's security service, of the HSM or of the injection")}
		return a.showDiagnosis(ctx, "diagnose.log", &diagnose.Case{}, none, o.diagnosisOpts)
	}
	return a.diagnosed(ctx, "diagnose.log", diagnose.Case{Log: events, Ears: ears}, o.diagnosisOpts)
}

// readLog reads a file, or standard input.
func (a *App) readLog(ctx context.Context, path string, o diagnoseLogOpts,
	ears *diagnose.Ears,
) ([]diagnose.Event, diagnose.LogSummary, error) {
	in := a.In
	if path != "-" {
		f, err := source.Open(ctx, path)
		if err != nil {
			return nil, diagnose.LogSummary{}, err
		}
		defer func() { _ = f.Close() }()
		in = source.Stream(ctx, f)
	}
	opts := diagnose.LogOptions{Ears: ears, Vendor: o.vendor, Where: o.where, Location: time.UTC, Year: a.Env.Now().Year()}
	if o.local {
		opts.Location = time.Local
	}
	return diagnose.ReadLog(in, opts)
}
