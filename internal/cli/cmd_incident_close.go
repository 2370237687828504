package cli

import (
	"context"

	"github.com/spf13/cobra"

	"poskey/internal/render"
	"poskey/internal/text"
	"poskey/pkg/audit"
	"poskey/pkg/custody"
	"poskey/pkg/incident"
)

type incidentCloseOpts struct{ dir, by, second string }

func newIncidentCloseCmd(a *App) *cobra.Command {
	o := incidentCloseOpts{}
	cmd := a.command(cmdSpec{
		use:   "close ID",
		short: text.New("close an incident, by two people"),
		long: text.New("Refused while a step is neither done nor skipped with a reason, and while nothing was said of what was learned. With a store its\n" +
			"officers approve it: two in production. Nothing can be written into the record afterwards."),
		example: "  poskey incident close INC-2026-0001 --by 'officer a' --second 'officer b'",
		exits:   []int{3, 4, 5, 6, 7, 8, 9}, args: cobra.ExactArgs(1),
	})
	f := cmd.Flags()
	a.incidentDirFlag(cmd, &o.dir)
	f.StringVar(&o.by, "by", "", a.Say.T("who closes it"))
	f.StringVar(&o.second, "second", "", a.Say.T("the other person, who has looked at it"))
	required(cmd, "by", "second")
	cmd.RunE = func(cmd *cobra.Command, args []string) error { return runIncidentClose(cmd.Context(), a, o, args[0]) }
	return cmd
}

func runIncidentClose(ctx context.Context, a *App, o incidentCloseOpts, id string) error {
	site, err := a.incidents(ctx, o.dir)
	if err != nil {
		return err
	}
	d, err := site.read(id)
	if err != nil {
		return err
	}
	closing := func(d *incident.Document) ([]incident.Entry, error) {
		seen, err := site.measured(ctx, d, o.by)
		if err != nil {
			return nil, err
		}
		return append(seen, incident.Entry{Kind: incident.EntryClose, By: o.by, Second: o.second}), d.MayClose(o.by, o.second, seen)
	}
	if _, err := closing(d); err != nil { // nobody is asked in vain
		return err
	}
	if site.db != nil {
		details := audit.Details{"by": audit.Clean(o.by), "second": audit.Clean(o.second), "lessons": text.New("%d", len(d.Lessons())).String()}
		if _, err := a.begin(ctx, custody.IncidentClose, d.Head.ID, details); err != nil {
			return err
		}
	}
	d, err = site.append(id, closing)
	if err != nil {
		return err
	}
	return site.answer(ctx, "incident.close", d, func(p *render.Page) {
		p.Good(text.New("Incident %s is closed. Its lessons are asked for in the next assessment.", d.Head.ID))
	})
}
