package cli

import (
	"context"
	"crypto/sha256"
	"io"
	"path/filepath"
	"strconv"

	"github.com/spf13/cobra"

	"poskey/internal/chained"
	"poskey/internal/fault"
	"poskey/internal/render"
	"poskey/internal/source"
	"poskey/internal/text"
	"poskey/pkg/incident"
)

type incidentAddOpts struct {
	dir, note, step, skip, evidence string
	lesson, fix, nothing, by        string
	weight                          int
	done                            bool
}

func newIncidentAddCmd(a *App) *cobra.Command {
	o := incidentAddOpts{}
	cmd := a.command(cmdSpec{
		use:   "add ID",
		short: text.New("write into the record: a note, a step that was done, evidence, a lesson"),
		long: text.New("Nothing is taken back: what was wrong is put right by a later entry. Of evidence the record keeps the name and the SHA-256, and\n" +
			"not the content. Steps that poskey can see to be done are written down too."),
		example: "  poskey incident add INC-2026-0001 --note 'the merchant saw two people at the counter'\n" +
			"  poskey incident add INC-2026-0001 --step batch --done --note 'settled by the acquirer'\n" +
			"  poskey incident add INC-2026-0001 --step vendor --skip 'the terminal was replaced'\n" +
			"  poskey incident add INC-2026-0001 --evidence photo.jpg\n" +
			"  poskey incident add INC-2026-0001 --lesson 'terminals are fixed to the counter' --fix 'order brackets' --weight 3",
		exits: []int{3, 4, 5, 6, 8}, args: cobra.ExactArgs(1),
	})
	f := cmd.Flags()
	a.incidentDirFlag(cmd, &o.dir)
	f.StringVar(&o.note, "note", "", a.Say.T("a line for the record"))
	f.StringVar(&o.step, "step", "", a.Say.T("id of a step, with --done or --skip"))
	f.BoolVar(&o.done, "done", false, a.Say.T("the step was done"))
	f.StringVar(&o.skip, "skip", "", a.Say.T("why the step is left out"))
	f.StringVar(&o.evidence, "evidence", "", a.Say.T("FILE whose name and SHA-256 are kept"))
	f.StringVar(&o.lesson, "lesson", "", a.Say.T("what must be so from now on; every assessment asks for it"))
	f.StringVar(&o.fix, "fix", "", a.Say.T("what is to be done for the lesson"))
	f.IntVar(&o.weight, "weight", 3, a.Say.T("how much the lesson weighs, 1 to 5"))
	f.StringVar(&o.nothing, "nothing-learned", "", a.Say.T("why there is no lesson"))
	f.StringVar(&o.by, "by", "", a.Say.T("who says it; the user of this machine when left out"))
	cmd.RunE = func(cmd *cobra.Command, args []string) error { return runIncidentAdd(cmd.Context(), a, o, args[0]) }
	return cmd
}

// check refuses what does not go together.
func (o *incidentAddOpts) check() error {
	switch {
	case (o.step != "") != (o.done || o.skip != ""), o.done && o.skip != "":
		return fault.New(fault.Usage, "a step is named with --step and either --done or --skip REASON")
	case o.fix != "" && o.lesson == "":
		return fault.New(fault.Usage, "--fix belongs to --lesson")
	case o.lesson != "" && o.nothing != "":
		return fault.New(fault.Usage, "either --lesson or --nothing-learned")
	case o.note+o.step+o.evidence+o.lesson+o.nothing == "":
		return fault.New(fault.Usage, "say what to write: --note, --step, --evidence, --lesson or --nothing-learned")
	}
	return nil
}

func runIncidentAdd(ctx context.Context, a *App, o incidentAddOpts, id string) error {
	if err := o.check(); err != nil {
		return err
	}
	site, err := a.incidents(ctx, o.dir)
	if err != nil {
		return err
	}
	by := byOr(o.by)
	var evidence *incident.Entry
	if o.evidence != "" {
		if evidence, err = evidenceOf(ctx, o.evidence, by); err != nil {
			return err
		}
	}
	d, err := site.append(id, func(d *incident.Document) ([]incident.Entry, error) {
		if err := site.mayBeDone(ctx, d, &o); err != nil {
			return nil, err
		}
		all, err := o.entries(d, by)
		if evidence != nil {
			all = append(all, *evidence)
		}
		return all, err
	})
	if err != nil {
		return err
	}
	if d, err = site.settle(ctx, d, by); err != nil {
		return err
	}
	return site.answer(ctx, "incident.add", d, func(p *render.Page) {
		p.Good(text.New("It is in the record of incident %s.", d.Head.ID))
	})
}

// mayBeDone asks for a reason where the inventory says otherwise: it may be right that the step is done, and somebody has
// to answer for it.
func (s *incidentSite) mayBeDone(ctx context.Context, d *incident.Document, o *incidentAddOpts) error {
	if !o.done || o.note != "" || s.db == nil || d.State() == incident.Closed {
		return nil
	}
	m, err := d.Measure(ctx, s.db)
	if err != nil {
		return err
	}
	if f, ok := m.Steps[o.step]; ok && !f.Done {
		return fault.New(fault.NotPermitted, "the inventory says otherwise of step %s (%s); say with --note why it is done", o.step, f.Why)
	}
	return nil
}

// entries are the lines that the flags make. A note beside a step is said of the step.
func (o *incidentAddOpts) entries(d *incident.Document, by string) ([]incident.Entry, error) {
	var all []incident.Entry
	switch {
	case o.done:
		e, err := d.Do(o.step, by, incident.ProofSaid, o.note)
		if err != nil {
			return nil, err
		}
		all = append(all, e)
	case o.skip != "":
		e, err := d.Skip(o.step, by, o.skip)
		if err != nil {
			return nil, err
		}
		all = append(all, e)
	}
	if o.note != "" && !o.done {
		all = append(all, incident.Say(by, o.note))
	}
	if o.lesson != "" {
		e, err := incident.Learn(by, o.lesson, o.fix, o.weight)
		if err != nil {
			return nil, err
		}
		all = append(all, e)
	}
	if o.nothing != "" {
		all = append(all, incident.Entry{Kind: incident.EntryNoLesson, By: by, Details: map[string]string{incident.DetailText: o.nothing}})
	}
	return all, nil
}

// evidenceOf reads a file through, however large, and keeps its name, length and hash.
func evidenceOf(ctx context.Context, path, by string) (*incident.Entry, error) {
	f, err := source.Open(ctx, path)
	if err != nil {
		return nil, fault.Wrap(err, "--evidence")
	}
	defer func() { _ = f.Close() }() // it was read
	sum := sha256.New()
	n, err := io.Copy(sum, source.Stream(ctx, f))
	if err != nil {
		return nil, fault.WrapAs(fault.Failure, err, "--evidence %s", text.Redact(path))
	}
	return &incident.Entry{Kind: incident.EntryEvidence, By: by, Details: map[string]string{
		incident.DetailFile: text.OneLine(filepath.Base(path), 200), incident.DetailBytes: strconv.FormatInt(n, 10),
		incident.DetailSHA256: string(chained.AppendHex(nil, chained.Sum(sum.Sum(nil)))),
	}}, nil
}
