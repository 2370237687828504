package cli

import (
	"github.com/spf13/cobra"

	"poskey/internal/text"
	"poskey/pkg/custody"
	"poskey/pkg/store"
)

func newKeySuspendCmd(a *App) *cobra.Command {
	return a.lifeCmd(lifeStep{
		spec: cmdSpec{
			use:     "suspend LABEL",
			short:   text.New("take a key out of use for the time being"),
			long:    text.New("A suspended key protects and opens nothing until it is activated again; use it while something is looked into."),
			example: "  poskey key suspend TPK-17 --reason 'terminal opened'",
		},
		schema: "key.suspend", activity: custody.KeyState, to: store.Suspended,
	})
}
