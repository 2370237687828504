package cli

import (
	"github.com/spf13/cobra"

	"poskey/internal/text"
)

func newKeysetThawCmd(a *App) *cobra.Command {
	cmd := a.command(cmdSpec{
		use:     "thaw NAME",
		short:   text.New("hand out numbers of a frozen key set again"),
		long:    text.New("It goes on with the number after the last one that was handed out."),
		example: "  poskey keyset thaw KS-2026",
		exits:   []int{3, 4, 5, 6, 7, 8, 9}, args: cobra.ExactArgs(1),
	})
	cmd.RunE = func(cmd *cobra.Command, args []string) error { return a.freezeKeyset(cmd.Context(), args[0], false) }
	return cmd
}
