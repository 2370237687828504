package cli

// The page of an incident's report: a document that is handed over.

import (
	_ "embed" // the page
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"time"

	"poskey/internal/page"
	"poskey/internal/text"
	"poskey/pkg/custody"
	"poskey/pkg/incident"
)

//go:embed incident.html.tmpl
var incidentHTML string

// incidentSheet is what the template sees.
type incidentSheet struct {
	Tone, Kicker, Heading, Lead, State, Late, Reach string
	W                                               incidentWords
	Facts                                           []saidLine
	People                                          []saidLine
	Groups                                          []fallenGroup
	Progress                                        page.Bar
	Steps                                           []incidentStepRow
	Named                                           bool // the timeline says who
	Events                                          []eventRow
	Lessons                                         []lessonBlock
	About                                           []string
}

type incidentWords struct {
	Facts, People, Person, Part, Falls, Steps, Step, State, Who, When, Ref, Events, Time, Event, By, Lessons, About, Nothing, Signs string
	SignColumns, SignRows                                                                                                           []string
}

// fallenGroup has the things of a kind that fall.
type fallenGroup struct {
	Name  string
	Count int
	Items []fallenItem
}

type fallenItem struct{ Name, Note string }

type incidentStepRow struct {
	Number                                 int
	Text, Said, State, Who, Due, When, Ref string
	Class                                  string // done, skipped, late, open
}

// eventRow is an entry of the record; acts of one kind that follow each other share a row.
type eventRow struct {
	Time, Text, By string
	Objects        []string
}

type lessonBlock struct {
	Title string
	Facts []saidLine
}

func writeIncidentReport(path string, r *incidentReport) error {
	return writePage(path, func(w io.Writer) error { return incidentHTMLPage(w, r, buildVersion().Version) })
}

func incidentHTMLPage(w io.Writer, r *incidentReport, version string) error {
	t, err := page.New("incident", incidentHTML)
	if err != nil {
		return err
	}
	p := &incidentPagePrinter{&pagePrinter{r.say}, r}
	s := p.sheet()
	return t.Write(w, p.frame(s.Heading, version, r.now), s)
}

// incidentPagePrinter says what a reader may know, for a page.
type incidentPagePrinter struct {
	*pagePrinter
	r *incidentReport
}

