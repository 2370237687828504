package cli

import (
	"context"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"poskey/internal/fault"
	"poskey/internal/render"
	"poskey/internal/source"
	"poskey/internal/text"
	"poskey/pkg/agent"
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
			"When the store is open its agent signs, and asks for the passphrases itself; a log that another process has open is busy (exit 9)."),
		example: "  poskey audit checkpoint --officer officer.a.identity --officer officer.b.identity --to /media/usb/march.note\n" +
			"  poskey audit checkpoint --log store.audit --officer officer.a.identity --passphrase fd:3",
		exits: []int{3, 4, 5, 6, 7, 8, 9}, args: cobra.NoArgs,
	})
	a.logFlag(cmd, &o.log)
	f := cmd.Flags()
	f.StringArrayVar(&o.identities, "officer", nil, a.Say.T("identity file of an officer who signs (again for each)"))
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
	if len(o.passphrases) == 0 { // as the commands on the store take them
		for _, n := range a.flags.approval.fds {
			o.passphrases = append(o.passphrases, string(source.FD)+":"+strconv.Itoa(n))
		}
	}
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
	signed, err := o.signedByAgent(ctx, a, place, files)
	if fault.Is(err, fault.Sealed) { // no agent has the log
		signed, err = o.signedHere(ctx, a, place, files)
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

// signedByAgent has the agent of an open store sign, which holds the log and reads the passphrases itself. Error: sealed
// when there is none.
func (o auditCheckpointOpts) signedByAgent(ctx context.Context, a *App, place logPlace, files []officerFile) ([]byte, error) {
	if place.identity == (audit.Identity{}) {
		return nil, fault.New(fault.Sealed, "the log is a file alone")
	}
	client, err := agent.Dial(ctx, a.socketPath(place.identity.Store), place.identity.Store)
	if err != nil {
		return nil, err
	}
	defer func() { _ = client.Close() }()
	in := agent.Intent{Who: whoAmI(), Approvers: agent.Approvers{Language: string(a.Say.Lang())}}
	for _, f := range files {
		in.Approvers.Identities = append(in.Approvers.Identities, f.raw)
	}
	if len(o.passphrases) == 0 {
		tty, done, err := a.Console.Terminal()
		if err != nil {
			return nil, err
		}
		defer done()
		in.Approvers.Terminal = tty
		return client.Checkpoint(ctx, in)
	}
	defer func() {
		for _, f := range in.Approvers.Passphrases {
			_ = f.Close()
		}
	}()
	for _, src := range o.passphrases {
		f, err := source.OpenPassphrase(ctx, src)
		if err != nil {
			return nil, err
		}
		in.Approvers.Passphrases = append(in.Approvers.Passphrases, f)
	}
	return client.Checkpoint(ctx, in)
}

// signedHere signs in this process: no agent has the log.
func (o auditCheckpointOpts) signedHere(ctx context.Context, a *App, place logPlace, files []officerFile) ([]byte, error) {
	log, err := audit.Open(place.path, place.identity, audit.Options{Now: a.Env.Now, Who: whoAmI()})
	if err != nil {
		return nil, err
	}
	signed, err := o.sign(ctx, a, log, files)
	if closed := log.Close(); err == nil {
		err = fault.Wrap(closed, "closing the audit log")
	}
	return signed, err
}

// sign asks for the passphrases and signs. A wrong one is recorded in the log that is to be signed.
func (o auditCheckpointOpts) sign(ctx context.Context, a *App, log *audit.Log, files []officerFile) ([]byte, error) {
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
		if i < len(o.passphrases) {
			src = o.passphrases[i]
		}
		id, err := a.unlock(ctx, f, src, wrongPassphrases(log))
		if err != nil {
			return nil, err
		}
		officers = append(officers, id)
	}
	return log.Checkpoint(whoAmI(), custody.NoteSigners(officers)...)
}

// wrongPassphrases records them; that an officer opened their identity shows in the signature.
func wrongPassphrases(log *audit.Log) custody.Recorder {
	return custody.RecorderFunc(func(e custody.Event) error {
		if e.Kind != custody.PassphraseWrong {
			return nil
		}
		c := e.Officers[0]
		entry := audit.Entry{Who: whoAmI(), Operation: audit.OfficerAuthenticate,
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
