package cli

import (
	"github.com/spf13/cobra"

	"poskey/internal/text"
)

func newCeremonyCmd(a *App) *cobra.Command {
	return a.parent("ceremony", groupCustody,
		text.New("key ceremonies: a reviewed script, people step by step, a signed record"),
		newCeremonyNewCmd(a), newCeremonyCheckCmd(a), newCeremonyRehearseCmd(a), newCeremonyRunCmd(a), newCeremonyResumeCmd(a), newCeremonyStatusCmd(a),
		newCeremonyVerifyCmd(a), newCeremonyReportCmd(a))
}
