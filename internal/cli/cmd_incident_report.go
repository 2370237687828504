package cli

import (
	"context"

	"github.com/spf13/cobra"

	"poskey/internal/fault"
	"poskey/internal/render"
	"poskey/internal/text"
)

type incidentReportOpts struct{ dir, reader, html string }

func newIncidentReportCmd(a *App) *cobra.Command {
	o := incidentReportOpts{}
	cmd := a.command(cmdSpec{
		use:   "report ID",
		short: text.New("the report of an incident, for the acquirer or for an assessor"),
		long: text.New("Markdown, or a page for browsers (--html). The assessor's has everything; in the acquirer's there are no names of people, no bags, no\n" +
			"holders of components and no numbers of the audit log."),
		example: "  poskey incident report INC-2026-0001 --for acquirer\n" +
			"  poskey incident report INC-2026-0001 --for assessor --html incident.html",
		exits: []int{3, 4, 5, 6, 8}, args: cobra.ExactArgs(1),
	})
	f := cmd.Flags()
	a.incidentDirFlag(cmd, &o.dir)
	f.StringVar(&o.reader, "for", readerAssessor, a.Say.T("who reads it: acquirer or assessor"))
	a.htmlFlag(f, &o.html)
	cmd.RunE = func(cmd *cobra.Command, args []string) error { return runIncidentReport(cmd.Context(), a, o, args[0]) }
	return cmd
}

// Who reads a report.
const (
	readerAcquirer = "acquirer"
	readerAssessor = "assessor"
)

func runIncidentReport(ctx context.Context, a *App, o incidentReportOpts, id string) error {
	if o.reader != readerAcquirer && o.reader != readerAssessor {
		return fault.New(fault.Usage, "--for %q: known: acquirer assessor", text.Redact(o.reader))
	}
	site, err := a.incidents(ctx, o.dir)
	if err != nil {
		return err
	}
	d, err := site.read(id)
	if err != nil {
		return err
	}
	view, err := site.view(ctx, d)
	if err != nil {
		return err
	}
	report := newIncidentReport(view, o.reader)
	if o.html != "" {
		if err := writeIncidentReport(o.html, report); err != nil {
			return fault.Wrap(err, "--html")
		}
	}
	return a.render.Answer("incident.report", report.doc(), func(p *render.Page) {
		if o.html != "" {
			p.Good(text.New("The report of incident %s is in %s.", d.Head.ID, text.Redact(o.html)))
			return
		}
		for _, line := range report.lines() {
			p.Raw(line)
		}
	})
}
