package cli

import (
	"github.com/spf13/cobra"

	"poskey/internal/text"
)

func newIncidentCmd(a *App) *cobra.Command {
	return a.parent("incident", groupTrouble,
		text.New("what went wrong: its record, the steps that it takes, what falls with it"),
		newIncidentOpenCmd(a), newIncidentListCmd(a), newIncidentShowCmd(a), newIncidentAddCmd(a), newIncidentContainCmd(a), newIncidentCloseCmd(a),
		newIncidentReportCmd(a))
}
