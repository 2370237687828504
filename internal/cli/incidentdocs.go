package cli

// Incidents in JSON.

import (
	"strconv"
	"time"

	"poskey/pkg/incident"
)

type incidentsDoc struct {
	Incidents []summaryDoc `json:"incidents"`
}

type summaryDoc struct {
	ID        string         `json:"id"`
	Kind      incident.Kind  `json:"kind,omitempty"`
	State     incident.State `json:"state,omitempty"`
	Title     string         `json:"title,omitempty"`
	Subjects  []string       `json:"subjects"`
	Opened    *time.Time     `json:"opened,omitempty"`
	Contained *time.Time     `json:"contained,omitempty"`
	Closed    *time.Time     `json:"closed,omitempty"`
	StepsLeft int            `json:"steps_left"`
	Overdue   []string       `json:"overdue"`
	Lessons   []lessonDoc    `json:"lessons"`
	Broken    string         `json:"broken,omitempty"`
}

type lessonDoc struct {
	ID     string    `json:"id"`
	Text   string    `json:"text"`
	Fix    string    `json:"fix,omitempty"`
	Weight int       `json:"weight"`
	By     string    `json:"by,omitempty"`
	At     time.Time `json:"at"`
}

func newIncidentsDoc(all []incident.Summary) incidentsDoc {
	d := incidentsDoc{Incidents: []summaryDoc{}}
	for i := range all {
		d.Incidents = append(d.Incidents, newSummaryDoc(&all[i]))
	}
	return d
}

func newSummaryDoc(s *incident.Summary) summaryDoc {
	d := summaryDoc{ID: s.ID, Kind: s.Kind, State: s.State, Title: s.Title, Subjects: append([]string{}, s.Subjects...), Opened: moment(s.Opened),
		Contained: moment(s.Contained), Closed: moment(s.Closed), StepsLeft: s.StepsLeft, Overdue: append([]string{}, s.Overdue...),
		Lessons: []lessonDoc{}}
	for _, l := range s.Lessons {
		d.Lessons = append(d.Lessons, lessonDoc{l.ID, l.Text, l.Fix, l.Weight, l.By, l.At.UTC()})
	}
	if s.Broken != nil {
		d.Broken = s.Broken.Error()
	}
	return d
}

type incidentDoc struct {
	summaryDoc
	Store       string            `json:"store,omitempty"`
	Environment string            `json:"environment,omitempty"`
	Happened    time.Time         `json:"happened"`
	Steps       []incidentStepDoc `json:"steps"`
	Falls       []itemDoc         `json:"falls"`
	Timeline    []timelineDoc     `json:"timeline"`
	Next        []string          `json:"next"`
	ClosedBy    []string          `json:"closed_by"`
	Record      recordDoc         `json:"record"`
}

type incidentStepDoc struct {
	ID        string        `json:"id"`
	Text      string        `json:"text"`
	Who       incident.Role `json:"who"`
	State     string        `json:"state"` // open, done, skipped
	Contains  bool          `json:"contains"`
	Due       *time.Time    `json:"due,omitempty"`
	DueBy     string        `json:"due_by,omitempty"` // whose time it is: advice
	Overdue   bool          `json:"overdue"`
	Clause    string        `json:"clause,omitempty"`
	Confirmed bool          `json:"clause_confirmed"`
	Proof     string        `json:"proof,omitempty"` // said, measured
	By        string        `json:"by,omitempty"`
	At        *time.Time    `json:"at,omitempty"`
	Why       string        `json:"why,omitempty"`
	Seen      string        `json:"seen,omitempty"` // what the inventory says now
	SeenDone  bool          `json:"seen_done"`
	Commands  []string      `json:"commands"`
}

type itemDoc struct {
	What incident.ItemKind `json:"what"`
	Name string            `json:"name"`
	Note string            `json:"note,omitempty"`
}

type timelineDoc struct {
	Line    int                `json:"line"`
	At      time.Time          `json:"at"`
	Kind    incident.EntryKind `json:"kind"`
	By      string             `json:"by"`
	Second  string             `json:"second,omitempty"`
	Step    string             `json:"step,omitempty"`
	Items   int                `json:"items,omitempty"`
	Details map[string]string  `json:"details,omitempty"`
}

