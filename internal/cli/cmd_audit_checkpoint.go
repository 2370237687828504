package cli

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"poskey/internal/fault"
	"poskey/internal/render"
	"poskey/internal/source"
	"poskey/internal/text"
	"poskey/pkg/audit"
	"poskey/pkg/custody"
)

type auditCheckpointOpts struct {
	log, to                 string
	identities, passphrases []string
}

func newAuditCheckpointCmd(a *App) *cobra.Command {
	o := auditCheckpointOpts{}
	cmd := a.command(cmdSpec{
		use:   "checkpoint --officer IDENTITY...",
		short: text.New("let officers sign what the log is now"),
		long: text.New("The whole log is verified first; the officers type their passphrases one after the other, each unseen by the others. The signed\n" +
			"checkpoint is kept beside the log and does its work elsewhere: give copies of it to the officers and the auditor, or print it.\n" +
			"While an agent holds the log open this is refused (exit 9); the agent makes a checkpoint whenever the store is unsealed."),
		example: "  poskey audit checkpoint --officer li.na.identity --officer wang.identity --to /media/usb/march.note\n" +
			"  poskey audit checkpoint --log store.audit --officer li.na.identity --passphrase fd:3",
		exits: []int{3, 4, 5, 6, 7, 8, 9}, args: cobra.NoArgs,
	})
	a.logFlag(cmd, &o.log)
	f := cmd.Flags()
	f.StringArrayVar(&o.identities, "officer", nil, a.Say.T("identity file of an officer who signs; may be repeated"))
	f.StringArrayVar(&o.passphrases, "passphrase", nil, a.Say.T("their passphrases in the same order (SRC): prompt, file:PATH or fd:N; asked for when left out"))
	f.StringVar(&o.to, "to", "", a.Say.T("new file for a copy of the checkpoint"))
	required(cmd, "officer")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return runAuditCheckpoint(cmd.Context(), a, o) }
	return cmd
}

type auditCheckpointDoc struct {
	Log         string            `json:"log"`
	Store       string            `json:"store"`
	Environment audit.Environment `json:"environment"`
	Records     uint64            `json:"records"`
	Head        string            `json:"head"`
	Root        string            `json:"root"`
	Time        string            `json:"time"`
	Signers     []string          `json:"signers"`
	To          string            `json:"to,omitempty"`
	Note        string            `json:"note"`
}

func runAuditCheckpoint(ctx context.Context, a *App, o auditCheckpointOpts) error {
	if len(o.passphrases) > 0 && len(o.passphrases) != len(o.identities) {
		return fault.New(fault.Usage, "--passphrase is given once for each --officer, in the same order")
	}
	if o.to != "" {
		if err := source.CheckNew(o.to); err != nil {
			return err
		}
	}
	place, err := a.findLog(ctx, o.log)
	if err != nil {
		return err
	}
	files, err := o.readIdentities(ctx, a)
	if err != nil {
		return err
	}
	for _, f := range files {
		if err := place.inOffice(f.card); err != nil {
			return err
		}
	}
	first := audit.Actor{ID: files[0].card.ID(), Role: string(files[0].card.Roles()[0])}
	log, err := audit.Open(place.path, place.identity, audit.Options{Now: a.Env.Now, Who: first})
	if err != nil {
		return err
	}
	signed, err := o.sign(ctx, a, log, first, files)
	if closed := log.Close(); err == nil {
		err = fault.Wrap(closed, "closing the audit log")
	}
	if err != nil {
		return err
	}
	if o.to != "" {
		if err := source.WriteNew(o.to, signed); err != nil {
			return fault.Wrap(err, "the checkpoint lies beside the log, but the copy could not be made")
		}
	}
	return o.answer(a, place.path, signed, files)
}

// readIdentities reads the officers' files: different persons, none of whom is there twice.
func (o auditCheckpointOpts) readIdentities(ctx context.Context, a *App) ([]officerFile, error) {
	var files []officerFile
	seen := map[string]bool{}
	for _, path := range o.identities {
		f, err := readIdentityFile(ctx, path)
		if err != nil {
			return nil, err
		}
		if seen[f.card.ID()] {
			return nil, fault.New(fault.NotPermitted, "%s is there twice; a checkpoint is signed by different officers", f.card.ID())
		}
		seen[f.card.ID()] = true
		if err := f.card.CheckTime(a.Env.Now()); err != nil {
			return nil, err
		}
		files = append(files, f)
	}
	return files, nil
}

// sign asks for the passphrases and signs. A wrong one is recorded in the log that is to be signed.
func (o auditCheckpointOpts) sign(ctx context.Context, a *App, log *audit.Log, who audit.Actor, files []officerFile) ([]byte, error) {
	var cards []custody.Card
	for _, f := range files {
		cards = append(cards, f.card)
	}
	if err := sameEnvironment(cards, log.Identity()); err != nil {
		return nil, err
	}
	var officers []*custody.Identity
	defer func() {
		for _, id := range officers {
			id.Wipe()
		}
	}()
	for i, f := range files {
		src := string(source.Prompt)
		if len(o.passphrases) > 0 {
			src = o.passphrases[i]
		}
		id, err := a.unlock(ctx, f, src, wrongPassphrases(log))
		if err != nil {
			return nil, err
		}
		officers = append(officers, id)
	}
	return log.Checkpoint(who, custody.NoteSigners(officers)...)
}

// unlock lets an officer type the passphrase of their identity.
func (a *App) unlock(ctx context.Context, f officerFile, src string, rec custody.Recorder) (*custody.Identity, error) {
	p, err := a.sources().ReadPassphrase(ctx, src, text.New("passphrase of %s", f.card.ID()))
	if err != nil {
		return nil, err
	}
	defer p.Wipe()
	return f.locked.Unlock(a.Env, p, rec)
}

// wrongPassphrases records them; that an officer opened their identity shows in the signature.
func wrongPassphrases(log *audit.Log) custody.Recorder {
	return custody.RecorderFunc(func(e custody.Event) error {
		if e.Kind != custody.PassphraseWrong {
			return nil
		}
		c := e.Officers[0]
		entry := audit.Entry{Who: audit.Actor{ID: c.ID(), Role: string(c.Roles()[0])}, Operation: audit.OfficerAuthenticate,
			Object: audit.Object{Kind: audit.KindOfficer, Label: c.ID()}}
		_, err := log.Append(entry, audit.OutcomeOf(custody.ErrPassphrase))
		return err
	})
}

func (o auditCheckpointOpts) answer(a *App, path string, signed []byte, files []officerFile) error {
	c, err := audit.ReadCheckpoint(signed)
	if err != nil {
		return err
	}
	doc := auditCheckpointDoc{Log: path, Store: c.Store, Environment: c.Environment, Records: c.Size, Head: c.Head.String(),
		Root: c.Root.String(), Time: c.Time.Format(time.RFC3339), To: o.to, Note: string(signed)}
	for _, f := range files {
		doc.Signers = append(doc.Signers, f.card.ID())
	}
	err = a.render.Answer("audit.checkpoint", doc, func(p *render.Page) {
		p.Good(text.New("%d records were verified and signed; keep copies of this away from the log:", c.Size))
		p.Blank()
		p.Raw(doc.Note)
	})
	return fault.Wrap(err, "the checkpoint lies beside the log, but the answer was not written")
}
