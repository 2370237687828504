package cli

import (
	"github.com/spf13/cobra"

	"poskey/internal/text"
)

func newKeysetThawCmd(a *App) *cobra.Command {
	var next uint64
	cmd := a.command(cmdSpec{
		use:   "thaw NAME",
		short: text.New("hand out numbers of a frozen key set again"),
		long: text.New("It goes on with the number after the last one that the store knows of. Where an older database may have been put in its place, others\n" +
			"are in devices perhaps: look there and in the audit log, and leave them out with --next."),
		example: "  poskey keyset thaw KS-2026\n  poskey keyset thaw KS-2026 --next 1200",
		exits:   []int{3, 4, 5, 6, 7, 8, 9}, args: cobra.ExactArgs(1),
	})
	cmd.Flags().Uint64Var(&next, "next", 0, a.Say.T("go on at this number; those before it went out"))
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return a.freezeKeyset(cmd.Context(), args[0], false, next)
	}
	return cmd
}
