package cli

import (
	"github.com/spf13/cobra"

	"poskey/internal/text"
	"poskey/pkg/custody"
	"poskey/pkg/store"
)

func newKeyRetireCmd(a *App) *cobra.Command {
	return a.lifeCmd(lifeStep{
		spec: cmdSpec{
			use:   "retire LABEL",
			short: text.New("end the use of a key for good: it only opens what it protected before"),
			long: text.New("From active or suspended to deactivated, with no way back. To put a successor in its place, use poskey key rotate;\n" +
				"to erase it afterwards, poskey key destroy."),
			example: "  poskey key retire ZMK-2024\n  poskey key retire TPK-17#1 --reason 'terminal scrapped'",
		},
		schema: "key.retire", activity: custody.KeyState, to: store.Deactivated,
	})
}
