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
			"sealed afterwards, as any other, and the restoration is recorded in its log. Key sets come back frozen."),
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
	Newer    uint64           `json:"newer"`  // records of the log that the backup does not have
	Frozen   []string         `json:"frozen"` // key sets, until they are thawed
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
	doc := storeRestoreDoc{done.Store, url.Redacted(), done.Rows, done.Records, done.Log, done.KeptLog, done.Officers,
		done.Newer, append([]string{}, done.KeySets...)}
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
		if doc.Newer > 0 {
			p.Line(text.New("The log has %d records from after the backup: what those changed is not in this store. See poskey store verify.", doc.Newer))
		}
		if len(doc.Frozen) > 0 {
			p.Line(text.New("Frozen key sets: %s. Numbers may have gone into devices after the backup was made, and none may go out twice.\n"+
				"Look which ones did, then let each key set go on with poskey keyset thaw.", strings.Join(doc.Frozen, ", ")))
		}
	})
}

// openBackup lets officers show that they are there, one after the other; the first opens the file. No two of them are
// open at one time: this process never holds what two officers hold.
func (a *App) openBackup(ctx context.Context, sealed *os.File, paths []string) (plain io.Reader, cards []custody.Card, err error) {
	var files []officerFile
	for _, path := range paths {
		file, err := readIdentityFile(ctx, path)
		if err != nil {
			return nil, nil, err
		}
		files, cards = append(files, file), append(cards, file.card)
	}
	tty, fds, done, err := a.passphrases(a.flags.approval.fds)
	if err != nil {
		return nil, nil, err
	}
	defer done()
	if fds != nil && len(fds) != len(paths) {
		return nil, nil, fault.New(fault.Usage, "%d officers and %d descriptors with passphrases: give one for each", len(paths), len(fds))
	}
	if fds == nil {
		defer func() { _ = (&console.Console{TTY: tty}).Clear() }() // whoever sits there sees that it was not
	}
	for i, file := range files {
		identity, err := a.present(ctx, file, i, len(files), tty, fds)
		if err != nil {
			return nil, nil, err
		}
		if plain == nil {
			plain, err = identity.OpenSealed(sealed)
		}
		identity.Wipe()
		if err != nil {
			return nil, nil, err
		}
	}
	return plain, cards, nil
}

// present unlocks the identity of an officer, who is asked at the terminal, on a clear screen, as an agent asks.
func (a *App) present(ctx context.Context, file officerFile, i, of int, tty *os.File, fds []*os.File) (*custody.Identity, error) {
	if fds != nil {
		pass, err := source.FirstLine(ctx, fds[i])
		if err != nil {
			return nil, err
		}
		return a.openIdentity(file, pass)
	}
	at, c := &screen{&console.Console{TTY: tty}, a.Say}, file.card
	if err := at.Clear(); err != nil {
		return nil, err
	}
	if err := at.Show(ctx, text.New("to restore a key store out of its backup"), text.New("officer %d of %d: %s (%s)", i+1, of, c.ID(), c.Name())); err != nil {
		return nil, err
	}
	for left := typings - 1; ; left-- {
		pass, err := at.Ask(ctx, text.New("passphrase of %s (hidden): ", c.ID()))
		if err != nil {
			return nil, err
		}
		identity, err := a.openIdentity(file, pass)
		if left == 0 || !fault.Is(err, fault.AuthFailed) && !fault.Is(err, fault.Malformed) {
			return identity, err
		}
		if err := at.Show(ctx, text.New("that was wrong (%s); tries left: %d", err, left)); err != nil {
			return nil, err
		}
	}
}

func (a *App) openIdentity(file officerFile, pass *secret.Bytes) (*custody.Identity, error) {
	defer pass.Wipe()
	return file.locked.Unlock(a.Env, pass, unrecorded())
}
