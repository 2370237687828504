package cli

import (
	"context"

	"github.com/spf13/cobra"

	"poskey/internal/fault"
	"poskey/internal/render"
	"poskey/internal/source"
	"poskey/internal/text"
	"poskey/pkg/custody"
)

type officerPassphraseOpts struct {
	old, fresh string
	kdfMemory  uint32
}

func newOfficerPassphraseCmd(a *App) *cobra.Command {
	o := officerPassphraseOpts{}
	cmd := a.command(cmdSpec{
		use:   "passphrase FILE",
		short: text.New("give an identity another passphrase"),
		long: text.New("The officer, the fingerprint and the card stay as they are. The new file is written beside the old one, read and opened again,\n" +
			"and only then takes its name. Copies of the old file still open with the old passphrase: destroy them."),
		example: "  poskey officer passphrase officer.a.identity\n" +
			"  poskey officer passphrase officer.a.identity --passphrase fd:3 --new-passphrase fd:4",
		exits: []int{3, 4, 5, 6, 7}, args: cobra.ExactArgs(1),
	})
	f := cmd.Flags()
	f.StringVar(&o.old, "passphrase", "prompt", a.Say.T("the passphrase it has now (SRC): prompt, file:PATH or fd:N"))
	f.StringVar(&o.fresh, "new-passphrase", "prompt", a.Say.T("the new passphrase (SRC): prompt, file:PATH or fd:N"))
	f.Uint32Var(&o.kdfMemory, "kdf-memory", 0, a.Say.T("MiB of memory that a guess at the passphrase costs, 64 to 1024; as before when left out"))
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return runOfficerPassphrase(cmd.Context(), a, o, args[0])
	}
	return cmd
}

type officerPassphraseDoc struct {
	ID          string  `json:"id"`
	Identity    string  `json:"identity"`
	Fingerprint string  `json:"fingerprint"`
	KDF         *kdfDoc `json:"kdf"`
}

func runOfficerPassphrase(ctx context.Context, a *App, o officerPassphraseOpts, path string) error {
	file, err := readIdentityFile(ctx, path)
	if err != nil {
		return err
	}
	cost, err := kdfCost(file.locked.Cost(), o.kdfMemory)
	if err != nil {
		return fault.Wrap(err, "--kdf-memory")
	}
	if err := file.card.CheckTime(a.Env.Now()); err != nil {
		return err
	}
	content, err := a.changedPassphrase(ctx, file, o, cost)
	if err != nil {
		return err
	}
	prove := func(beside string) error { return provenOfficerFile(ctx, beside, file.card) }
	if err := source.Replace(path, content, prove); err != nil {
		return err
	}
	doc := officerPassphraseDoc{file.card.ID(), path, file.card.Fingerprint().String(), newKDFDoc(cost)}
	err = a.render.Answer("officer.passphrase", doc, func(p *render.Page) {
		p.Good(text.New("%s has the new passphrase; copies of the old file still open with the old one", path))
	})
	return fault.Wrap(err, "%s has the new passphrase, but the answer was not written", path)
}

// changedPassphrase asks for both passphrases and gives the new file's content. The old one is tried before the new one
// is asked for: a wrong one is told at once.
func (a *App) changedPassphrase(ctx context.Context, file officerFile, o officerPassphraseOpts, cost custody.Cost) ([]byte, error) {
	old, err := a.sources().ReadPassphrase(ctx, o.old, text.New("passphrase of %s", file.card.ID()))
	if err != nil {
		return nil, err
	}
	defer old.Wipe()
	id, err := file.locked.Unlock(a.Env, old, unrecorded())
	if err != nil {
		return nil, err
	}
	id.Wipe()
	fresh, err := a.newPassphrase(ctx, o.fresh, text.New("new passphrase of %s", file.card.ID()))
	if err != nil {
		return nil, err
	}
	defer fresh.Wipe()
	return custody.ChangePassphrase(a.Env, file.raw, old, fresh, cost, unrecorded())
}
