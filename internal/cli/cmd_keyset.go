package cli

import (
	"github.com/spf13/cobra"

	"poskey/internal/text"
)

func newKeysetCmd(a *App) *cobra.Command {
	return a.parent("keyset", groupCustody, text.New("DUKPT key sets: the numbers (KSN) under a base derivation key"),
		newKeysetAddCmd(a), newKeysetListCmd(a), newKeysetFreezeCmd(a), newKeysetThawCmd(a))
}
