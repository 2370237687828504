package cli

import (
	"context"

	"github.com/spf13/cobra"

	"poskey/internal/fault"
	"poskey/internal/text"
)

func newIncidentListCmd(a *App) *cobra.Command {
	dir := ""
	cmd := a.command(cmdSpec{
		use:     "list",
		short:   text.New("every incident, and where it stands"),
		long:    text.New("A record that was changed, cut off or taken away is listed as broken, and the command ends with 5. The store may be sealed."),
		example: "  poskey incident list\n  poskey incident list --dir incidents",
		exits:   []int{3, 4, 5, 8}, args: cobra.NoArgs,
	})
	a.incidentDirFlag(cmd, &dir)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return runIncidentList(cmd.Context(), a, dir) }
	return cmd
}

func runIncidentList(ctx context.Context, a *App, dir string) error {
	site, err := a.incidents(ctx, dir)
	if err != nil {
		return err
	}
	all, err := site.list()
	if err != nil {
		return err
	}
	doc := newIncidentsDoc(all)
	if err := a.render.Answer("incident.list", doc, incidentsPage(all, a.Env.Now())); err != nil {
		return err
	}
	for i := range all {
		if all[i].Broken != nil {
			return fault.New(fault.LogBroken, "the record of incident %s does not verify", all[i].ID)
		}
	}
	return nil
}
