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
		ref, err := refOf(args[0])
		if err != nil {
			return err
		}
		k, err := db.Get(ctx, ref)
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
		drawTree(p, nodes)
	})
}

// drawTree draws nodes that stand each under its parent.
func drawTree(p *render.Page, nodes []store.Node) {
	top := 0
	if len(nodes) > 0 {
		top = nodes[0].Depth
	}
	for i := range nodes {
		depth := nodes[i].Depth - top
		var line strings.Builder
		for level := range depth {
			if moreAt(nodes[i+1:], top+level+1, top+level) && level < depth-1 {
				line.WriteString("│  ")
			} else if level < depth-1 {
				line.WriteString("   ")
			}
		}
		switch {
		case depth == 0 && len(nodes) > 0:
		case moreAt(nodes[i+1:], nodes[i].Depth, nodes[i].Depth-1):
			line.WriteString("├─ ")
		default:
			line.WriteString("└─ ")
		}
		p.Raw(line.String() + nodeText(p, &nodes[i].Key))
	}
}

// moreAt tells whether another node of the depth follows before the branch ends at a node of depth over or above.
func moreAt(rest []store.Node, depth, over int) bool {
	for _, n := range rest {
		switch {
		case n.Depth == depth:
			return true
		case n.Depth <= over:
			return false
		}
	}
	return false
}

func nodeText(p *render.Page, k *store.Key) string {
	words := []string{k.Ref().String(), string(k.Usage), string(k.Algorithm), k.Check.Digits}
	if k.State != store.Active {
		words = append(words, "["+p.T(stateText(k.State))+"]")
	}
	return strings.Join(words, "  ")
}
