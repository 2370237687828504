package cli

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"poskey/internal/fault"
	"poskey/internal/render"
	"poskey/internal/text"
	"poskey/pkg/audit"
	"poskey/pkg/custody"
)

type auditVerifyOpts struct {
	log, store            string
	checkpoints, officers []string
	quorum                int
}

func newAuditVerifyCmd(a *App) *cobra.Command {
	o := auditVerifyOpts{}
	cmd := a.command(cmdSpec{
		use:   "verify",
		short: text.New("check that no record was changed, deleted, moved or cut off"),
		long: text.New("Works from the file alone, on any machine, beside an agent that writes the log, and changes nothing. The chain shows that the\n" +
			"records agree with one another; whoever can write the file can make another chain. Checkpoints that officers signed, kept\n" +
			"elsewhere (--checkpoint), with cards whose fingerprints were compared (--officer), show that the log is what they signed: that it\n" +
			"was not made anew, cut short or rolled back to an older copy. Checkpoints beside the log are held against it too."),
		example: "  poskey audit verify\n" +
			"  poskey audit verify --log copy.audit --store-id STORE-1 --checkpoint 000000000120.note --officer officer.a.card --officer officer.b.card --quorum 2",
		exits: []int{3, 4, 5, 6, 8}, args: cobra.NoArgs,
	})
	a.logFlag(cmd, &o.log)
	f := cmd.Flags()
	f.StringVar(&o.store, "store-id", "", a.Say.T("id of the store that the log must belong to"))
	f.StringArrayVar(&o.checkpoints, "checkpoint", nil, a.Say.T("a signed checkpoint that was kept elsewhere (again for each)"))
	f.StringArrayVar(&o.officers, "officer", nil, a.Say.T("card of an officer whose signature counts (again for each)"))
	f.IntVar(&o.quorum, "quorum", 1, a.Say.T("officers who must have signed each checkpoint"))
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		return runAuditVerify(cmd.Context(), a, o, cmd.Flags().Changed("quorum"))
	}
	return cmd
}

type auditVerifyDoc struct {
	Log          string            `json:"log"`
	Verified     bool              `json:"verified"`
	Store        string            `json:"store,omitempty"`
	Environment  audit.Environment `json:"environment,omitempty"`
	Records      uint64            `json:"records"`
	Bytes        int64             `json:"bytes"`
	First        string            `json:"first,omitempty"`
	Last         string            `json:"last,omitempty"`
	Head         string            `json:"head,omitempty"` // hash of the last record
	Root         string            `json:"root,omitempty"` // of the Merkle tree, base64
	Intact       uint64            `json:"intact"`
	Signed       uint64            `json:"signed"`
	Damaged      uint64            `json:"damaged,omitempty"`
	Unfinished   []uint64          `json:"unfinished"`
	Problem      *logProblemDoc    `json:"problem,omitempty"`
	Checkpoints  []checkpointDoc   `json:"checkpoints"`
	Warnings     []logWarningDoc   `json:"warnings"`
	MoreWarnings uint64            `json:"more_warnings,omitempty"`
	Trust        string            `json:"trust"`
}

type logProblemDoc struct {
	Reason  audit.Reason `json:"reason"`
	Record  uint64       `json:"record"`
	Offset  int64        `json:"offset"`
	Message string       `json:"message"`
}

type checkpointDoc struct {
	File    string   `json:"file,omitempty"` // none for one that lies beside the log
	Records uint64   `json:"records,omitempty"`
	Time    string   `json:"time,omitempty"`
	Signers []string `json:"signers"` // officers who are known here; none: it vouches for nothing
	Agrees  bool     `json:"agrees"`
	Message string   `json:"message,omitempty"`
}

type logWarningDoc struct {
	ID      audit.WarningKind `json:"id"`
	Record  uint64            `json:"record,omitempty"`
	Message string            `json:"message"`
	text    text.Text
}

// Warnings about what was handed in; the others are those of pkg/audit.
const (
	noOfficers    audit.WarningKind = "no_officers"
	signedOutside audit.WarningKind = "signed_outside"
)

// evidence is what a log is held against, and where it came from.
type evidence struct {
	cards []custody.Card
	place logPlace
	want  audit.Expect
	files []string // of the checkpoints, in the order of the report; empty for one that lay beside the log
}

