package cli

// The page of an incident's report.

import (
	_ "embed" // the page
	"io"

	"poskey/internal/page"
	"poskey/internal/text"
	"poskey/pkg/incident"
)

//go:embed incident.html.tmpl
var incidentHTML string

// incidentSheet is what the template sees.
type incidentSheet struct {
	Tone, Kicker, Heading, Lead string
	Sections                    []reportSection
}

func writeIncidentReport(path string, r *incidentReport) error {
	return writePage(path, func(w io.Writer) error { return incidentHTMLPage(w, r, buildVersion().Version) })
}

func incidentHTMLPage(w io.Writer, r *incidentReport, version string) error {
	t, err := page.New("incident", incidentHTML)
	if err != nil {
		return err
	}
	d := r.view.doc
	sheet := incidentSheet{Tone: incidentTone(d.State()), Kicker: r.say.Text(d.Head.Kind.Text()), Heading: page.Line(r.heading()),
		Lead: page.Line(d.Head.Title)}
	for _, s := range r.sections() {
		one := reportSection{Title: s.Title}
		for _, line := range s.Lines {
			one.Lines = append(one.Lines, text.OneLine(line, 2000))
		}
		sheet.Sections = append(sheet.Sections, one)
	}
	return t.Write(w, page.Frame{Lang: r.say.Lang(), Title: page.Line(r.heading()),
		Foot: []string{r.say.T("poskey %s, %s", version, utc(r.now))}}, sheet)
}

// incidentTone is the colour of the top.
func incidentTone(s incident.State) string {
	switch s {
	case incident.Closed:
		return "good"
	case incident.Contained:
		return "may"
	}
	return "bad"
}
