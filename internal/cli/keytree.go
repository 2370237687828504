package cli

// Keys that hang under each other, as commands list and draw them.

import (
	"iter"
	"strings"

	"poskey/internal/render"
	"poskey/internal/text"
	"poskey/pkg/store"
)

// nodeDoc is a key in a hierarchy in JSON.
type nodeDoc struct {
	Depth int `json:"depth"`
	rowDoc
}

// standing leaves destroyed keys out, unless all are wanted.
func standing(nodes iter.Seq2[store.Node, error], all bool) iter.Seq2[store.Node, error] {
	return func(yield func(store.Node, error) bool) {
		for n, err := range nodes {
			if err == nil && !all && n.Key.State.Gone() {
				continue
			}
			if !yield(n, err) {
				return
			}
		}
	}
}

func nodeDocs(nodes iter.Seq2[store.Node, error]) iter.Seq2[any, error] {
	return func(yield func(any, error) bool) {
		for n, err := range nodes {
			if !yield(nodeDoc{n.Depth, newRowDoc(&n.Key)}, err) {
				return
			}
		}
	}
}

// leaf is a key as the picture shows it. How its branch is drawn depends on what comes below, so the picture holds all.
type leaf struct {
	depth int
	text  string
}

func (a *App) picture(nodes iter.Seq2[store.Node, error]) ([]leaf, error) {
	var all []leaf
	for n, err := range nodes {
		if err != nil {
			return nil, err
		}
		all = append(all, newLeaf(a.Say.Text, &n))
	}
	return all, nil
}

// drawTree draws leaves that stand each under its parent. With a root above them the highest hang under it too.
func drawTree(p *render.Page, leaves []leaf, rooted bool) {
	if len(leaves) == 0 {
		return
	}
	top := leaves[0].depth
	if rooted {
		top--
	}
	more := moreBeside(leaves)
	var open []bool // for each level, whether its branch goes on below
	for i := range leaves {
		depth := leaves[i].depth - top
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
		p.Raw(line.String() + leaves[i].text)
	}
}

func limb(goesOn bool, yes, no string) string {
	if goesOn {
		return yes
	}
	return no
}

// moreBeside tells for each leaf whether another one hangs beside it further down.
func moreBeside(leaves []leaf) []bool {
	more := make([]bool, len(leaves))
	var met []bool // by depth, in what stands below
	for i := len(leaves) - 1; i >= 0; i-- {
		depth := leaves[i].depth
		for len(met) <= depth {
			met = append(met, false)
		}
		more[i], met[depth] = met[depth], true
		met = met[:depth+1]
	}
	return more
}

func newLeaf(say func(text.Text) string, n *store.Node) leaf {
	k := &n.Key
	words := []string{k.Ref().String(), string(k.Usage), string(k.Algorithm), k.Check.Digits}
	if k.State != store.Active {
		words = append(words, "["+say(stateText(k.State))+"]")
	}
	return leaf{n.Depth, strings.Join(words, "  ")}
}
