package cli

import (
	"context"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"poskey/internal/render"
	"poskey/internal/source"
	"poskey/internal/text"
	"poskey/pkg/fleet"
)

type fleetStatusOpts struct {
	watch bool
	every time.Duration
	html  string
}

func newFleetStatusCmd(a *App) *cobra.Command {
	o := fleetStatusOpts{}
	cmd := a.command(cmdSpec{
		use:     "status RUN",
		short:   text.New("how a run stands: devices by state, stations, what went wrong"),
		long:    text.New("With --watch it is shown again and again until no device is left, or an interrupt."),
		example: "  poskey fleet status RUN-2026-11\n  poskey fleet status RUN-2026-11 --watch\n  poskey fleet status RUN-2026-11 --html run.html",
		exits:   []int{3, 4, 6, 8}, args: cobra.ExactArgs(1),
	})
	cmd.Flags().BoolVar(&o.watch, "watch", false, a.Say.T("go on showing it until no device is left"))
	spanFlag(cmd.Flags(), &o.every, "every", time.Second, a.Say.T("with --watch: pause between two looks"))
	a.htmlFlag(cmd.Flags(), &o.html)
	cmd.MarkFlagsMutuallyExclusive("html", "watch")
	cmd.RunE = func(cmd *cobra.Command, args []string) error { return runFleetStatus(cmd.Context(), a, o, args[0]) }
	return cmd
}

type fleetStatusDoc struct {
	fleet.Status
	Troubles []troubleDoc `json:"troubles"`
}

type troubleDoc struct {
	Serial string `json:"serial"`
	State  string `json:"state"`
	Reason string `json:"reason,omitempty"`
}

func runFleetStatus(ctx context.Context, a *App, o fleetStatusOpts, run string) error {
	if o.html != "" {
		if err := source.CheckNew(o.html); err != nil {
			return err
		}
	}
	for {
		left, err := a.fleetStatusOnce(ctx, o, run)
		if err != nil || !o.watch || left == 0 {
			return err
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(max(o.every, 100*time.Millisecond)):
		}
	}
}

// fleetStatusOnce shows how a run stands, and tells how many devices are left.
func (a *App) fleetStatusOnce(ctx context.Context, o fleetStatusOpts, run string) (left int, err error) {
	db, err := a.openStore(ctx)
	if err != nil {
		return 0, err
	}
	s, err := fleet.ReadStatus(ctx, db, run)
	if err != nil {
		return 0, err
	}
	if o.html != "" {
		if err := a.writeFleetHTML(o.html, &s); err != nil {
			return 0, err
		}
	}
	doc := fleetStatusDoc{Status: s, Troubles: []troubleDoc{}}
	for _, t := range s.Troubles {
		doc.Troubles = append(doc.Troubles, troubleDoc{t.Serial, string(t.State), t.Reason})
	}
	return s.Counts.Left, a.render.Answer("fleet.status", doc, func(p *render.Page) { fleetStatusPage(p, &doc) })
}

func fleetStatusPage(p *render.Page, doc *fleetStatusDoc) {
	p.Fields(render.F(text.New("run"), doc.Run), render.F(text.New("begun"), at(doc.Created)), render.F(text.New("closed"), at(doc.Closed)))
	p.Blank()
	countsPage(p, doc.Counts)
	if len(doc.Stations) > 0 {
		p.Blank()
		var rows [][]string
		for _, s := range doc.Stations {
			rows = append(rows, []string{s.Station, strconv.Itoa(s.Confirmed), strconv.Itoa(s.Others), at(s.Last)})
		}
		p.Grid([]text.Text{text.New("station"), text.New("confirmed"), text.New("others"), text.New("last")}, rows)
	}
	if len(doc.Troubles) == 0 {
		return
	}
	p.Blank()
	var rows [][]string
	for _, t := range doc.Troubles {
		rows = append(rows, []string{t.Serial, t.State, t.Reason})
	}
	p.Grid([]text.Text{text.New("serial"), text.New("state"), text.New("reason")}, rows)
}
