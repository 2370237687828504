package cli

// The report of an incident: the same for Markdown, JSON and the page for browsers.

import (
	"strings"
	"time"

	"poskey/internal/i18n"
	"poskey/internal/text"
	"poskey/pkg/incident"
)

// incidentReport is what a reader may know.
type incidentReport struct {
	say      *i18n.Printer
	view     *incidentView
	now      time.Time
	acquirer bool // no people, no bags, no holders of parts, no free texts but the title and lessons
}

type reportSection struct {
	Title string   `json:"title"`
	Lines []string `json:"lines"`
}

type incidentReportDoc struct {
	ID       string          `json:"id"`
	For      string          `json:"for"`
	Kind     incident.Kind   `json:"kind"`
	State    incident.State  `json:"state"`
	Title    string          `json:"title"`
	Made     time.Time       `json:"made"`
	Head     string          `json:"head"` // hash of the record's last line
	Sections []reportSection `json:"sections"`
}

func newIncidentReport(v *incidentView, reader string) *incidentReport {
	return &incidentReport{v.site.app.Say, v, v.site.app.Env.Now(), reader == readerAcquirer}
}

func (r *incidentReport) reader() string {
	if r.acquirer {
		return readerAcquirer
	}
	return readerAssessor
}

// doc is the report in JSON, which is never translated.
func (r *incidentReport) doc() incidentReportDoc {
	d, plain := r.view.doc, *r
	plain.say = i18n.New(i18n.English)
	return incidentReportDoc{d.Head.ID, r.reader(), d.Head.Kind, d.State(), d.Head.Title, r.now.UTC(), d.Last.String(), plain.sections()}
}

// heading is the report's own.
func (r *incidentReport) heading() string {
	if r.acquirer {
		return r.say.T("Incident %s: report for the acquirer", r.view.doc.Head.ID)
	}
	return r.say.T("Incident %s: report for the assessor", r.view.doc.Head.ID)
}

// lines are the report in Markdown.
func (r *incidentReport) lines() []string {
	all := []string{"# " + r.heading()}
	for _, s := range r.sections() {
		all = append(all, "", "## "+s.Title, "")
		for _, line := range s.Lines {
			all = append(all, "- "+markdown(line))
		}
	}
	return all
}

// markdown keeps what people typed from being read as marks, links or pieces of a page. The box of a step stays one.
func markdown(line string) string {
	box := ""
	for _, mark := range []string{"[ ] ", "[x] ", "[-] "} {
		if rest, ok := strings.CutPrefix(line, mark); ok {
			box, line = mark, rest
		}
	}
	var b strings.Builder
	for i, c := range line {
		if strings.ContainsRune("\\`*_[]<>|~&", c) || i == 0 && strings.ContainsRune("#-+=", c) {
			b.WriteByte('\\')
		}
		b.WriteRune(c)
	}
	return box + b.String()
}

func (r *incidentReport) sections() []reportSection {
	all := []reportSection{{r.say.T("What happened"), r.facts()}, {r.say.T("What falls"), r.falls()}, {r.say.T("What was and is to be done"), r.steps()},
		{r.say.T("Timeline"), r.timeline()}, {r.say.T("Lessons"), r.lessons()}, {r.say.T("About this report"), r.about()}}
	for i := range all {
		if len(all[i].Lines) == 0 {
			all[i].Lines = []string{r.say.T("nothing")}
		}
	}
	return all
}

func (r *incidentReport) facts() []string {
	d := r.view.doc
	sum := d.Summary(r.now)
	all := []string{r.say.T("what: %s", d.Head.Kind.Text()), r.say.T("title: %s", d.Head.Title), r.say.T("state: %s", sum.State.Text()),
		r.say.T("happened: %s", utc(d.Happened())), r.say.T("opened: %s", utc(sum.Opened))}
	for _, it := range d.Subjects() {
		if r.mayKnow(it.What) {
			all = append(all, r.say.T("about: %s", strings.TrimSpace(it.Name+" "+itemNote(r.say.Text, &it))))
		}
	}
	if !sum.Contained.IsZero() {
		all = append(all, r.say.T("contained: %s", utc(sum.Contained)))
	}
	if !sum.Closed.IsZero() {
		all = append(all, r.say.T("closed: %s", utc(sum.Closed)))
	}
	if by, second := d.ClosedBy(); by != "" && !r.acquirer {
		all = append(all, r.say.T("closed by %s and %s", by, second))
	}
	return all
}

func utc(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") }

// mayKnow: who holds what stays in the house.
func (r *incidentReport) mayKnow(what incident.ItemKind) bool {
	return !r.acquirer || what != incident.ItemOfficer && what != incident.ItemBag && what != incident.ItemKnown
}

func (r *incidentReport) falls() []string {
	var all []string
	for _, g := range fallGroups() {
		for _, it := range r.view.items() {
			if it.What == g.what && r.mayKnow(it.What) {
				all = append(all, strings.TrimSpace(r.say.Text(g.name)+" "+it.Name+" "+itemNote(r.say.Text, &it)))
			}
		}
	}
	return all
}

func (r *incidentReport) steps() []string {
	var all []string
	for _, s := range r.view.doc.Steps() {
		state := stepLine(&s, r.now, utc)
		switch {
		case s.Settled() && !r.acquirer:
			state = text.New("%s; %s", settledLine(&s, utc), clauseText(s.Step))
		case s.Done:
			state = text.New("done at %s; %s", utc(s.At), clauseText(s.Step))
		case s.Skipped:
			state = text.New("left out; %s", clauseText(s.Step))
		}
		all = append(all, "["+stepMark(&s)+"] "+r.say.T("%s: %s", s.Text, state))
	}
	return all
}

func (r *incidentReport) timeline() []string {
	var all []string
	for i := range r.view.doc.Records {
		rec := &r.view.doc.Records[i]
		if !r.tells(rec) {
			continue
		}
		t := entryText(rec, !r.acquirer)
		if n := rec.Details[incident.DetailRecord]; n != "" && !r.acquirer {
			t = text.New("%s, record %s of the audit log", t, n)
		}
		all = append(all, utc(rec.Time)+"  "+r.say.Text(t))
	}
	return all
}

// tells: what was noted, left out and kept as evidence stays in the house.
func (r *incidentReport) tells(rec *incident.Record) bool {
	return !r.acquirer || rec.Kind != incident.EntryNote && rec.Kind != incident.EntrySkipped && rec.Kind != incident.EntryEvidence
}

func (r *incidentReport) lessons() []string {
	var all []string
	for _, l := range r.view.doc.Lessons() {
		line := r.say.T("%s (weight %d)", l.Text, l.Weight)
		if l.Fix != "" {
			line += "; " + r.say.T("to be done: %s", l.Fix)
		}
		all = append(all, l.ID+": "+line)
	}
	return all
}

func (r *incidentReport) about() []string {
	d := r.view.doc
	all := []string{r.say.T("made %s from a record of %d lines; the last has the SHA-256 %s", utc(r.now), len(d.Records), d.Last.String()),
		r.say.T("clauses marked unconfirmed were not seen in a published text; times are advice of poskey, not of a rule"),
		r.say.T("there is no key and no component in it")}
	if r.acquirer {
		return append(all, r.say.T("left out: names of people, bags, holders of components, notes and evidence"))
	}
	if r.view.untold > 0 {
		all = append(all, r.say.T("lines that the audit log was not told of yet: %d", r.view.untold))
	}
	return all
}
