package cli

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"poskey/internal/fault"
	"poskey/internal/render"
	"poskey/internal/text"
	"poskey/pkg/custody"
	"poskey/pkg/store"
	"poskey/pkg/vault"
)

type keyShowOpts struct {
	reveal, yes bool
}

func newKeyShowCmd(a *App) *cobra.Command {
	o := keyShowOpts{}
	cmd := a.command(cmdSpec{
		use:   "show LABEL",
		short: text.New("show all that the inventory says of a key, with its history"),
		long: text.New("LABEL is the newest active version, or the newest when none is active; LABEL#2 is that one. Works on a sealed store.\n" +
			"--reveal shows the clear key: the officers named by --approver are asked for it each time, and in production they are two\n" +
			"custodians and others than the one who asks."),
		example: "  poskey key show ZMK-2026\n" +
			"  poskey key show ZMK-2026#1 -o json\n" +
			"  poskey key show TEST-KEY --reveal --approver custodian.a.identity",
		exits: []int{3, 4, 5, 6, 7, 8, 9}, args: cobra.ExactArgs(1),
	})
	f := cmd.Flags()
	f.BoolVar(&o.reveal, "reveal", false, a.Say.T("show the clear key too"))
	f.BoolVar(&o.yes, "yes", false, a.Say.T("confirm --reveal without asking"))
	cmd.RunE = func(cmd *cobra.Command, args []string) error { return runKeyShow(cmd.Context(), a, o, args[0]) }
	return cmd
}

type keyShowDoc struct {
	rowDoc
	Block       string       `json:"block,omitempty"`        // under the store's master key
	ParentBlock string       `json:"parent_block,omitempty"` // under its parent
	History     []historyDoc `json:"history"`
	SameKCV     []string     `json:"same_kcv,omitempty"`
	Value       string       `json:"value,omitempty"`
}

type historyDoc struct {
	At     time.Time   `json:"at"`
	From   store.State `json:"from,omitempty"`
	To     store.State `json:"to"`
	Reason string      `json:"reason,omitempty"`
	Record uint64      `json:"record,omitempty"` // of the audit log
}

func runKeyShow(ctx context.Context, a *App, o keyShowOpts, label string) error {
	k, err := a.anyKey(ctx, label)
	if err != nil {
		return err
	}
	db := a.holding.db
	history, err := db.History(ctx, k.Ref())
	if err != nil {
		return err
	}
	doc := keyShowDoc{rowDoc: newRowDoc(&k), Block: k.Block, ParentBlock: k.ParentBlock, History: []historyDoc{}}
	for _, e := range history {
		doc.History = append(doc.History, historyDoc{e.At.UTC(), e.From, e.To, e.Reason, e.Mark})
	}
	if doc.SameKCV, err = sameAs(ctx, db, &k); err != nil {
		return err
	}
	if o.reveal {
		if doc.Value, err = a.revealHeld(ctx, o.yes, k.Ref()); err != nil {
			return err
		}
	}
	return a.render.Answer("key.show", doc, func(p *render.Page) { keyShowPage(p, &k, doc) })
}

// sameAs lists the other keys with an equal check value.
func sameAs(ctx context.Context, db *store.Store, k *store.Key) ([]string, error) {
	if k.Check.Digits == "" {
		return nil, nil
	}
	same, err := db.SameCheck(ctx, k.Check, k.Algorithm)
	var names []string
	for _, ref := range same {
		if ref != k.Ref() {
			names = append(names, ref.String())
		}
	}
	return names, err
}

// revealHeld shows the clear key of the store, with its officers' approval.
func (a *App) revealHeld(ctx context.Context, yes bool, ref store.Ref) (string, error) {
	if err := a.confirmReveal(ctx, yes); err != nil {
		return "", err
	}
	if _, err := a.begin(ctx, custody.KeyReveal, ref.String(), nil); err != nil {
		return "", err
	}
	held, err := a.holding.vault.Find(ctx, ref, vault.ToCheck)
	if err != nil {
		return "", err
	}
	value, err := a.revealed(ctx, held.Key)
	return value, fault.Wrap(err, "%s", ref)
}

func keyShowPage(p *render.Page, k *store.Key, doc keyShowDoc) {
	rowPage(p, k,
		render.F(text.New("block under the master key"), doc.Block),
		render.F(text.New("block under its parent"), doc.ParentBlock),
		render.F(text.New("clear key"), doc.Value))
	for _, other := range doc.SameKCV {
		p.Bad(text.New("key %s has the same check value: the same key twice, or chance", other))
	}
	if len(doc.History) == 0 {
		return
	}
	p.Blank()
	var cells [][]string
	for _, h := range doc.History {
		from := ""
		if h.From != "" {
			from = p.T(stateText(h.From))
		}
		cells = append(cells, []string{clock(h.At), from, p.T(stateText(h.To)), h.Reason})
	}
	p.Grid([]text.Text{text.New("when"), text.New("from"), text.New("to"), text.New("why")}, cells)
}
