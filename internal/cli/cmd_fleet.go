package cli

import (
	"github.com/spf13/cobra"

	"poskey/internal/text"
)

func newFleetCmd(a *App) *cobra.Command {
	return a.parent("fleet", groupDevices, text.New("keys for many terminals: a list, a run over stations, an account of every device"),
		newFleetPlanCmd(a), newFleetRunCmd(a), newFleetStatusCmd(a), newFleetReconcileCmd(a), newFleetVerifyCmd(a))
}
