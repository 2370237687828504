package cli

import (
	"github.com/spf13/cobra"

	"poskey/internal/text"
)

func newKeyCmd(a *App) *cobra.Command {
	return a.parent("key", groupCustody, text.New("the keys of the store: inventory and life cycle"),
		newKeyListCmd(a), newKeyShowCmd(a), newKeyTreeCmd(a), newKeyCalendarCmd(a), newKeyImportCmd(a), newKeyExportCmd(a), newKeyRotateCmd(a),
		newKeyActivateCmd(a), newKeySuspendCmd(a), newKeyRetireCmd(a), newKeyCompromiseCmd(a), newKeyDestroyCmd(a))
}
