package cli

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"poskey/internal/fault"
	"poskey/internal/render"
	"poskey/internal/source"
	"poskey/internal/text"
	"poskey/pkg/ceremony"
	"poskey/pkg/ceremony/minutes"
	"poskey/pkg/ceremony/script"
	"poskey/pkg/ceremony/transcript"
)

type ceremonyReportOpts struct {
	format, form, to string
}

// Formats of a report.
const (
	reportHTML = "html"
	reportPDF  = "pdf"
	reportJSON = "json"
)

func newCeremonyReportCmd(a *App) *cobra.Command {
	o := ceremonyReportOpts{}
	cmd := a.command(cmdSpec{
		use:   "report DIR|SCRIPT",
		short: text.New("write the minutes of a ceremony, or a form"),
		long: text.New("The minutes of a record that verifies, as a page (html), for paper (pdf) or for programs (json); they speak the language of --lang.\n"+
			"Forms are for paper: %s.\n"+
			"Before a ceremony they are filled with what the script knows (give the script instead of DIR), afterwards with what the record knows\n"+
			"too. No file is overwritten.", strings.Join(formNames(), " ")),
		example: "  poskey ceremony report zmk-20261201-7F3A91 --format pdf\n" +
			"  poskey ceremony report zmk-20261201-7F3A91 --format html --lang zh --to minutes.html\n" +
			"  poskey ceremony report zmk.yaml --form acceptance --to acceptance.pdf",
		exits: []int{3, 4, 5, 6}, args: cobra.ExactArgs(1),
	})
	f := cmd.Flags()
	f.StringVar(&o.format, "format", reportPDF, a.Say.T("html, pdf or json"))
	f.StringVar(&o.form, "form", "", a.Say.T("a form for paper instead of the minutes: %s",
		strings.Join(formNames(), " ")))
	f.StringVar(&o.to, "to", "", a.Say.T("new file; named after the ceremony and beside its record when left out"))
	cmd.RunE = func(cmd *cobra.Command, args []string) error { return runCeremonyReport(cmd.Context(), a, o, args[0]) }
	return cmd
}

func formNames() []string {
	var names []string
	for _, f := range minutes.Forms() {
		names = append(names, string(f))
	}
	return names
}

// reported is what a report is about: a record, or a script before its ceremony.
type reported struct {
	script *script.Script
	record *ceremony.Verified
	dir    string
	beside []script.Finding // what the folder has beside the record
}

type ceremonyReportDoc struct {
	ceremonyVerifyDoc
	Format  string              `json:"format"`
	Form    minutes.Form        `json:"form,omitempty"`
	File    string              `json:"file,omitempty"`
	Entries []ceremonyRecordDoc `json:"entries,omitempty"`
}

// ceremonyRecordDoc is a line of the record for programs.
type ceremonyRecordDoc struct {
	N        int                `json:"n"`
	Time     string             `json:"time"`
	Kind     transcript.Kind    `json:"kind"`
	Step     int                `json:"step,omitempty"`
	Who      string             `json:"who,omitempty"`
	People   []string           `json:"people,omitempty"`
	Key      string             `json:"key,omitempty"`
	Part     int                `json:"part,omitempty"`
	Check    string             `json:"check,omitempty"` // with its method
	Expected string             `json:"expected,omitempty"`
	Verdict  transcript.Verdict `json:"verdict,omitempty"`
	Details  map[string]string  `json:"details,omitempty"`
}

func runCeremonyReport(ctx context.Context, a *App, o ceremonyReportOpts, place string) error {
	if err := o.check(); err != nil {
		return err
	}
	r, err := readReported(ctx, place)
	if err != nil {
		return err
	}
	if r.record == nil && o.form == "" {
		return fault.New(fault.Usage, "a script has no minutes yet; --form fills a form from it")
	}
	if o.to == "" && o.format != reportJSON {
		o.to = r.name(a, o)
	}
	if o.format != reportJSON {
		if err := source.CheckNew(o.to); err != nil {
			return err
		}
		if err := source.Fill(o.to, func(w io.Writer) error { return r.write(a, w, o) }); err != nil {
			return err
		}
	}
	if o.format == reportJSON {
		a.render.Format = render.JSON // a program reads it, whatever -o says
	}
	doc := r.doc(o)
	return a.render.Answer("ceremony.report", doc, func(p *render.Page) {
		p.Good(text.New("written: %s", pathWord(doc.File)))
		if r.record != nil && !doc.Verified {
			p.Bad(text.New("The record does not verify."))
		}
		findingsPage(p, r.beside, a.render.Width)
	})
}

