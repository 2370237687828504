package cli

import (
	"context"

	"github.com/spf13/cobra"

	"poskey/internal/fault"
	"poskey/internal/render"
	"poskey/internal/text"
	"poskey/pkg/store"
)

func newStoreSealCmd(a *App) *cobra.Command {
	cmd := a.command(cmdSpec{
		use:   "seal",
		short: text.New("close the store: the agent wipes the master key and ends"),
		long: text.New("Work that is under way is ended and recorded. Sealing a store that is sealed already is no error: what was wanted is so.\n" +
			"Anybody who works with the store may seal it."),
		example: "  poskey store seal\n  poskey store seal --store sqlite:/var/lib/poskey/store.db -o json",
		exits:   []int{3, 4, 6, 8, 9}, args: cobra.NoArgs,
	})
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return runStoreSeal(cmd.Context(), a) }
	return cmd
}

type storeSealDoc struct {
	Store  string `json:"store"`
	Sealed bool   `json:"sealed"`
	Was    string `json:"was"` // open, sealed
}

func runStoreSeal(ctx context.Context, a *App) error {
	db, id, err := a.openIdentified(ctx)
	if err != nil {
		return err
	}
	if id.Master.Kind == store.ByToken {
		return fault.New(fault.Usage, "the master key of this store is in a token: there is nothing to seal; log in ends with each command")
	}
	doc := storeSealDoc{Store: id.ID, Sealed: true, Was: "open"}
	auth, err := a.authority(ctx, db.URL(), id)
	switch {
	case fault.Is(err, fault.Sealed):
		doc.Was = "sealed"
	case err != nil:
		return err
	default:
		defer func() { _ = auth.Close() }()
		if err := auth.Seal(ctx, whoAmI()); err != nil {
			return err
		}
	}
	return a.render.Answer("store.seal", doc, func(p *render.Page) {
		if doc.Was == "sealed" {
			p.Good(text.New("Store %s was sealed already.", id.ID))
			return
		}
		p.Good(text.New("Store %s is sealed.", id.ID))
	})
}
