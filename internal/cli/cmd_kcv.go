package cli

import (
	"github.com/spf13/cobra"

	"poskey/internal/text"
)

func newKCVCmd(a *App) *cobra.Command {
	return a.parent("kcv", groupKeys, text.New("compute, compare and identify check values"),
		newKCVComputeCmd(a), newKCVCheckCmd(a), newKCVIdentifyCmd(a))
}