func (o *ceremonyReportOpts) check() error {
	switch {
	case !slices.Contains([]string{reportHTML, reportPDF, reportJSON}, o.format):
		return fault.New(fault.Usage, "--format %q: known: html pdf json", text.Redact(o.format))
	case o.form != "" && !slices.Contains(formNames(), o.form):
		return fault.New(fault.Usage, "--form %q: known: %s", text.Redact(o.form), strings.Join(formNames(), " "))
	case o.form != "" && o.format != reportPDF:
		return fault.New(fault.Usage, "forms are for paper: they are written as pdf")
	case o.format == reportJSON && o.to != "":
		return fault.New(fault.Usage, "with --format json the report is the answer itself; --to takes a page or a paper")
	}
	return nil
}

// readReported tells a record from a script by its first character.
func readReported(ctx context.Context, place string) (reported, error) {
	if info, err := os.Stat(place); err == nil && !info.IsDir() {
		raw, err := readWhole(ctx, place, transcript.MaxFile)
		if err != nil {
			return reported{}, err
		}
		if len(raw) == 0 || raw[0] != '{' {
			s, err := parseCeremonyScript(raw, place)
			return reported{script: s, dir: filepath.Dir(place)}, err
		}
	}
	v, err := verifyRecord(place)
	if err != nil {
		return reported{}, err
	}
	if bad := flawed(v.Problems, place); bad != nil {
		return reported{}, fault.Wrap(bad, "minutes are written of a record that verifies")
	}
	return reported{script: v.Script, record: v, dir: filepath.Dir(recordPath(place)),
		beside: besideRecord(place, v.Document)}, nil
}

// name is that of a report where nobody names it: TEST is part of it where it is part of everything else.
func (r *reported) name(a *App, o ceremonyReportOpts) string {
	what, prefix, id := "minutes", testPrefix(transcript.Run, r.script.Environment), ""
	if o.form != "" {
		what = o.form
	}
	if r.record != nil {
		prefix, id = testPrefix(r.record.Head.Mode, r.record.Head.Environment), "-"+r.record.Head.Ceremony
	}
	return filepath.Join(r.dir, prefix+what+id+"."+string(a.Say.Lang())+"."+o.format)
}

func (r *reported) write(a *App, w io.Writer, o ceremonyReportOpts) error {
	l := minutes.Language{Code: string(a.Say.Lang()), Say: a.Say.Text}
	switch {
	case o.form != "":
		return minutes.FormPDF(w, minutes.Form(o.form), r.script, r.record, l)
	case o.format == reportHTML:
		return minutes.HTML(w, r.record, l)
	case o.format == reportPDF:
		return minutes.PDF(w, r.record, l)
	}
	return errors.ErrUnsupported
}

func (r *reported) doc(o ceremonyReportOpts) ceremonyReportDoc {
	doc := ceremonyReportDoc{Format: o.format, Form: minutes.Form(o.form), File: o.to}
	if r.record == nil {
		doc.ceremonyVerifyDoc = ceremonyVerifyDoc{Environment: r.script.Environment, Title: r.script.Title,
			Script: r.script.Fingerprint().String(),
			Words:  r.script.Fingerprint().Words(), People: []ceremonyPersonDoc{}, Missing: []string{}, Problems: []ceremonyFlawDoc{}, Findings: []ceremonyFindingDoc{}}
		return doc
	}
	doc.ceremonyVerifyDoc = newCeremonyVerifyDoc(filepath.Join(r.dir, ceremonyRecord), r.record,
		verdictOf(r.record, r.dir) == nil)
	doc.Findings = append(doc.Findings, ceremonyFindingDocs(r.beside)...)
	if o.format != reportJSON {
		return doc
	}
	for _, rec := range r.record.Records {
		doc.Entries = append(doc.Entries, newCeremonyRecordDoc(rec))
	}
	return doc
}

func newCeremonyRecordDoc(r transcript.Record) ceremonyRecordDoc {
	doc := ceremonyRecordDoc{N: r.N, Time: at(r.Time), Kind: r.Kind, Step: r.Step, Who: r.Who, People: r.People,
		Key: r.Key, Part: r.Part,
		Verdict: r.Verdict, Details: r.Details}
	if r.Check.Digits != "" {
		doc.Check = r.Check.String()
	}
	if r.Expected.Digits != "" {
		doc.Expected = r.Expected.String()
	}
	return doc
}
