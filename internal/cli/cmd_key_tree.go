package cli

import (
	"context"
	"strings"

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

type keyTreeDoc struct {
	Store string    `json:"store"`
	Keys  []nodeDoc `json:"keys"` // each under its parent, in the order of the picture
}

type nodeDoc struct {
	Depth int `json:"depth"`
	rowDoc
}

func runKeyTree(ctx context.Context, a *App, all bool, args []string) error {
	db, err := a.openStore(ctx)
	if err != nil {
		return err
	}
	id, err := db.Identity(ctx)
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
	var nodes []store.Node
	for n, err := range db.Tree(ctx, root) {
		if err != nil {
			return err
		}
		if all || !n.Key.State.Gone() {
			nodes = append(nodes, n)
		}
	}
	doc := keyTreeDoc{Store: id.ID, Keys: []nodeDoc{}}
	for i := range nodes {
		doc.Keys = append(doc.Keys, nodeDoc{nodes[i].Depth, newRowDoc(&nodes[i].Key)})
	}
	return a.render.Answer("key.tree", doc, func(p *render.Page) {
		if root.IsZero() {
			p.Raw(p.T(text.New("master key of store %s", id.ID)) + "  " + checkText(id.Master.Check))
		}
		drawTree(p, nodes, root.IsZero())
	})
}

// drawTree draws nodes that stand each under its parent. With a root above them the highest hang under it too.
func drawTree(p *render.Page, nodes []store.Node, rooted bool) {
	if len(nodes) == 0 {
		return
	}
	top := nodes[0].Depth
	if rooted {
		top--
	}
	more := moreBeside(nodes)
	var open []bool // for each level, whether its branch goes on below
	for i := range nodes {
		depth := nodes[i].Depth - top
		for len(open) < depth { // its parent is left out
			open = append(open, false)
		}
		open = append(open[:depth], more[i])
		var line strings.Builder
		for level := 1; level < depth; level++ {
			line.WriteString(limb(open[level], "│  ", "   "))
		}
		if depth > 0 {
			line.WriteString(limb(more[i], "├─ ", "└─ "))
		}
		p.Raw(line.String() + nodeText(p, &nodes[i].Key))
	}
}

func limb(goesOn bool, yes, no string) string {
	if goesOn {
		return yes
	}
	return no
}

// moreBeside tells for each node whether another one hangs beside it further down.
func moreBeside(nodes []store.Node) []bool {
	more := make([]bool, len(nodes))
	var met []bool // by depth, in what stands below
	for i := len(nodes) - 1; i >= 0; i-- {
		depth := nodes[i].Depth
		for len(met) <= depth {
			met = append(met, false)
		}
		more[i], met[depth] = met[depth], true
		met = met[:depth+1]
	}
	return more
}

func nodeText(p *render.Page, k *store.Key) string {
	words := []string{k.Ref().String(), string(k.Usage), string(k.Algorithm), k.Check.Digits}
	if k.State != store.Active {
		words = append(words, "["+p.T(stateText(k.State))+"]")
	}
	return strings.Join(words, "  ")
}
