package cli

import (
	"context"
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"poskey/internal/fault"
	"poskey/internal/render"
	"poskey/internal/text"
	"poskey/pkg/audit"
)

type auditShowOpts struct {
	log    string
	limit  int
	filter filterOpts
}

func newAuditShowCmd(a *App) *cobra.Command {
	o := auditShowOpts{}
	cmd := a.command(cmdSpec{
		use:   "show",
		short: text.New("show what was done, when and by whom"),
		long: text.New("The newest records stand last. Every operation is recorded twice, before it acts and when it is over; the table shows it once, and\n" +
			"an operation whose outcome nobody recorded as begun. With -o json all records are given as they stand in the log. The chain is\n" +
			"followed on the way: where the log does not verify, nothing below is shown. Times are UTC."),
		example: "  poskey audit show\n" +
			"  poskey audit show --log copy.audit --from 7d --operation key --result refused\n" +
			"  poskey audit show --log copy.audit --label ZMK-2026#1 --limit 0 -o json",
		exits: []int{4, 5, 8}, args: cobra.NoArgs,
	})
	a.logFlag(cmd, &o.log)
	o.filter.add(a, cmd)
	cmd.Flags().IntVar(&o.limit, "limit", 50, a.Say.T("show the newest so many; 0 is all"))
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return runAuditShow(cmd.Context(), a, o) }
	return cmd
}

type auditShowDoc struct {
	Log     string            `json:"log"`
	Matched uint64            `json:"matched"` // records that were asked for; the newest of them follow
	Records []json.RawMessage `json:"records"` // as they stand in the log
}

func runAuditShow(ctx context.Context, a *App, o auditShowOpts) error {
	if err := checkLimit(o.limit); err != nil {
		return err
	}
	filter, err := o.filter.filter(a.Env.Now())
	if err != nil {
		return err
	}
	place, err := a.findLog(ctx, o.log)
	if err != nil {
		return err
	}
	log, err := openLog(ctx, place.path)
	if err != nil {
		return err
	}
	defer log.close()
	kept := newest{limit: o.limit, once: a.render.Format != render.JSON}
	var broken error
	for r, err := range audit.Query(log.read(ctx), filter) {
		if err != nil {
			broken = fault.Wrap(err, "%s", pathWord(place.path))
			break
		}
		kept.add(r)
	}
	doc := auditShowDoc{Log: place.path, Matched: kept.matched, Records: []json.RawMessage{}}
	if !kept.once {
		for _, r := range kept.records {
			doc.Records = append(doc.Records, r.Line())
		}
	}
	if err := a.render.Answer("audit.show", doc, func(p *render.Page) { recordsPage(p, kept) }); err != nil {
		return err
	}
	return broken
}

// newest keeps the last records that were added.
type newest struct {
	limit   int  // 0: all
	once    bool // an operation whose outcome is kept loses its intent
	records []audit.Record
	matched uint64
}

func (n *newest) add(r audit.Record) {
	n.matched++
	if n.once && r.Of != 0 {
		bySeq := func(r audit.Record, seq uint64) int { return int(int64(r.Seq) - int64(seq)) }
		if i, there := slices.BinarySearchFunc(n.records, r.Of, bySeq); there {
			if len(r.Details) == 0 { // the record before tells them, such as who signs
				r.Details = n.records[i].Details
			}
			n.records = slices.Delete(n.records, i, i+1)
		}
	}
	n.records = append(n.records, r)
	if n.limit > 0 && len(n.records) > n.limit {
		n.records = n.records[1:]
	}
}

func recordsPage(p *render.Page, kept newest) {
	if len(kept.records) == 0 {
		p.Line(text.New("no record was found"))
		return
	}
	var rows [][]string
	for _, r := range kept.records {
		rows = append(rows, []string{strconv.FormatUint(r.Seq, 10), shownTime(r.Time), actorWords(r.Who), p.T(r.Operation.Text()),
			r.Object.Label, r.Object.Check.String(), outcomeWords(p, &r), othersWords(&r)})
	}
	p.Grid([]text.Text{text.New("no."), text.New("time"), text.New("who"), text.New("operation"), text.New("label"),
		text.New("check value"), text.New("outcome"), text.New("with")}, rows)
}

func actorWords(a audit.Actor) string { return a.ID + " (" + a.Role + ")" }

// othersWords lists who took part; of a checkpoint, who signed it.
func othersWords(r *audit.Record) string {
	var all []string
	for _, a := range r.With {
		all = append(all, actorWords(a))
	}
	if signers := r.Details[audit.FieldSigners]; signers != "" {
		all = append(all, signers)
	}
	return strings.Join(all, ", ")
}

// outcomeWords is a record's outcome in one cell, with the counts of a batch.
func outcomeWords(p *render.Page, r *audit.Record) string {
	if r.IsIntent() {
		return p.T(text.New("begun; no outcome"))
	}
	words := p.T(r.Outcome.Result.Text())
	if r.Outcome.Fault != "" {
		words += " (" + string(r.Outcome.Fault) + ")"
	}
	if b := r.Batch; b.Count > 0 {
		words += ", " + p.T(text.New("%d of %d lines", b.OK, b.Count))
	}
	return words
}
