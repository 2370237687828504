package cli

import (
	"github.com/spf13/cobra"

	"poskey/internal/text"
)

func newAuditCmd(a *App) *cobra.Command {
	return a.parent("audit", groupCustody, text.New("the record of everything that was done: read it, check it, sign it"),
		newAuditShowCmd(a), newAuditVerifyCmd(a), newAuditExportCmd(a), newAuditCheckpointCmd(a))
}
