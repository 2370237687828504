package cli

import (
	"context"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"poskey/internal/render"
	"poskey/internal/text"
	"poskey/pkg/incident"
)

func newIncidentShowCmd(a *App) *cobra.Command {
	dir := ""
	cmd := a.command(cmdSpec{
		use:     "show ID",
		short:   text.New("an incident: its steps, what falls, what was done, and what comes next"),
		long:    text.New("What poskey can see by itself it looks up in the inventory now; nothing is written. The store may be sealed."),
		example: "  poskey incident show INC-2026-0001\n  poskey incident show INC-2026-0001 -o json",
		exits:   []int{3, 4, 5, 8}, args: cobra.ExactArgs(1),
	})
	a.incidentDirFlag(cmd, &dir)
	cmd.RunE = func(cmd *cobra.Command, args []string) error { return runIncidentShow(cmd.Context(), a, dir, args[0]) }
	return cmd
}

func runIncidentShow(ctx context.Context, a *App, dir, id string) error {
	site, err := a.incidents(ctx, dir)
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
	return a.render.Answer("incident.show", newIncidentDoc(view), func(p *render.Page) { incidentPage(p, view) })
}

// incidentView is an incident as it is shown: its record, and what the inventory says of it now.
type incidentView struct {
	site     *incidentSite
	doc      *incident.Document
	measured incident.Measured
	untold   int // lines that the audit log does not have
}

func (s *incidentSite) view(ctx context.Context, d *incident.Document) (*incidentView, error) {
	v := &incidentView{site: s, doc: d}
	if s.db == nil {
		return v, nil
	}
	var err error
	v.measured, err = d.Measure(ctx, s.db)
	v.untold = d.Untold(s.told[d.Head.ID])
	return v, err
}

// commands are those for a step, as they are to be said here. Without a store there is nothing to contain and to be asked.
func (v *incidentView) commands(s incident.Step) []string {
	var all []string
	for _, line := range v.doc.Commands(s) {
		if v.site.db != nil || !actsOnStore(line) {
			all = append(all, v.here(line))
		}
	}
	return all
}

// actsOnStore tells that a command acts on a store or asks its inventory.
func actsOnStore(line string) bool {
	return slices.ContainsFunc([]string{"incident contain ", "key ", "custody ", "store ", "device list", "fleet status"},
		func(c string) bool {
			return strings.HasPrefix(line, "poskey "+c) && !strings.HasSuffix(line, " --help")
		})
}

// here adds the folder to a command on incidents, where it had to be named.
func (v *incidentView) here(line string) string {
	if v.site.db == nil && strings.HasPrefix(line, "poskey incident ") {
		return line + " --dir " + shellWord(v.site.dir)
	}
	return line
}

// items are what falls by the inventory now; by the record where there is no inventory, or the incident is closed.
func (v *incidentView) items() []incident.Item {
	if v.site.db == nil || v.doc.State() == incident.Closed {
		return v.doc.Blast()
	}
	return v.measured.Blast.Items()
}
