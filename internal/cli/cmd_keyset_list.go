package cli

import (
	"context"
	"strconv"

	"github.com/spf13/cobra"

	"poskey/internal/render"
	"poskey/internal/text"
)

func newKeysetListCmd(a *App) *cobra.Command {
	cmd := a.command(cmdSpec{
		use:     "list",
		short:   text.New("list the key sets, and how many numbers each has left"),
		long:    text.New("Numbers that were leased to stations count as handed out."),
		example: "  poskey keyset list\n  poskey keyset list -o json",
		exits:   []int{3, 4, 8}, args: cobra.NoArgs,
	})
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return runKeysetList(cmd.Context(), a) }
	return cmd
}

type keysetListDoc struct {
	KeySets []keysetDoc `json:"key_sets"`
}

func runKeysetList(ctx context.Context, a *App) error {
	db, err := a.openStore(ctx)
	if err != nil {
		return err
	}
	all, err := db.KeySets(ctx)
	if err != nil {
		return err
	}
	doc := keysetListDoc{KeySets: []keysetDoc{}}
	var rows [][]string
	for i := range all {
		d := newKeysetDoc(&all[i])
		doc.KeySets = append(doc.KeySets, d)
		rows = append(rows, []string{d.Name, d.BDK, string(d.Scheme), d.KSI, d.NextKSN, strconv.FormatUint(d.Left, 10), yesNo(a, d.Frozen)})
	}
	return a.render.Answer("keyset.list", doc, func(p *render.Page) {
		if len(rows) == 0 {
			p.Line(text.New("no key sets; poskey keyset add begins one"))
			return
		}
		p.Grid([]text.Text{text.New("key set"), text.New("BDK"), text.New("scheme"), text.New("KSI"), text.New("next KSN"), text.New("left"),
			text.New("frozen")}, rows)
	})
}

func yesNo(a *App, b bool) string {
	if b {
		return a.Say.T("yes")
	}
	return a.Say.T("no")
}
