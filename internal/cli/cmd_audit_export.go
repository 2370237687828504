package cli

import (
	"context"
	"io"
	"iter"

	"github.com/spf13/cobra"

	"poskey/internal/fault"
	"poskey/internal/render"
	"poskey/internal/source"
	"poskey/internal/text"
	"poskey/pkg/audit"
)

type auditExportOpts struct {
	log, format, to string
	filter          filterOpts
}

func newAuditExportCmd(a *App) *cobra.Command {
	o := auditExportOpts{}
	cmd := a.command(cmdSpec{
		use:   "export --format jsonl|csv",
		short: text.New("write records for programs or spreadsheets"),
		long: text.New("jsonl writes the records as they stand in the log, each with its hash: all of them together are a log again, and verify. csv is a\n" +
			"view for spreadsheets, with formulas disarmed, and no evidence. The chain is followed on the way: where the log does not verify,\n" +
			"the export ends, and a file that was begun is taken away."),
		example: "  poskey audit export --format jsonl --to audit-2026.jsonl\n" +
			"  poskey audit export --log copy.audit --format csv --from 2026-01-01 --until 2026-04-01 > quarter.csv",
		exits: []int{4, 5, 6, 8}, args: cobra.NoArgs,
	})
	a.logFlag(cmd, &o.log)
	f := cmd.Flags()
	f.StringVar(&o.format, "format", "", a.Say.T("jsonl or csv"))
	f.StringVar(&o.to, "to", "", a.Say.T("new file; stdout when left out"))
	o.filter.add(a, cmd)
	required(cmd, "format")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return runAuditExport(cmd.Context(), a, o) }
	return cmd
}

type auditExportDoc struct {
	Log     string `json:"log"`
	Format  string `json:"format"`
	To      string `json:"to"`
	Records uint64 `json:"records"`
	SHA256  string `json:"sha256"` // of the file
}

type exporter func(io.Writer, iter.Seq2[audit.Record, error]) error

func exporterFor(format string) (exporter, error) {
	switch format {
	case "jsonl":
		return audit.WriteJSONLines, nil
	case "csv":
		return audit.WriteCSV, nil
	}
	return nil, fault.New(fault.Usage, "unknown format %q of an export; known: jsonl csv", text.Redact(format))
}

func runAuditExport(ctx context.Context, a *App, o auditExportOpts) error {
	write, err := exporterFor(o.format)
	if err != nil {
		return err
	}
	filter, err := o.filter.filter(a.Env.Now())
	if err != nil {
		return err
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
	log, err := openLog(ctx, place.path)
	if err != nil {
		return err
	}
	defer log.close()
	doc := auditExportDoc{Log: place.path, Format: o.format, To: o.to}
	records := counted(audit.Query(log.read(ctx), filter), &doc.Records)
	if o.to == "" {
		return write(a.Out, records)
	}
	sum := audit.NewDigester()
	if err := source.Fill(o.to, func(w io.Writer) error { return write(io.MultiWriter(w, sum), records) }); err != nil {
		return err
	}
	doc.SHA256 = sum.Digest().String()
	err = a.render.Answer("audit.export", doc, func(p *render.Page) {
		p.Good(text.New("%d records were written to %s", doc.Records, o.to))
		p.Fields(render.F(text.Raw("SHA-256"), doc.SHA256))
	})
	return fault.Wrap(err, "the export was written to %s, but the answer was not", o.to)
}

// counted counts records on their way.
func counted(records iter.Seq2[audit.Record, error], n *uint64) iter.Seq2[audit.Record, error] {
	return func(yield func(audit.Record, error) bool) {
		for r, err := range records {
			if err == nil {
				*n++
			}
			if !yield(r, err) {
				return
			}
		}
	}
}
