package cli

import (
	"context"

	"github.com/spf13/cobra"

	"poskey/internal/fault"
	"poskey/internal/render"
	"poskey/internal/text"
	"poskey/pkg/custody"
	"poskey/pkg/store"
	"poskey/pkg/vault"
)

type keyCompromiseOpts struct {
	reason string
	below  bool
	dryRun bool
}

func newKeyCompromiseCmd(a *App) *cobra.Command {
	o := keyCompromiseOpts{}
	cmd := a.command(cmdSpec{
		use:   "compromise LABEL",
		short: text.New("take a key for known to others, and list everything that falls with it"),
		long: text.New("The key is out of use at once, and there is no way back. Listed are every key beneath it and every device that holds one of\n" +
			"them: whoever knows the key can know them all. --with-below marks the keys beneath too; --dry-run only lists."),
		example: "  poskey key compromise ZMK-2026 --dry-run\n" +
			"  poskey key compromise ZMK-2026 --reason 'bag 0042 came torn' --with-below",
		exits: []int{3, 4, 6, 7, 8, 9, 10}, args: cobra.ExactArgs(1),
	})
	f := cmd.Flags()
	f.StringVar(&o.reason, "reason", "", a.Say.T("why, a line for the record"))
	f.BoolVar(&o.below, "with-below", false, a.Say.T("the keys beneath are compromised too"))
	f.BoolVar(&o.dryRun, "dry-run", false, a.Say.T("list what would fall; change nothing"))
	cmd.RunE = func(cmd *cobra.Command, args []string) error { return runKeyCompromise(cmd.Context(), a, o, args[0]) }
	return cmd
}

type keyCompromiseDoc struct {
	rowDoc
	Changed bool        `json:"changed"`
	Below   []nodeDoc   `json:"below"`
	Devices []deviceRow `json:"devices"`
}

type deviceRow struct {
	Serial string            `json:"serial"`
	Model  string            `json:"model,omitempty"`
	State  store.DeviceState `json:"state,omitempty"`
}

func runKeyCompromise(ctx context.Context, a *App, o keyCompromiseOpts, label string) error {
	was, err := a.anyKey(ctx, label)
	if err != nil {
		return err
	}
	blast, err := vault.BlastOf(ctx, a.holding.db, was.Ref())
	if err != nil {
		return err
	}
	is := was
	if !o.dryRun {
		if is, err = a.moveKey(ctx, custody.KeyCompromise, was, store.Compromised, o.reason); err != nil {
			return err
		}
		if blast, err = vault.BlastOf(ctx, a.holding.db, was.Ref()); err != nil { // what came while officers were asked falls too
			return err
		}
		if o.below {
			if err := a.compromiseBelow(ctx, &blast, o.reason); err != nil {
				return err
			}
		}
	}
	doc := keyCompromiseDoc{rowDoc: newRowDoc(&is), Changed: !o.dryRun, Below: []nodeDoc{}, Devices: []deviceRow{}}
	for i := range blast.Keys {
		doc.Below = append(doc.Below, nodeDoc{blast.Keys[i].Depth, newRowDoc(&blast.Keys[i].Key)})
	}
	for _, d := range blast.Devices {
		doc.Devices = append(doc.Devices, deviceRow{d.Serial, d.Model, d.State})
	}
	return a.render.Answer("key.compromise", doc, func(p *render.Page) { compromisePage(p, &is, blast, doc) })
}

// compromiseBelow marks the keys beneath, those that can be. What fails stays as it is, and the command says so.
func (a *App) compromiseBelow(ctx context.Context, blast *vault.Blast, reason string) error {
	for i := range blast.Keys {
		k := &blast.Keys[i].Key
		if !k.State.MayBecome(store.Compromised) {
			continue
		}
		is, err := a.holding.work.Move(ctx, *k, store.Compromised, reason)
		if err != nil {
			return fault.WrapAs(fault.Partial, err, "the key is compromised, and %d of the %d beneath it; then %s", i, len(blast.Keys), k.Ref())
		}
		*k = is
	}
	return nil
}

func compromisePage(p *render.Page, k *store.Key, blast vault.Blast, doc keyCompromiseDoc) {
	if doc.Changed {
		p.Bad(text.New("Key %s is compromised.", k.Ref()))
	} else {
		p.Line(text.New("Nothing was changed. With key %s would fall:", k.Ref()))
	}
	p.Blank()
	p.Line(text.New("keys beneath it: %d", len(blast.Keys)))
	leaves := []leaf{newLeaf(p.T, &store.Node{Key: *k})}
	for i := range blast.Keys {
		leaves = append(leaves, newLeaf(p.T, &blast.Keys[i]))
	}
	drawTree(p, leaves, false)
	p.Blank()
	p.Line(text.New("devices that hold one of them: %d", len(blast.Devices)))
	if len(blast.Devices) > 0 {
		var cells [][]string
		for _, d := range blast.Devices {
			cells = append(cells, []string{d.Serial, d.Model, string(d.State)})
		}
		p.Grid([]text.Text{text.New("serial number"), text.New("model"), text.New("state")}, cells)
	}
	if doc.Changed {
		p.Line(text.New("Replace each of these keys; what they protected is to be taken for known."))
	}
}
