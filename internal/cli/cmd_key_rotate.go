package cli

import (
	"context"

	"github.com/spf13/cobra"

	"poskey/internal/render"
	"poskey/internal/source"
	"poskey/internal/text"
	"poskey/pkg/audit"
	"poskey/pkg/custody"
	"poskey/pkg/store"
	"poskey/pkg/vault"
)

func newKeyRotateCmd(a *App) *cobra.Command {
	cmd := a.command(cmdSpec{
		use:   "rotate LABEL",
		short: text.New("make the successor of a key and wrap what hangs below it anew"),
		long: text.New("A fresh key with the same attributes becomes the next version of the label. Every key in use that hangs below is wrapped under\n" +
			"it, and the old version is deactivated, all in one step: it still opens what it protected before. Keys that were derived from\n" +
			"the old one (DUKPT) stay with it and have to be loaded anew. The answer has the new blocks for those who hold the keys."),
		example: "  poskey key rotate ZMK-2026\n  poskey key rotate ZMK-2026 -o json",
		exits:   []int{3, 4, 5, 6, 7, 8, 9}, args: cobra.ExactArgs(1),
	})
	cmd.RunE = func(cmd *cobra.Command, args []string) error { return runKeyRotate(cmd.Context(), a, args[0]) }
	return cmd
}

type keyRotateDoc struct {
	Old      rowDoc     `json:"old"`
	New      rowDoc     `json:"new"`
	Block    string     `json:"parent_block,omitempty"` // of the new key under its own parent
	Children []childDoc `json:"children"`
}

type childDoc struct {
	Label string `json:"label"`
	Block string `json:"block,omitempty"` // under the new key
}

func runKeyRotate(ctx context.Context, a *App, label string) error {
	ref, err := refOf(label)
	if err != nil {
		return err
	}
	db, err := a.openStore(ctx)
	if err != nil {
		return err
	}
	row, err := db.Get(ctx, ref)
	if err != nil {
		return err
	}
	r, err := a.rotate(ctx, &row, nil)
	if err != nil {
		return err
	}
	doc := keyRotateDoc{Old: newRowDoc(&r.Old), New: newRowDoc(&r.New), Block: r.New.ParentBlock, Children: []childDoc{}}
	for _, c := range r.Children {
		doc.Children = append(doc.Children, childDoc{c.Ref.String(), c.ParentBlock})
	}
	return a.render.Answer("key.rotate", doc, func(p *render.Page) { rotatePage(p, r) })
}

// rotate admits, records and makes a successor, and says what is doubtful about it.
func (a *App) rotate(ctx context.Context, row *store.Key, details audit.Details) (vault.Rotated, error) {
	work, err := a.begin(ctx, custody.KeyRotate, row.Ref().String(), details)
	if err != nil {
		return vault.Rotated{}, err
	}
	held, err := a.held(ctx, source.Spec{Kind: source.Store, Arg: row.Ref().String()}, vault.ToProtect)
	if err != nil {
		return vault.Rotated{}, err
	}
	r, err := work.Rotate(ctx, held)
	if err != nil {
		return vault.Rotated{}, err
	}
	a.holding.outcome.Check = r.New.Check
	a.warnSame(r.New, r.Same)
	a.warnBlocks(r.Warnings)
	return r, nil
}

func rotatePage(p *render.Page, r vault.Rotated) {
	p.Good(text.New("Key %s has the successor %s.", r.Old.Ref(), r.New.Ref()))
	rowPage(p, &r.New, render.F(text.New("block under its parent"), r.New.ParentBlock))
	p.Blank()
	p.Line(text.New("keys wrapped under it anew: %d", len(r.Children)))
	for _, c := range r.Children {
		p.Fields(render.F(text.Raw(c.Ref.String()), c.ParentBlock))
	}
}
