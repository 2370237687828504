package cli

import (
	"context"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"poskey/internal/fault"
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
	var approved []string
	closing := func(now *incident.Document) ([]incident.Entry, error) {
		if now.Last != d.Last { // what is closed is what two people looked at
			return nil, fault.New(fault.Busy, "somebody wrote into the record of incident %s meanwhile; look at it, and close it then", d.Head.ID)
		}
		seen, err := site.mayClose(ctx, now, &o)
		last := incident.Entry{Kind: incident.EntryClose, By: o.by, Second: o.second,
			Details: map[string]string{incident.DetailApproved: strings.Join(approved, " and ")}}
		return append(seen, last), err
	}
	if _, err := closing(d); err != nil { // nobody is asked in vain
		return err
	}
	if site.db != nil {
		details := audit.Details{"by": audit.Clean(o.by), "second": audit.Clean(o.second), "lessons": text.New("%d", len(d.Lessons())).String(),
			incident.FieldLines: strconv.Itoa(len(d.Records)), "head": d.Last.Short()}
		work, err := a.begin(ctx, custody.IncidentClose, d.Head.ID, details)
		if err != nil {
			return err
		}
		approved = work.Officers()
	}
	d, err = site.append(id, closing)
	if err != nil {
		return err
	}
	return site.answer(ctx, "incident.close", d, func(p *render.Page) {
		p.Good(text.New("Incident %s is closed. Its lessons are asked for in the next assessment.", d.Head.ID))
	})
}

// mayClose gives the lines that are written before the last one: steps that are done by now. Steps that were seen to be done
// and are so no more keep it open.
func (s *incidentSite) mayClose(ctx context.Context, d *incident.Document, o *incidentCloseOpts) ([]incident.Entry, error) {
	var seen []incident.Entry
	if s.db != nil && d.State() != incident.Closed {
		m, err := d.Measure(ctx, s.db)
		if err != nil {
			return nil, err
		}
		if err := d.MayNot(m); err != nil {
			return nil, err
		}
		seen = d.Recorded(m, o.by, func(t text.Text) string { return t.String() })
	}
	return seen, d.MayClose(o.by, o.second, seen)
}
