package cli

import (
	"github.com/spf13/cobra"

	"poskey/internal/text"
	"poskey/pkg/custody"
	"poskey/pkg/store"
)

func newKeyActivateCmd(a *App) *cobra.Command {
	return a.lifeCmd(lifeStep{
		spec: cmdSpec{
			use:     "activate LABEL",
			short:   text.New("put a key into use, for the first time or again"),
			long:    text.New("From pre-activation or suspended to active. With the first activation the cryptoperiod begins."),
			example: "  poskey key activate ZMK-2026\n  poskey key activate TPK-17#2 --reason 'found in order'",
		},
		schema: "key.activate", activity: custody.KeyState, to: store.Active,
	})
}
