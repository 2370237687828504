package cli

// Readings of a code as they are shown: what several vendors mean alike stands there once.

import (
	"slices"
	"strings"

	"poskey/internal/render"
	"poskey/internal/text"
	"poskey/pkg/diagnose"
	"poskey/pkg/errorcode"
)

func newCodeDoc(answer errorcode.Answer) codeDoc {
	doc := codeDoc{Query: answer.Query, Readings: []codeReadingDoc{}, More: answer.More}
	for _, r := range answer.Readings {
		row := codeReadingDoc{Vendor: r.Vendor, Table: r.Table, Code: r.Code, Symbol: r.Symbol, Meaning: r.Meaning.String(),
			Kind: r.Kind, KeyRelated: r.KeyRelated, Certainty: r.Certainty, Weight: r.Weight, Via: r.Via.How,
			Why: r.Why.String(), Playbook: diagnose.PlaybookOf(r.Row)}
		for _, c := range diagnose.CausesOf(r.Row) {
			row.Causes = append(row.Causes, string(c))
		}
		doc.Readings = append(doc.Readings, row)
	}
	for _, t := range answer.Asks {
		doc.Asks = append(doc.Asks, t.String())
	}
	return doc
}

func codePage(p *render.Page, answer errorcode.Answer) {
	for i, group := range grouped(answer.Readings, alikeReading) {
		if i > 0 {
			p.Blank()
		}
		codeGroup(p, group)
	}
	if answer.More > 0 {
		p.Blank()
		p.Paragraph("", text.New("more readings: %d (--limit 0 shows all)", answer.More))
	}
	if len(answer.Asks) > 0 {
		p.Blank()
		p.Heading(text.New("what would decide"))
		for _, t := range answer.Asks {
			p.Paragraph("  ", t)
		}
	}
}

// alikeReading reports readings that mean the same, weigh the same and lead to the same.
func alikeReading(a, b errorcode.Reading) bool {
	return a.Meaning.String() == b.Meaning.String() && a.Weight == b.Weight && a.Certainty == b.Certainty &&
		a.Why.String() == b.Why.String() && diagnose.PlaybookOf(a.Row) == diagnose.PlaybookOf(b.Row) &&
		slices.Equal(diagnose.CausesOf(a.Row), diagnose.CausesOf(b.Row))
}

// codeGroup shows readings that are alike.
func codeGroup(p *render.Page, group []errorcode.Reading) {
	r := group[0]
	p.Headline("", text.New("%s (%s)", r.Meaning, weightText(r.Weight)))
	var codes []string
	for _, one := range group {
		codes = append(codes, codeLine(p, one))
	}
	rows := below(text.New("code"), codes)
	rows = append(rows,
		render.F(text.New("read as"), p.T(r.Why)),
		render.F(text.New("certainty"), p.T(publishedText(r.Certainty))),
	)
	rows = append(rows, below(text.New("causes"), causeNames(p, diagnose.CausesOf(r.Row)))...)
	p.Fields(append(rows, render.F(text.New("what to do"), playbookLine(p, diagnose.PlaybookOf(r.Row))))...)
}

// codeLine is a code with its name, and whose it is; the id that --vendor takes stands there where the name does not say it.
func codeLine(p *render.Page, r errorcode.Reading) string {
	whose := p.T(errorcode.VendorName(r.Vendor))
	if !strings.Contains(strings.ToLower(whose), r.Vendor) {
		whose = p.T(text.New("%s [%s]", whose, r.Vendor))
	}
	return p.T(text.New("%s: %s, %s", strings.TrimSpace(r.Code+" "+r.Symbol), whose, errorcode.TableName(r.Table)))
}

func weightText(w errorcode.Weight) text.Text {
	switch w {
	case errorcode.High:
		return text.New("likeliest")
	case errorcode.Medium:
		return text.New("well possible")
	}
	return text.New("unlikely")
}

func publishedText(c errorcode.Certainty) text.Text {
	if c == errorcode.Published {
		return text.New("the source states the meaning")
	}
	return text.New("inferred: the source gives the symbol only, or the vendor is a deduction")
}

// below gives rows of which the first has the name.
func below(name text.Text, values []string) []render.Field {
	var rows []render.Field
	for i, v := range values {
		if i > 0 {
			name = text.Raw("")
		}
		rows = append(rows, render.F(name, v))
	}
	return rows
}

// causeNames names causes, the likeliest first.
func causeNames(p *render.Page, all []diagnose.Cause) []string {
	var out []string
	for _, c := range all {
		out = append(out, p.T(text.New("%s (%s)", c.Title(), string(c))))
	}
	return out
}

func playbookLine(p *render.Page, id string) string {
	if id == "" {
		return ""
	}
	return p.T(text.New("poskey diagnose playbook %s", id))
}
