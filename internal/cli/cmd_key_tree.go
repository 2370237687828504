package cli

import (
	"context"

	"github.com/spf13/cobra"

	"poskey/internal/render"
	"poskey/internal/text"
	"poskey/pkg/store"
)

func newKeyTreeCmd(a *App) *cobra.Command {
	all := false
	cmd := a.command(cmdSpec{
		use:   "tree [LABEL]",
		short: text.New("draw the hierarchy of keys: what hangs under what"),
		long: text.New("The store's master key stands on top. A key hangs under the one that it is exchanged under or was derived from.\n" +
			"Destroyed keys are left out unless --all is given."),
		example: "  poskey key tree\n  poskey key tree ZMK-2026\n  poskey key tree --all -o json",
		exits:   []int{3, 4, 6, 8, 9}, args: cobra.MaximumNArgs(1),
	})
	cmd.Flags().BoolVar(&all, "all", false, a.Say.T("destroyed keys too"))
	cmd.RunE = func(cmd *cobra.Command, args []string) error { return runKeyTree(cmd.Context(), a, all, args) }
	return cmd
}

// keyTreeRest is what stands in the answer beside the keys, which come each under its parent, in the order of the picture.
type keyTreeRest struct {
	Store string `json:"store"`
}

func runKeyTree(ctx context.Context, a *App, all bool, args []string) error {
	db, id, err := a.openIdentified(ctx)
	if err != nil {
		return err
	}
	root := store.Ref{}
	if len(args) == 1 {
		k, err := a.anyKey(ctx, args[0])
		if err != nil {
			return err
		}
		root = k.Ref()
	}
	nodes := standing(db.Tree(ctx, root), all)
	if a.render.Format == render.JSON {
		return a.render.Stream("key.tree", "keys", nodeDocs(nodes), func() any { return keyTreeRest{id.ID} })
	}
	picture, err := a.picture(nodes)
	if err != nil {
		return err
	}
	return a.render.Answer("key.tree", keyTreeRest{id.ID}, func(p *render.Page) {
		if root.IsZero() {
			p.Raw(p.T(text.New("master key of store %s", id.ID)) + "  " + checkText(id.Master.Check))
		}
		drawTree(p, picture, root.IsZero())
	})
}
