package cli

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"poskey/internal/fault"
	"poskey/internal/render"
	"poskey/internal/source"
	"poskey/internal/text"
	"poskey/pkg/custody"
	"poskey/pkg/store"
	"poskey/pkg/vault"
)

func newStoreBackupCmd(a *App) *cobra.Command {
	var (
		to       string
		officers []string
	)
	cmd := a.command(cmdSpec{
		use:   "backup",
		short: text.New("write the store and its log to one encrypted file"),
		long: text.New("The file is encrypted to the store's officers, each of whom can open it alone; keys stay blocks under the master key inside,\n" +
			"and the shares of the master key stay sealed. After writing, the whole file is read back from the disk, decrypted and compared.\n" +
			"The identities of the officers are not in it: without them and their passphrases a backup is worth nothing."),
		example: "  poskey store backup --to store-2026-11.age\n  poskey store backup --to /media/usb/store.age -o json",
		exits:   []int{3, 4, 5, 6, 7, 8, 9}, args: cobra.NoArgs,
	})
	f := cmd.Flags()
	f.StringVar(&to, "to", "", a.Say.T("new file for the backup"))
	f.StringArrayVar(&officers, "officer", nil, a.Say.T("card of somebody else who can open it (file); for a store without officers of its own"))
	required(cmd, "to")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return runStoreBackup(cmd.Context(), a, to, officers) }
	return cmd
}

type storeBackupDoc struct {
	File        string           `json:"file"`
	Bytes       int64            `json:"bytes"`
	Store       string           `json:"store"`
	SHA256      string           `json:"sha256"` // of the dump inside
	Rows        map[string]int64 `json:"rows"`
	Records     uint64           `json:"records"`
	Checkpoints int              `json:"checkpoints"`
	Officers    []string         `json:"officers"`
}

func runStoreBackup(ctx context.Context, a *App, to string, officers []string) error {
	if err := source.CheckNew(to); err != nil {
		return err
	}
	v, err := a.openVault(ctx)
	if err != nil {
		return err
	}
	log, err := a.auditPath(v.Store().URL(), v.Identity().ID)
	if err != nil {
		return err
	}
	roster, err := vault.Roster(ctx, v.Store())
	if err != nil {
		return err
	}
	cards, err := a.backupReaders(ctx, roster, officers, v.Identity())
	if err != nil {
		return err
	}
	work, err := a.begin(ctx, custody.StoreBackup, v.Identity().ID, nil)
	if err != nil {
		return err
	}
	done, err := work.Backup(ctx, to, log, cards)
	if err != nil {
		return err
	}
	doc := storeBackupDoc{File: to, Bytes: done.Bytes, Store: v.Identity().ID, SHA256: done.SHA256, Rows: done.Rows,
		Records: done.Records, Checkpoints: done.Checkpoints, Officers: done.Officers}
	return a.render.Answer("store.backup", doc, func(p *render.Page) {
		p.Good(text.New("The backup is written and was read back."))
		p.Fields(
			render.F(text.New("file"), to),
			render.F(text.New("bytes"), p.T(text.New("%d", doc.Bytes))),
			render.F(text.New("keys"), p.T(text.New("%d", doc.Rows["keys"]))),
			render.F(text.New("records of the log"), p.T(text.New("%d", doc.Records))),
			render.F(text.New("can be opened by"), strings.Join(doc.Officers, ", ")),
		)
	})
}

// backupReaders are those who will be able to open a backup: the store's officers, and whose cards were given.
func (a *App) backupReaders(ctx context.Context, roster [][]byte, paths []string, id store.Identity) ([]custody.Card, error) {
	var cards []custody.Card
	for _, raw := range roster {
		card, err := custody.ParseCard(raw)
		if err != nil {
			return nil, err
		}
		cards = append(cards, card)
	}
	for _, path := range paths {
		f, err := readOfficerFile(ctx, path)
		if err != nil {
			return nil, err
		}
		if string(f.card.Environment()) != id.Environment {
			return nil, fault.New(fault.NotPermitted, "%s is an officer of %s, the store is for %s", f.card.ID(),
				string(f.card.Environment()), id.Environment)
		}
		cards = append(cards, f.card)
	}
	if len(cards) == 0 {
		return nil, fault.New(fault.Usage, "nobody could open the backup: name the cards of those who shall with --officer")
	}
	return cards, nil
}