func runAuditVerify(ctx context.Context, a *App, o auditVerifyOpts, quorumAsked bool) error {
	place, err := a.findLog(ctx, o.log)
	if err != nil {
		return err
	}
	ev, err := o.gather(ctx, a, place)
	if err != nil {
		return err
	}
	if quorumAsked && (len(ev.cards) == 0 || o.quorum < 1) {
		return fault.New(fault.Usage, "--quorum counts officers, whose cards are given by --officer")
	}
	log, err := openLog(ctx, place.path)
	if err != nil {
		return err
	}
	defer log.close()
	report, bad := audit.Verify(log.read(ctx), ev.want)
	if bad != nil && ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if report.Records > 0 {
		if err := sameEnvironment(ev.cards, report.Identity); err != nil {
			return err
		}
	}
	doc := newAuditVerifyDoc(place.path, report, bad, ev)
	if err := a.render.Answer("audit.verify", doc, func(p *render.Page) { auditVerifyPage(p, doc, report) }); err != nil {
		return err
	}
	return fault.Wrap(bad, "%s", pathWord(place.path))
}

// gather reads everything that the log is held against.
func (o auditVerifyOpts) gather(ctx context.Context, a *App, place logPlace) (evidence, error) {
	ev := evidence{cards: place.cards(), place: place, want: audit.Expect{Identity: place.identity, Quorum: o.quorum, Now: a.Env.Now()}}
	if o.store != "" {
		ev.want.Identity.Store = o.store
	}
	for _, path := range o.officers {
		f, err := readOfficerFile(ctx, path)
		if err != nil {
			return evidence{}, err
		}
		ev.cards = append(ev.cards, f.card)
	}
	ev.want.Officers = custody.NoteVerifiers(ev.cards)
	for _, path := range o.checkpoints {
		raw, _, err := readShort(ctx, path, audit.MaxNote)
		if err != nil {
			return evidence{}, err
		}
		ev.want.Checkpoints = append(ev.want.Checkpoints, raw)
		ev.files = append(ev.files, path)
	}
	if len(ev.cards) == 0 { // nobody's signature can be looked at: they are compared, and vouch for nothing
		ev.want.Beside, ev.want.Checkpoints = ev.want.Checkpoints, nil
	}
	beside, err := audit.Checkpoints(place.path)
	if err != nil {
		return evidence{}, err
	}
	given := slices.Concat(ev.want.Checkpoints, ev.want.Beside)
	for _, raw := range beside {
		if !slices.ContainsFunc(given, func(g []byte) bool { return string(g) == string(raw) }) {
			ev.want.Beside = append(ev.want.Beside, raw)
			ev.files = append(ev.files, "")
		}
	}
	return ev, nil
}

func newAuditVerifyDoc(path string, r audit.Report, bad error, ev evidence) auditVerifyDoc {
	doc := auditVerifyDoc{Log: path, Verified: bad == nil, Records: r.Records, Bytes: r.Bytes, Intact: r.Intact, Signed: r.Signed,
		Damaged: r.Damaged, Unfinished: r.Unfinished, Checkpoints: []checkpointDoc{}, Warnings: []logWarningDoc{}, MoreWarnings: r.More,
		Trust: r.Trust().String()}
	if r.Records > 0 {
		doc.Store, doc.Environment = r.Identity.Store, r.Identity.Environment
		doc.First, doc.Last = r.First.Format(time.RFC3339Nano), r.Last.Format(time.RFC3339Nano)
		doc.Head, doc.Root = r.Head.String(), r.Root.String()
	}
	if doc.Unfinished == nil {
		doc.Unfinished = []uint64{}
	}
	if p := r.Problem; p != nil {
		doc.Problem = &logProblemDoc{p.Reason, p.Record, p.Offset, p.Error()}
	}
	for i, c := range r.Checkpoints {
		doc.Checkpoints = append(doc.Checkpoints, newCheckpointDoc(ev.files[i], c))
		doc.warnAbout(c, ev)
	}
	if len(ev.cards) == 0 && len(r.Checkpoints) > 0 {
		doc.warn(noOfficers, 0, text.New("no officer's card was given (--officer): nobody's signature was looked at"))
	}
	for _, w := range r.Warnings {
		doc.warn(w.Kind, w.Record, w.Text)
	}
	return doc
}

