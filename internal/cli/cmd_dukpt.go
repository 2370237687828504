package cli

import (
	"github.com/spf13/cobra"

	"poskey/internal/text"
)

func newDukptCmd(a *App) *cobra.Command {
	return a.parent("dukpt", groupKeys, text.New("derive keys by DUKPT (TDES and AES) and explain key serial numbers"),
		newDukptIKCmd(a), newDukptKeyCmd(a), newDukptKSNCmd(a), newDukptStateCmd(a))
}
