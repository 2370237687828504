package cli

// Readings of a code as they are shown.

import (
	"strings"

	"poskey/internal/render"
	"poskey/internal/text"
	"poskey/pkg/diagnose"
	"poskey/pkg/errorcode"
)

func newCodeDoc(answer errorcode.Answer) codeDoc {
	doc := codeDoc{Query: answer.Query, Readings: []codeReadingDoc{}, More: answer.More}
	for _, r := range answer.Readings {
		row := codeReadingDoc{Vendor: r.Vendor, Table: r.Table, Code: r.Code, Symbol: r.Symbol, Meaning: r.Meaning.String(), Kind: r.Kind,
			KeyRelated: r.KeyRelated, Certainty: r.Certainty, Weight: r.Weight, Via: r.Via.How, Why: r.Why.String(),
			Playbook: diagnose.PlaybookOf(r.Row)}
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
	for i, r := range answer.Readings {
		if i > 0 {
			p.Blank()
		}
		p.Heading(text.New("%s (%s, %s)", r.Meaning, r.Vendor, weightText(r.Weight)))
		p.Fields(
			render.F(text.New("code"), strings.TrimSpace(r.Code+" "+r.Symbol)),
			render.F(text.New("table"), r.Table),
			render.F(text.New("read as"), p.T(r.Why)),
			render.F(text.New("certainty"), p.T(publishedText(r.Certainty))),
			render.F(text.New("causes"), causeNames(p, diagnose.CausesOf(r.Row))),
			render.F(text.New("what to do"), playbookLine(p, diagnose.PlaybookOf(r.Row))),
		)
	}
	if answer.More > 0 {
		p.Blank()
		p.Line(text.New("more readings: %d (--limit 0 shows all)", answer.More))
	}
	if len(answer.Asks) > 0 {
		p.Blank()
		p.Heading(text.New("what would decide"))
		for _, t := range answer.Asks {
			p.Line(text.New("  %s", t))
		}
	}
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

func causeNames(p *render.Page, all []diagnose.Cause) string {
	var out []string
	for _, c := range all {
		out = append(out, p.T(text.New("%s (%s)", c.Title(), string(c))))
	}
	return strings.Join(out, "; ")
}

func playbookLine(p *render.Page, id string) string {
	if id == "" {
		return ""
	}
	return p.T(text.New("poskey diagnose playbook %s", id))
}