func (p *incidentPagePrinter) sheet() incidentSheet {
	d := p.r.view.doc
	sum := d.Summary(p.r.now)
	s := incidentSheet{Tone: incidentTone(sum.State), Kicker: p.incidentKicker(&d.Head), Heading: page.Line(p.r.heading()),
		Lead: page.Sentence(quoted(keyless(d.Head.Title))), State: p.say(sum.State.Text()), W: p.words(), Facts: p.facts(&sum), Groups: p.groups(),
		Named: !p.r.acquirer, Events: p.events(), Lessons: p.lessons()}
	if n := len(sum.Overdue); n > 0 {
		s.Late = p.say(text.New("%d late", n))
	}
	if !p.r.acquirer {
		s.People = p.people()
	}
	s.Reach = p.reach(s.Groups)
	s.Steps = p.stepRows()
	s.Progress = p.progress(s.Steps)
	for _, line := range p.r.about() {
		s.About = append(s.About, page.Sentence(page.Line(digestsApart(line))))
	}
	return s
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

func (p *incidentPagePrinter) incidentKicker(h *incident.Head) string {
	words := []string{p.say(text.New("Incident report")), p.say(h.Kind.Text())}
	if h.Environment != "" {
		words = append(words, p.say(custody.Environment(h.Environment).Text()))
	}
	return strings.Join(words, " · ")
}

func (p *incidentPagePrinter) words() incidentWords {
	say, head := p.say, p.head
	return incidentWords{
		Facts: say(text.New("What happened")), People: say(text.New("Who took part")), Person: head(text.New("person")),
		Part: head(text.New("part in it")), Falls: say(text.New("Blast radius: what falls with it")),
		Steps: say(text.New("What was and is to be done")), Step: head(text.New("step")), State: head(text.New("state")),
		Who: head(text.New("whose task")), When: say(text.New("When (UTC)")), Ref: head(text.New("reference")), Events: say(text.New("Timeline")),
		Time: say(text.New("Time (UTC)")), Event: head(text.New("what")), By: head(text.New("person")), Lessons: say(text.New("Lessons")),
		About: say(text.New("About this report")), Nothing: head(text.New("nothing")), Signs: say(text.New("Signatures")),
		SignColumns: []string{"", head(text.New("name and role")), head(text.New("date")), head(text.New("signature"))},
		SignRows:    []string{head(text.New("reported by")), head(text.New("checked by")), head(text.New("received by"))},
	}
}

// onPage is a time on a page whose columns say that it is UTC.
func onPage(t time.Time) string { return t.UTC().Format("2006-01-02 15:04") }

func (p *incidentPagePrinter) facts(sum *incident.Summary) []saidLine {
	d := p.r.view.doc
	when := func(name text.Text, at time.Time) saidLine {
		if at.IsZero() {
			return saidLine{}
		}
		return saidLine{p.say(name), utc(at)}
	}
	all := []saidLine{{p.say(text.New("incident number")), page.Line(d.Head.ID)}, {p.say(text.New("kind")), p.say(d.Head.Kind.Text())},
		when(text.New("it happened"), d.Happened()), when(text.New("record opened"), sum.Opened), when(text.New("contained since"), sum.Contained),
		when(text.New("record closed"), sum.Closed), {p.say(text.New("store")), page.Line(d.Head.Store)}}
	for _, what := range []incident.ItemKind{incident.ItemKey, incident.ItemDevice, incident.ItemBag, incident.ItemOfficer} {
		if !p.r.mayKnow(what) {
			continue
		}
		var names []string
		for _, it := range d.Subjects() {
			if it.What == what {
				names = append(names, strings.TrimSpace(quoted(keyless(it.Name))+" "+inBrackets(quoted(keyless(itemNote(p.in.Text, &it))))))
			}
		}
		all = append(all, saidLine{p.say(subjectText(what)), strings.Join(names, ", ")})
	}
	return filled(all...)
}

func inBrackets(s string) string {
	if s == "" {
		return ""
	}
	return "(" + s + ")"
}

func subjectText(what incident.ItemKind) text.Text {
	switch what {
	case incident.ItemKey:
		return text.New("about keys")
	case incident.ItemDevice:
		return text.New("about terminals")
	case incident.ItemBag:
		return text.New("about bags")
	}
	return text.New("about officers")
}

// people says who did what by the record, in the order in which they came.
func (p *incidentPagePrinter) people() []saidLine {
	var order []string
	parts := map[string]map[incident.EntryKind]int{}
	add := func(who string, what incident.EntryKind) {
		if who == "" {
			return
		}
		if parts[who] == nil {
			order, parts[who] = append(order, who), map[incident.EntryKind]int{}
		}
		parts[who][what]++
	}
	for i := range p.r.view.doc.Records {
		rec := &p.r.view.doc.Records[i]
		add(rec.By, rec.Kind)
		add(rec.Second, rec.Kind)
	}
	var all []saidLine
	for _, who := range order {
		all = append(all, saidLine{quoted(keyless(who)), p.partsOf(parts[who])})
	}
	return all
}

func (p *incidentPagePrinter) partsOf(n map[incident.EntryKind]int) string {
	var said []string
	add := func(count int, t text.Text) {
		if count > 0 {
			said = append(said, p.say(t))
		}
	}
	add(n[incident.EntryOpen], text.New("opened the record"))
	acts, steps := n[incident.EntryAct], n[incident.EntryDone]+n[incident.EntrySkipped]
	words := n[incident.EntryNote] + n[incident.EntryEvidence] + n[incident.EntryLesson] + n[incident.EntryNoLesson]
	add(acts, text.New("acts of containment: %d", acts))
	add(steps, text.New("steps settled: %d", steps))
	add(words, text.New("notes, evidence and lessons: %d", words))
	add(n[incident.EntryClose], text.New("closed the record"))
	return page.Sentence(strings.Join(said, "; "))
}

// groups are what falls, by kind.
func (p *incidentPagePrinter) groups() []fallenGroup {
	var all []fallenGroup
	for _, g := range fallGroups() {
		one := fallenGroup{Name: page.Sentence(strings.TrimRight(p.say(g.name), ":："))}
		for _, it := range p.r.view.items() {
			if it.What == g.what && p.r.mayKnow(it.What) {
				one.Items = append(one.Items, fallenItem{quoted(keyless(it.Name)), quoted(keyless(itemNote(p.in.Text, &it)))})
			}
		}
		if one.Count = len(one.Items); one.Count > 0 {
			all = append(all, one)
		}
	}
	return all
}

// reach sums up what falls.
func (p *incidentPagePrinter) reach(groups []fallenGroup) string {
	var said []string
	for _, g := range groups {
		said = append(said, fmt.Sprintf("%s: %d", g.Name, g.Count))
	}
	return strings.Join(said, " · ")
}

func (p *incidentPagePrinter) stepRows() []incidentStepRow {
	var all []incidentStepRow
	for i, s := range p.r.view.doc.Steps() {
		row := incidentStepRow{Number: i + 1, Text: p.head(s.Text), Who: p.head(s.Who.Text()), Ref: p.head(clauseText(s.Step))}
		p.stand(&row, &s)
		if s.Settled() && !p.r.acquirer {
			row.Said = page.Sentence(page.Line(keyless(p.in.Text(settledLine(&s, utc)))))
		}
		all = append(all, row)
	}
	return all
}

// stand fills in where a step stands, and when it was or is to be done.
func (p *incidentPagePrinter) stand(row *incidentStepRow, s *incident.StepState) {
	at := s.At
	switch {
	case s.Done:
		row.Class, row.State = "done", p.say(text.New("done"))
	case s.Skipped:
		row.Class, row.State = "skipped", p.say(text.New("left out"))
	case s.Overdue(p.r.now):
		row.Class, row.State, row.Due, at = "late", p.say(text.New("late")), p.head(text.New("was due")), s.Due
	default:
		row.Class, row.State, row.Due, at = "open", p.say(text.New("to be done")), p.head(text.New("due")), s.Due
	}
	if at.IsZero() {
		row.Due = p.head(text.New("no time is set"))
		return
	}
	row.When = onPage(at)
}

func (p *incidentPagePrinter) progress(rows []incidentStepRow) page.Bar {
	count := func(class string) int {
		n := 0
		for i := range rows {
			if rows[i].Class == class {
				n++
			}
		}
		return n
	}
	return page.NewBar("steps", p.say(text.New("Steps")), 480, 20, []page.Portion{
		{Name: p.say(text.New("done")), Count: count("done"), Look: page.Full}, {Name: p.say(text.New("left out")), Count: count("skipped"), Look: page.Faint},
		{Name: p.say(text.New("to be done")), Count: count("open"), Look: page.Half}, {Name: p.say(text.New("late")), Count: count("late"), Look: page.Striped}})
}

// events are the timeline. What one person did in one go to many things is one event.
func (p *incidentPagePrinter) events() []eventRow {
	var all []eventRow
	records := p.r.view.doc.Records
	for i := 0; i < len(records); {
		rec, n := &records[i], 1
		if !p.r.tells(rec) {
			i++
			continue
		}
		for i+n < len(records) && together(rec, &records[i+n]) {
			n++
		}
		all = append(all, p.event(records[i:i+n]))
		i += n
	}
	return all
}

// together tells entries that belong to one event: the same act on the next thing, or what did not fit into the line above.
func together(a, b *incident.Record) bool {
	if a.Kind != b.Kind {
		return false
	}
	switch a.Kind {
	case incident.EntryAct:
		same := func(name string) bool { return a.Details[name] == b.Details[name] }
		return a.By == b.By && same(incident.DetailAct) && same(incident.DetailResult) && same(incident.DetailText) &&
			onPage(a.Time) == onPage(b.Time)
	case incident.EntryBlast:
		return onPage(a.Time) == onPage(b.Time)
	}
	return false
}

func (p *incidentPagePrinter) event(of []incident.Record) eventRow {
	first := &of[0]
	row := eventRow{Time: onPage(first.Time)}
	if !p.r.acquirer {
		row.By = strings.Trim(quoted(keyless(first.By))+", "+quoted(keyless(first.Second)), ", ")
	}
	t := entryText(first, false)
	switch {
	case first.Kind == incident.EntryBlast:
		t = text.New("the inventory was asked how much falls: %d", lastLook(of))
	case len(of) > 1:
		var objects []string
		for i := range of {
			objects = append(objects, page.Line(of[i].Details[incident.DetailObject]))
		}
		row.Objects = objects
		t = actText(actOn(first.Details, p.say(text.New("%d things", len(of)))))
	}
	said := page.Sentence(page.Line(keyless(p.in.Text(t))))
	if d := first.Details; first.Kind == incident.EntryEvidence {
		said = p.head(text.New("evidence: %s, %s bytes, SHA-256 %s", quoted(keyless(d[incident.DetailFile])), d[incident.DetailBytes],
			digestsApart(d[incident.DetailSHA256])))
	}
	if records := p.auditRecords(of); records != "" {
		said += " · " + records
	}
	row.Text = said
	return row
}

// actOn is an act on something else.
func actOn(details map[string]string, object string) map[string]string {
	return map[string]string{incident.DetailAct: details[incident.DetailAct], incident.DetailResult: details[incident.DetailResult],
		incident.DetailText: details[incident.DetailText], incident.DetailObject: object}
}

// lastLook is how many things fell when the inventory was asked last; a look takes several lines where there are many.
func lastLook(of []incident.Record) int {
	n := 0
	for i := range of {
		if of[i].Details[incident.DetailCause] != incident.CauseMore {
			n = 0
		}
		n += len(of[i].Items)
	}
	return n
}

// auditRecords says where in the audit log the acts stand; that is for who may read the log.
func (p *incidentPagePrinter) auditRecords(of []incident.Record) string {
	first, last := of[0].Details[incident.DetailRecord], of[len(of)-1].Details[incident.DetailRecord]
	switch {
	case p.r.acquirer || first == "":
		return ""
	case first == last:
		return p.say(text.New("record %s of the audit log", first))
	}
	return p.say(text.New("records %s to %s of the audit log", first, last))
}

func (p *incidentPagePrinter) lessons() []lessonBlock {
	var all []lessonBlock
	for _, l := range p.r.view.doc.Lessons() {
		all = append(all, lessonBlock{page.Line(l.ID) + " · " + quoted(keyless(l.Text)), filled(
			saidLine{p.say(text.New("what to do")), quoted(keyless(l.Fix))},
			saidLine{p.say(text.New("weight")), strconv.Itoa(l.Weight) + " / " + strconv.Itoa(heaviestWeight)})})
	}
	return all
}

// digestsApart writes the digests in a line in groups.
func digestsApart(s string) string {
	return regexp.MustCompile(`\b[0-9A-F]{64}\b`).ReplaceAllStringFunc(s, func(digits string) string { return apart(digits, digestGroup) })
}
