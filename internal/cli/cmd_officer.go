package cli

import (
	"github.com/spf13/cobra"

	"poskey/internal/text"
)

func newOfficerCmd(a *App) *cobra.Command {
	return a.parent("officer", groupCustody, text.New("the people who hold the keys: identities and cards"),
		newOfficerNewCmd(a), newOfficerShowCmd(a), newOfficerListCmd(a), newOfficerPassphraseCmd(a))
}