// recordDoc is the file itself.
type recordDoc struct {
	Lines  int    `json:"lines"`
	Head   string `json:"head"`
	Untold int    `json:"untold"` // lines that the audit log was not told of
	Torn   int    `json:"torn,omitempty"`
}

func newIncidentDoc(v *incidentView) incidentDoc {
	now := v.site.app.Env.Now()
	sum := v.doc.Summary(now)
	d := incidentDoc{summaryDoc: newSummaryDoc(&sum), Store: v.doc.Head.Store, Environment: v.doc.Head.Environment,
		Happened: v.doc.Happened().UTC(), Steps: []incidentStepDoc{}, Falls: []itemDoc{}, Timeline: []timelineDoc{}, Next: v.next(), ClosedBy: []string{},
		Record: recordDoc{len(v.doc.Records), v.doc.Last.String(), v.untold, v.doc.Torn}}
	for _, s := range v.doc.Steps() {
		d.Steps = append(d.Steps, v.incidentStepDoc(&s, now))
	}
	for _, it := range v.items() {
		d.Falls = append(d.Falls, itemDoc(it))
	}
	for i := range v.doc.Records {
		r := &v.doc.Records[i]
		d.Timeline = append(d.Timeline, timelineDoc{r.N, r.Time, r.Kind, r.By, r.Second, r.Step, len(r.Items), r.Details})
	}
	if by, second := v.doc.ClosedBy(); by != "" {
		d.ClosedBy = []string{by, second}
	}
	return d
}

func (v *incidentView) incidentStepDoc(s *incident.StepState, now time.Time) incidentStepDoc {
	d := incidentStepDoc{ID: s.ID, Text: s.Text.String(), Who: s.Who, State: stepWord(s), Contains: s.Contains, Due: moment(s.Due), Overdue: s.Overdue(now),
		Clause: s.Clause, Confirmed: s.Known, Proof: s.Proof, By: s.By, At: moment(s.At), Why: s.Why, Commands: []string{}}
	if !s.Due.IsZero() {
		d.DueBy = "advice"
	}
	f, ok := v.measured.Steps[s.ID]
	if s.Settled() {
		if ok && !f.Done && !v.isOver(s) { // what was said of it and what is seen are not the same
			d.Seen = f.Why.String()
		}
		return d
	}
	d.Commands = append(d.Commands, v.commands(s.Step)...)
	if ok {
		d.Seen, d.SeenDone = f.Why.String(), f.Done
	}
	return d
}

// stepWord is where a step stands, in one word.
func stepWord(s *incident.StepState) string {
	switch {
	case s.Done:
		return "done"
	case s.Skipped:
		return "skipped"
	}
	return "open"
}

// next are the commands of the first step that is left, or the ones that close.
func (v *incidentView) next() []string {
	if v.doc.State() == incident.Closed {
		return []string{v.here("poskey incident report " + v.doc.Head.ID)}
	}
	for _, s := range v.doc.Steps() {
		if s.Settled() {
			continue
		}
		if f, ok := v.measured.Steps[s.ID]; ok && f.Done {
			continue
		}
		return append(append([]string{}, v.commands(s.Step)...), v.here("poskey incident add "+v.doc.Head.ID+" --step "+s.ID+" --done"))
	}
	if !v.doc.Learned() {
		return []string{v.here("poskey incident add " + v.doc.Head.ID + " --lesson TEXT")}
	}
	return []string{v.here("poskey incident close " + v.doc.Head.ID + " --by NAME --second NAME")}
}

type containDoc struct {
	incidentDoc
	Changed  bool     `json:"changed"`
	Did      []actDoc `json:"did"`
	Proposed []string `json:"proposed,omitempty"`
}

type actDoc struct {
	Act    string `json:"act"`
	Object string `json:"object"`
	Result string `json:"result"` // done, already, failed; planned under --dry-run
	Record uint64 `json:"record,omitempty"`
	Error  string `json:"error,omitempty"`
}

func newActDocs(acts []*containAct) []actDoc {
	all := []actDoc{}
	for _, act := range acts {
		d := actDoc{Act: act.name, Object: act.object, Result: act.result(), Record: act.record}
		if act.record == 0 && act.planned {
			d.Result = "planned"
		}
		if act.err != nil {
			d.Error = act.err.Error()
		}
		all = append(all, d)
	}
	return all
}

// number is a count for people.
func number(n int) string { return strconv.Itoa(n) }
