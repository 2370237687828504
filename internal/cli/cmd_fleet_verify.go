package cli

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"poskey/internal/fault"
	"poskey/internal/render"
	"poskey/internal/text"
	"poskey/pkg/audit"
	"poskey/pkg/custody"
	"poskey/pkg/fleet"
)

type fleetVerifyOpts struct {
	note     string
	officers []string
	quorum   int
}

func newFleetVerifyCmd(a *App) *cobra.Command {
	o := fleetVerifyOpts{}
	cmd := a.command(cmdSpec{
		use:   "verify FILE",
		short: text.New("check that officers signed the report of a run, as it is"),
		long: text.New("FILE is the report as JSON; beside it lies its signed note (FILE.note). Whose signature counts is told by cards whose fingerprints were\n" +
			"compared (--officer): then no store is needed. Without them it is the officers of the store, which must be the one that the report is of;\n" +
			"of those who were revoked, what they signed before. The time of a signature is what its officers said."),
		example: "  poskey fleet verify run.json\n" +
			"  poskey fleet verify run.json --officer admin.d.card --officer admin.e.card --quorum 2",
		exits: []int{3, 4, 5, 6, 8}, args: cobra.ExactArgs(1),
	})
	f := cmd.Flags()
	f.StringVar(&o.note, "note", "", a.Say.T("the signed note; FILE.note when left out"))
	f.StringArrayVar(&o.officers, "officer", nil, a.Say.T("card of an officer whose signature counts (again for each)"))
	f.IntVar(&o.quorum, "quorum", 1, a.Say.T("officers who must have signed the report"))
	cmd.RunE = func(cmd *cobra.Command, args []string) error { return runFleetVerify(cmd.Context(), a, o, args[0]) }
	return cmd
}

type fleetVerifyDoc struct {
	File        string       `json:"file"`
	Note        string       `json:"note"`
	Verified    bool         `json:"verified"`
	Run         string       `json:"run"`
	Environment string       `json:"environment"`
	Store       string       `json:"store"`
	Signers     []string     `json:"signers"`
	Time        time.Time    `json:"time"` // as the officers said
	Closed      time.Time    `json:"closed,omitzero"`
	Counts      fleet.Counts `json:"counts"`
	Untouched   int          `json:"untouched"`
	Balanced    bool         `json:"balanced"`
	Open        int          `json:"open_findings"`
}

// maxReportFile bounds what is read of a report: one of a hundred thousand devices fits well.
const maxReportFile = 1 << 30

func runFleetVerify(ctx context.Context, a *App, o fleetVerifyOpts, path string) error {
	if o.quorum < 1 {
		return fault.New(fault.Usage, "--quorum is 1 or more")
	}
	if o.note == "" {
		o.note = path + ".note"
	}
	raw, err := readWhole(ctx, path, maxReportFile)
	if err != nil {
		return err
	}
	note, err := readWhole(ctx, o.note, audit.MaxNote)
	if err != nil {
		return fault.Wrap(err, "the signed note %s", o.note)
	}
	officers, err := a.reportOfficers(ctx, o.officers)
	if err != nil {
		return err
	}
	signed, err := officers.verify(raw, note, o.quorum)
	if err != nil {
		return fault.Wrap(err, "%s", pathWord(path))
	}
	r := &signed.Report
	doc := fleetVerifyDoc{File: path, Note: o.note, Verified: true, Run: r.Run, Environment: r.Environment, Store: r.Store, Signers: signed.By,
		Time: signed.At, Closed: r.Closed, Counts: r.Counts, Untouched: r.Untouched, Balanced: r.Balanced, Open: r.Open}
	return a.render.Answer("fleet.verify", doc, func(p *render.Page) {
		p.Good(text.New("The report of run %s is as its officers signed it.", doc.Run))
		p.Fields(render.F(text.New("signed by"), strings.Join(doc.Signers, " ")), render.F(text.New("time"), at(doc.Time)),
			render.F(text.New("store"), doc.Store), render.F(text.New("environment"), doc.Environment), render.F(text.New("closed"), at(doc.Closed)),
			render.F(text.New("open findings"), strconv.Itoa(doc.Open)))
		p.Blank()
		countsPage(p, doc.Counts)
	})
}

// reportOfficers are those whose signatures under a report count.
type reportOfficers struct {
	all   []storeOfficer
	store string // that the report must be of; "" any
}

func (a *App) reportOfficers(ctx context.Context, cards []string) (out reportOfficers, err error) {
	for _, path := range cards {
		f, err := readOfficerFile(ctx, path)
		if err != nil {
			return reportOfficers{}, err
		}
		out.all = append(out.all, storeOfficer{card: f.card})
	}
	if len(cards) > 0 {
		return out, nil
	}
	_, id, err := a.openIdentified(ctx)
	if err != nil {
		return reportOfficers{}, err
	}
	out.store = id.ID
	out.all, err = a.storeOfficers(ctx)
	return out, err
}

// verify holds report and note against the officers, then again without those who were revoked when it was signed.
func (o *reportOfficers) verify(raw, note []byte, quorum int) (fleet.Signed, error) {
	by := func(cards []custody.Card) (fleet.Signed, error) {
		return fleet.VerifySigned(raw, note, func(signed []byte) (string, []string, error) { return custody.OpenNote(signed, cards, quorum) })
	}
	signed, err := by(logPlace{officers: o.all}.cards())
	if err != nil {
		return fleet.Signed{}, err
	}
	r := &signed.Report
	if o.store != "" && r.Store != o.store {
		return fleet.Signed{}, fault.New(fault.ChecksumMismatch, "the report is of store %s, this one is %s", text.Redact(r.Store), o.store)
	}
	var then []custody.Card
	for _, officer := range o.all {
		if string(officer.card.Environment()) != r.Environment {
			return fleet.Signed{}, fault.New(fault.NotPermitted, "%s is an officer of the environment %s, and the report is of %s", officer.card.ID(),
				string(officer.card.Environment()), r.Environment)
		}
		if officer.revoked.IsZero() || signed.At.Before(officer.revoked) {
			then = append(then, officer.card)
		}
	}
	return by(then)
}
