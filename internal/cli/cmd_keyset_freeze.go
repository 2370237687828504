package cli

import (
	"context"

	"github.com/spf13/cobra"

	"poskey/internal/render"
	"poskey/internal/text"
	"poskey/pkg/custody"
)

func newKeysetFreezeCmd(a *App) *cobra.Command {
	cmd := a.command(cmdSpec{
		use:     "freeze NAME",
		short:   text.New("hand out no more numbers of a key set"),
		long:    text.New("For as long as something is looked into. Numbers that stations have leased do not go out either, and stations stop themselves."),
		example: "  poskey keyset freeze KS-2026",
		exits:   []int{3, 4, 5, 6, 7, 8, 9}, args: cobra.ExactArgs(1),
	})
	cmd.RunE = func(cmd *cobra.Command, args []string) error { return a.freezeKeyset(cmd.Context(), args[0], true, 0) }
	return cmd
}

// freezeKeyset stops or allows the handing out of numbers; what lies before next is left out, 0 leaves nothing out.
func (a *App) freezeKeyset(ctx context.Context, name string, frozen bool, next uint64) error {
	work, err := a.begin(ctx, custody.KSNAllocate, name, nil)
	if err != nil {
		return err
	}
	if next > 0 {
		if err := a.holding.db.Skip(ctx, work.Change(), name, next); err != nil {
			return err
		}
	}
	if err := a.holding.db.Freeze(ctx, work.Change(), name, frozen); err != nil {
		return err
	}
	set, err := a.holding.db.KeySet(ctx, name)
	if err != nil {
		return err
	}
	schema, said := "keyset.thaw", text.New("Key set %s hands out numbers again.", name)
	if frozen {
		schema, said = "keyset.freeze", text.New("Key set %s hands out no more numbers.", name)
	}
	return a.render.Answer(schema, newKeysetDoc(&set), func(p *render.Page) {
		p.Good(said)
		keysetPage(p, &set)
	})
}
