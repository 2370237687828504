package cli

import (
	"github.com/spf13/cobra"

	"poskey/internal/text"
)

func newDiagnoseCmd(a *App) *cobra.Command {
	return a.parent("diagnose", groupTrouble, text.New("find out why a key check fails"), newDiagnoseKCVCmd(a))
}
