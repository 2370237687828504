package cli

import (
	"context"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"poskey/internal/console"
	"poskey/internal/fault"
	"poskey/internal/render"
	"poskey/internal/secret"
	"poskey/internal/source"
	"poskey/internal/text"
	"poskey/pkg/custody"
	"poskey/pkg/vault"
)

func newStoreRestoreCmd(a *App) *cobra.Command {
	var officers []string
	cmd := a.command(cmdSpec{
		use:   "restore FILE",
		short: text.New("make a store of a backup, where there is none"),
		long: text.New("An administrator of the store opens the backup with their identity; in production two do (--officer, one for each). Nothing is\n" +
			"overwritten: the place of the store must be free, and a log that is there must go on where the backup's ends. The store is\n" +
			"sealed afterwards, as any other, and the restoration is recorded in its log."),
		example: "  poskey store restore store-2026-11.age --officer admin.a.identity\n" +
			"  poskey store restore store-2026-11.age --officer admin.a.identity --store sqlite:/var/lib/poskey/store.db",
		exits: []int{3, 4, 5, 6, 7, 8, 9}, args: cobra.ExactArgs(1),
	})
	cmd.Flags().StringArrayVar(&officers, "officer", nil, a.Say.T("identity file of an officer who is there; one for each"))
	required(cmd, "officer")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return runStoreRestore(cmd.Context(), a, args[0], officers)
	}
	return cmd
}

type storeRestoreDoc struct {
	Store    string           `json:"store"`
	URL      string           `json:"url"`
	Rows     map[string]int64 `json:"rows"`
	Records  uint64           `json:"records"`
	Log      string           `json:"log"`
	KeptLog  bool             `json:"kept_log"`
	Officers []string         `json:"officers"`
}

func runStoreRestore(ctx context.Context, a *App, path string, officers []string) error {
	url, err := a.storeURL()
	if err != nil {
		return err
	}
	f, err := source.Open(ctx, path)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	plain, cards, err := a.openBackup(ctx, f, officers)
	if err != nil {
		return err
	}
	if err := makeFolderOf(url); err != nil {
		return err
	}
	done, err := vault.Restore(ctx, a.Env, plain, vault.Restoring{URL: url, Officers: cards, Who: whoAmI(),
		LogPath: func(id string) (string, error) { return a.newAuditPath(url, id) }})
	if err != nil {
		return err
	}
	doc := storeRestoreDoc{done.Store, url.Redacted(), done.Rows, done.Records, done.Log, done.KeptLog, done.Officers}
	return a.render.Answer("store.restore", doc, func(p *render.Page) {
		p.Good(text.New("The store is restored. It is sealed: open it with poskey store unseal."))
		p.Fields(
			render.F(text.New("store"), doc.Store),
			render.F(text.New("at"), doc.URL),
			render.F(text.New("keys"), p.T(text.New("%d", doc.Rows["keys"]))),
			render.F(text.New("records of the log"), p.T(text.New("%d", doc.Records))),
			render.F(text.New("audit log"), doc.Log),
			render.F(text.New("restored by"), strings.Join(doc.Officers, ", ")),
		)
	})
}

// openBackup lets officers show that they are there, one after the other; the first who can opens the file. No two of
// them are open at one time: this process never holds what two officers hold.
func (a *App) openBackup(ctx context.Context, sealed *os.File, paths []string) (plain io.Reader, cards []custody.Card, err error) {
	tty, fds, done, err := a.passphrases(a.flags.approval.fds)
	if err != nil {
		return nil, nil, err
	}
	defer done()
	if fds != nil && len(fds) != len(paths) {
		return nil, nil, fault.New(fault.Usage, "%d officers and %d descriptors with passphrases: give one for each", len(paths), len(fds))
	}
	for i, path := range paths {
		file, err := readIdentityFile(ctx, path)
		if err != nil {
			return nil, nil, err
		}
		pass, err := a.passphraseOf(ctx, file.card, tty, fds, i)
		if err != nil {
			return nil, nil, err
		}
		opened, err := a.openWith(file, pass, sealed, plain == nil)
		if err != nil {
			return nil, nil, err
		}
		if opened != nil {
			plain = opened
		}
		cards = append(cards, file.card)
	}
	return plain, cards, nil
}

func (a *App) passphraseOf(ctx context.Context, c custody.Card, tty *os.File, fds []*os.File, i int) (*secret.Bytes, error) {
	if fds != nil {
		return source.FirstLine(ctx, fds[i])
	}
	asked := &console.Console{TTY: tty}
	return asked.Secret(ctx, a.Say.T("passphrase of %s (hidden): ", c.Name()))
}

// openWith unlocks an officer's identity for as long as it takes to open the file's head.
func (a *App) openWith(file officerFile, pass *secret.Bytes, sealed *os.File, open bool) (io.Reader, error) {
	defer pass.Wipe()
	identity, err := file.locked.Unlock(a.Env, pass, unrecorded())
	if err != nil {
		return nil, err
	}
	defer identity.Wipe()
	if !open {
		return nil, nil
	}
	return identity.OpenSealed(sealed)
}
