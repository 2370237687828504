package cli

import (
	"context"

	"github.com/spf13/cobra"

	"poskey/internal/fault"
	"poskey/internal/render"
	"poskey/internal/text"
	"poskey/pkg/store"
	"poskey/pkg/vault"
)

func newCustodyBagsCmd(a *App) *cobra.Command {
	cmd := a.command(cmdSpec{
		use:   "bags [SERIAL]",
		short: text.New("the bags of components, and what falls when one was opened"),
		long: text.New("Without a serial number: every bag, what is in it, and what happened to it last. With one: its whole way, and the keys and\n" +
			"devices that fall when it was opened by somebody else (PCI PIN 9-2: the whole set and every key beneath it)."),
		example: "  poskey custody bags\n  poskey custody bags B-0001",
		exits:   []int{3, 4, 8}, args: cobra.MaximumNArgs(1),
	})
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) == 1 {
			return runCustodyBag(cmd.Context(), a, args[0])
		}
		return runCustodyBags(cmd.Context(), a)
	}
	return cmd
}

func runCustodyBags(ctx context.Context, a *App) error {
	db, err := a.openStore(ctx)
	if err != nil {
		return err
	}
	all, err := vault.Bags(ctx, db, "")
	if err != nil {
		return err
	}
	return a.render.Answer("custody.bags", newBagsDoc(all), func(p *render.Page) { bagsPage(p, all) })
}

func runCustodyBag(ctx context.Context, a *App, serial string) error {
	db, err := a.openStore(ctx)
	if err != nil {
		return err
	}
	all, err := vault.Bags(ctx, db, serial)
	if err != nil {
		return err
	}
	if len(all) == 0 {
		return fault.New(fault.NotFound, "the ledger has no bag %s; poskey custody bags lists them", text.Redact(serial))
	}
	doc := bagDoc{Bags: newBagsDoc(all).Bags, History: newHoldingDocs(all), Falls: []fallDoc{}}
	for _, key := range keysOf(all) {
		fall, err := fallOf(ctx, db, key)
		if err != nil {
			return err
		}
		doc.Falls = append(doc.Falls, fall)
	}
	return a.render.Answer("custody.bag", doc, func(p *render.Page) { bagPage(p, all, doc) })
}

// fallOf lists what falls with a key. One that the store does not have has nothing beneath it here.
func fallOf(ctx context.Context, db *store.Store, ref store.Ref) (fallDoc, error) {
	fall := fallDoc{Key: ref.Label, Keys: []string{}, Devices: []string{}}
	if ref.Version == 0 {
		return fall, nil
	}
	fall.Key, fall.InStore = ref.String(), true
	blast, err := vault.BlastOf(ctx, db, ref)
	if err != nil {
		return fall, err
	}
	for i := range blast.Keys {
		fall.Keys = append(fall.Keys, blast.Keys[i].Key.Ref().String())
	}
	for i := range blast.Devices {
		fall.Devices = append(fall.Devices, blast.Devices[i].Serial)
	}
	return fall, nil
}