func (d *auditVerifyDoc) warn(id audit.WarningKind, record uint64, t text.Text) {
	d.Warnings = append(d.Warnings, logWarningDoc{id, record, t.String(), t})
}

// warnAbout looks for signatures from outside of the time in which the officer's identity was good.
func (d *auditVerifyDoc) warnAbout(c audit.CheckpointReport, ev evidence) {
	for _, card := range ev.cards {
		if slices.Contains(c.Signers, card.NoteVerifier().Name()) && !ev.good(card, c.Time) {
			d.warn(signedOutside, c.Size, text.New("%s signed a checkpoint at %s, when the identity was not good", card.ID(), c.Time.Format(time.RFC3339)))
		}
	}
}

// good reports whether an officer could sign then: not before the identity was made, nor after it expired or was revoked.
func (e evidence) good(card custody.Card, then time.Time) bool {
	for _, o := range e.place.officers {
		if o.card.Fingerprint() == card.Fingerprint() && !o.revoked.IsZero() && then.After(o.revoked) {
			return false
		}
	}
	return card.CheckTime(then) == nil
}

func newCheckpointDoc(file string, c audit.CheckpointReport) checkpointDoc {
	doc := checkpointDoc{File: file, Records: c.Size, Signers: c.Signers, Agrees: c.Agrees}
	if doc.Signers == nil {
		doc.Signers = []string{}
	}
	if !c.Time.IsZero() {
		doc.Time = c.Time.Format(time.RFC3339)
	}
	if c.Err != nil {
		doc.Message = c.Err.Error()
	}
	return doc
}

func auditVerifyPage(p *render.Page, doc auditVerifyDoc, r audit.Report) {
	if doc.Verified {
		p.Good(text.New("the log verifies"))
	} else {
		p.Bad(text.New("the log does not verify"))
	}
	first, last := "", ""
	if r.Records > 0 {
		first, last = shownTime(r.First), shownTime(r.Last)
	}
	p.Fields(
		render.F(text.New("store"), doc.Store),
		render.F(text.New("environment"), p.T(custody.Environment(doc.Environment).Text())),
		render.F(text.New("records"), strconv.FormatUint(doc.Records, 10)),
		render.F(text.New("first record"), first),
		render.F(text.New("last record"), last),
		render.F(text.New("hash of the last one"), doc.Head),
		render.F(text.New("what this shows"), p.T(r.Trust())),
	)
	checkpointsPage(p, doc.Checkpoints, r.Checkpoints)
	for i, w := range doc.Warnings {
		if i == 0 {
			p.Blank()
		}
		if w.Record > 0 {
			p.Bad(text.New("warning, record %d: %s", w.Record, w.text))
		} else {
			p.Bad(text.New("warning: %s", w.text))
		}
	}
	if doc.MoreWarnings > 0 {
		p.Bad(text.New("and %d more warnings", doc.MoreWarnings))
	}
}

func checkpointsPage(p *render.Page, docs []checkpointDoc, all []audit.CheckpointReport) {
	if len(all) == 0 {
		return
	}
	var rows [][]string
	for i, c := range all {
		from := pathWord(docs[i].File)
		if from == "" {
			from = p.T(text.New("beside the log"))
		}
		rows = append(rows, []string{strconv.FormatUint(c.Size, 10), docs[i].Time, strings.Join(c.Signers, ", "), p.T(checkpointVerdict(c)), from})
	}
	p.Blank()
	p.Grid([]text.Text{text.New("checkpoint over"), text.New("signed at"), text.New("officers"), text.New("verdict"), text.New("file")}, rows)
}

func checkpointVerdict(c audit.CheckpointReport) text.Text {
	var problem *audit.Problem
	switch {
	case c.Agrees && len(c.Signers) > 0:
		return text.New("agrees")
	case c.Agrees:
		return text.New("agrees; signed by nobody known here")
	case errors.As(c.Err, &problem):
		return text.New("does not agree")
	case c.Err != nil:
		return text.New("does not count: %s", c.Err)
	}
	return text.New("not reached")
}
