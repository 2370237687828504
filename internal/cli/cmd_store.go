package cli

import (
	"github.com/spf13/cobra"

	"poskey/internal/text"
)

func newStoreCmd(a *App) *cobra.Command {
	return a.parent("store", groupCustody, text.New("the key store: make, open, close, back up, verify"),
		newStoreInitCmd(a), newStoreStatusCmd(a), newStoreUnsealCmd(a), newStoreSealCmd(a), newStoreReshareCmd(a),
		newStoreBackupCmd(a), newStoreRestoreCmd(a), newStoreVerifyCmd(a))
}
