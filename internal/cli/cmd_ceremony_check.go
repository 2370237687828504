package cli

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"poskey/internal/render"
	"poskey/internal/text"
	"poskey/pkg/ceremony/script"
	"poskey/pkg/custody"
)

func newCeremonyCheckCmd(a *App) *cobra.Command {
	o := ceremonyOpts{idle: usualIdle}
	cmd := a.command(cmdSpec{
		use:   "check SCRIPT",
		short: text.New("look at script and room before anybody enters"),
		long: text.New("The script is held against its schema, the order of its steps, the rules about people, parts and keys, and ceremonies before; then the\n" +
			"room is looked at: store, keys and devices that the script names, printer, clock, disk, networks, memory. Every finding carries the\n" +
			"number of the requirement that it goes back to. With an error the ceremony is not run; a warning goes into its record."),
		example: "  poskey ceremony check zmk.yaml\n" +
			"  poskey ceremony check zmk.yaml --past ceremonies --identity officers --printer /dev/usb/lp0",
		exits: []int{3, 4, 5, 6}, args: cobra.ExactArgs(1),
	})
	f := cmd.Flags()
	o.addPast(a, f)
	o.addPrinter(a, f)
	o.addIdentity(a, f)
	o.addDir(a, f)
	cmd.RunE = func(cmd *cobra.Command, args []string) error { return runCeremonyCheck(cmd.Context(), a, o, args[0]) }
	return cmd
}

type ceremonyCheckDoc struct {
	Script      string               `json:"script"`
	Kind        script.Kind          `json:"kind"`
	Title       string               `json:"title"`
	Environment custody.Environment  `json:"environment"`
	Starts      *time.Time           `json:"starts,omitempty"`
	Fingerprint string               `json:"fingerprint"`
	Words       string               `json:"words"`
	Steps       int                  `json:"steps"`
	Minutes     int                  `json:"minutes"`
	Ready       bool                 `json:"ready"`
	Errors      int                  `json:"errors"`
	Warnings    int                  `json:"warnings"`
	Notes       int                  `json:"notes"`
	Findings    []ceremonyFindingDoc `json:"findings"`
}

func runCeremonyCheck(ctx context.Context, a *App, o ceremonyOpts, path string) error {
	in, err := a.inspectCeremony(ctx, path, o, room{})
	if err != nil {
		return err
	}
	doc := in.doc()
	if err := a.render.Answer("ceremony.check", doc, func(p *render.Page) {
		ceremonyCheckPage(p, in, doc,
			a.render.Width)
	}); err != nil {
		return err
	}
	return refusedBy(in.findings)
}

func (in *inspection) doc() ceremonyCheckDoc {
	s := in.script
	var planned time.Duration
	for _, step := range s.Steps {
		planned += step.Minutes
	}
	errs := countFindings(in.findings, script.Error)
	return ceremonyCheckDoc{Script: in.scriptPath, Kind: s.Kind, Title: s.Title, Environment: s.Environment,
		Starts:      moment(s.Starts),
		Fingerprint: s.Fingerprint().String(), Words: s.Fingerprint().Words(), Steps: len(in.program.Steps), Minutes: int(planned.Minutes()),
		Ready: errs == 0, Errors: errs, Warnings: countFindings(in.findings, script.Warning),
		Notes:    countFindings(in.findings, script.Note),
		Findings: ceremonyFindingDocs(in.findings)}
}
