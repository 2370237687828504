package cli

import (
	"context"
	"iter"

	"github.com/spf13/cobra"

	"poskey/internal/render"
	"poskey/internal/source"
	"poskey/internal/text"
	"poskey/pkg/store"
)

type keyTreeOpts struct {
	all  bool
	html string
}

func newKeyTreeCmd(a *App) *cobra.Command {
	o := keyTreeOpts{}
	cmd := a.command(cmdSpec{
		use:   "tree [LABEL]",
		short: text.New("draw the hierarchy of keys: what hangs under what"),
		long: text.New("The store's master key stands on top. A key hangs under the one that it is exchanged under or was derived from.\n" +
			"Destroyed keys are left out unless --all is given. --html draws it for a browser, with states, cryptoperiods, the devices below each\n" +
			"key, and what ends in the next two years."),
		example: "  poskey key tree\n  poskey key tree ZMK-2026\n  poskey key tree --all -o json\n  poskey key tree --html keys.html",
		exits:   []int{3, 4, 6, 8, 9}, args: cobra.MaximumNArgs(1),
	})
	cmd.Flags().BoolVar(&o.all, "all", false, a.Say.T("destroyed keys too"))
	a.htmlFlag(cmd.Flags(), &o.html)
	cmd.RunE = func(cmd *cobra.Command, args []string) error { return runKeyTree(cmd.Context(), a, o, args) }
	return cmd
}

// keyTreeRest is what stands in the answer beside the keys, which come each under its parent, in the order of the picture.
type keyTreeRest struct {
	Store string `json:"store"`
}

func runKeyTree(ctx context.Context, a *App, o keyTreeOpts, args []string) error {
	if o.html != "" {
		if err := source.CheckNew(o.html); err != nil {
			return err
		}
	}
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
	nodes := standing(db.Tree(ctx, root), o.all)
	if o.html != "" {
		if nodes, err = a.treeHTML(ctx, o.html, db, &id, root, nodes); err != nil {
			return err
		}
	}
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

// treeHTML writes the page, and hands the nodes on that it was made of: the answer tells of the same keys.
func (a *App) treeHTML(ctx context.Context, path string, db *store.Store, id *store.Identity, root store.Ref,
	nodes iter.Seq2[store.Node, error]) (iter.Seq2[store.Node, error], error) {
	var all []store.Node
	for n, err := range nodes {
		if err != nil {
			return nil, err
		}
		all = append(all, n)
	}
	h, err := a.readHierarchy(ctx, db, *id, root, all)
	if err != nil {
		return nil, err
	}
	if err := a.writeKeyTreeHTML(path, h); err != nil {
		return nil, err
	}
	return func(yield func(store.Node, error) bool) {
		for _, n := range all {
			if !yield(n, nil) {
				return
			}
		}
	}, nil
}
