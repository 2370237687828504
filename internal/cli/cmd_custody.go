package cli

import (
	"github.com/spf13/cobra"

	"poskey/internal/text"
)

func newCustodyCmd(a *App) *cobra.Command {
	return a.parent("custody", groupCustody, text.New("the ledger of ceremonies: who held which part, and where the bags are"),
		newCustodyPartsCmd(a), newCustodyBagsCmd(a))
}
