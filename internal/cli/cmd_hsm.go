package cli

import (
	"github.com/spf13/cobra"

	"poskey/internal/text"
)

func newHSMCmd(a *App) *cobra.Command {
	return a.parent("hsm", groupCustody, text.New("look at a PKCS#11 token: its slots, its keys, what it can do"),
		newHSMListCmd(a), newHSMKeysCmd(a), newHSMSelftestCmd(a))
}
