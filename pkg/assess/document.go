package assess

// The form of a report in JSON, and reading an earlier one back.

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strings"
	"time"

	"poskey/internal/fault"
	"poskey/internal/text"
)

// DocumentSchema is the schema of a report; whoever prints a [Document] puts it in front.
const DocumentSchema = "poskey.assess/v1"

// MaxDocument bounds what is read of an earlier report, in bytes.
const MaxDocument = 8 << 20

// Document is a report in JSON. Sentences are English there; times are RFC 3339 in UTC. A percent of null says that nothing
// is known.
type Document struct {
	At         string              `json:"at"`
	Of         DocumentSubject     `json:"of"`
	Total      DocumentScore       `json:"total"`
	Dimensions []DocumentDimension `json:"dimensions"`
	Controls   []DocumentControl   `json:"controls"`
	Warnings   []DocumentWarning   `json:"warnings"`
	Last       string              `json:"last,omitempty"`         // when the assessment was that it is compared with
	Differs    []string            `json:"last_differs,omitempty"` // what that one was not of: device, store, environment, site
	Changes    []DocumentChange    `json:"changes"`
	Unknown    []string            `json:"unknown_answers,omitempty"` // answers to what is not asked
}

// DocumentSubject is what was assessed; empty members were not looked at.
type DocumentSubject struct {
	Device      string `json:"device,omitempty"`
	Store       string `json:"store,omitempty"`
	Site        string `json:"site,omitempty"`
	Environment string `json:"environment,omitempty"`

	Silent []string `json:"silent,omitempty"` // addresses of terminals that gave no account of themselves
}

// DocumentScore is a score in points.
type DocumentScore struct {
	Met      int            `json:"met"`
	Known    int            `json:"known"`
	Applies  int            `json:"applies"`
	Percent  *int           `json:"percent"`
	Coverage int            `json:"coverage"`
	Counts   DocumentCounts `json:"counts"`
}

// DocumentCounts counts controls by verdict.
type DocumentCounts struct {
	Met           int `json:"met"`
	NotMet        int `json:"not_met"`
	NotApplicable int `json:"not_applicable"`
	NoEvidence    int `json:"no_evidence"`
}

// DocumentDimension is the score of a dimension.
type DocumentDimension struct {
	Dimension Dimension `json:"dimension"`
	DocumentScore
}

// DocumentControl is a control with its verdict.
type DocumentControl struct {
	ID         string              `json:"id"`
	Dimension  Dimension           `json:"dimension"`
	Scope      Scope               `json:"scope"`
	Weight     int                 `json:"weight"`
	Measured   bool                `json:"measured"` // poskey can look by itself
	Verdict    Verdict             `json:"verdict"`
	Origin     Origin              `json:"origin,omitempty"`
	Ask        string              `json:"ask"`
	Found      string              `json:"found,omitempty"`
	Items      []string            `json:"items,omitempty"`
	More       int                 `json:"more,omitempty"`
	By         string              `json:"by,omitempty"`
	At         string              `json:"at,omitempty"`
	Fix        string              `json:"fix"`
	References []DocumentReference `json:"references"`
	Lesson     string              `json:"lesson,omitempty"`
	Said       *DocumentAnswer     `json:"said,omitempty"`
}

// DocumentReference is where a control comes from.
type DocumentReference struct {
	Standard  string `json:"standard"`
	Clause    string `json:"clause,omitempty"`
	Confirmed bool   `json:"confirmed"`
}

// DocumentAnswer is what a person said against a measurement.
type DocumentAnswer struct {
	Verdict  Verdict `json:"verdict"`
	By       string  `json:"by"`
	On       string  `json:"on"` // a day
	Evidence string  `json:"evidence,omitempty"`
	Note     string  `json:"note,omitempty"`
}

// DocumentWarning is an early warning; it stands by itself in the answer of `assess watch`.
type DocumentWarning struct {
	ID       string   `json:"id"`
	Severity Severity `json:"severity"`
	Subject  string   `json:"subject,omitempty"`
	What     string   `json:"what"`
	Fix      string   `json:"fix"`
	Due      string   `json:"due,omitempty"`
}

// DocumentChange is a control whose verdict is another one.
type DocumentChange struct {
	ID       string  `json:"id"`
	Was      Verdict `json:"was,omitempty"`
	Is       Verdict `json:"is,omitempty"`
	Improved bool    `json:"improved"`
	Worse    bool    `json:"worse"`
}

// Document gives the report as it is printed in JSON. Lists are never null.
func (r *Report) Document() Document {
	d := Document{At: shown(r.At), Of: DocumentSubject(r.Of), Total: r.Total.document(), Last: shown(r.Last), Differs: slices.Clone(r.Differs),
		Dimensions: []DocumentDimension{}, Controls: []DocumentControl{}, Warnings: Warnings(r.Warnings),
		Changes: []DocumentChange{}, Unknown: slices.Clone(r.Unknown)}
	for i := range r.Scores {
		d.Dimensions = append(d.Dimensions, DocumentDimension{r.Scores[i].Dimension, r.Scores[i].document()})
	}
	for i := range r.Results {
		d.Controls = append(d.Controls, r.Results[i].document())
	}
	for _, c := range r.Changes {
		d.Changes = append(d.Changes, DocumentChange(c))
	}
	return d
}

// Warnings gives early warnings as they are printed in JSON.
func Warnings(all []Warning) []DocumentWarning {
	out := []DocumentWarning{}
	for _, w := range all {
		out = append(out, DocumentWarning{w.ID, w.Severity, w.Subject, english(w.What), english(w.Fix), shown(w.Due)})
	}
	return out
}

func (s *Score) document() DocumentScore {
	d := DocumentScore{Met: s.Met, Known: s.Known, Applies: s.Applies, Coverage: s.Coverage(),
		Counts: DocumentCounts{s.Counts[Met], s.Counts[NotMet], s.Counts[NotApplicable], s.Counts[NoEvidence]}}
	if p, ok := s.Percent(); ok {
		d.Percent = &p
	}
	return d
}

func (r *Result) document() DocumentControl {
	c, f := &r.Control, &r.Finding
	d := DocumentControl{ID: c.ID, Dimension: c.Dimension, Scope: c.Scope, Weight: c.Weight, Measured: c.Measured(),
		Verdict: f.Verdict, Origin: f.Origin, Ask: english(c.Ask), Found: english(f.Found), Items: slices.Clone(f.Items),
		More: f.More, By: f.By, At: shown(f.At), Fix: english(c.Fix), References: []DocumentReference{}, Lesson: c.Lesson}
	for _, ref := range c.Refs {
		d.References = append(d.References, DocumentReference(ref))
	}
	if s := r.Said; s != nil {
		d.Said = &DocumentAnswer{s.Verdict, s.By, s.On.Format(time.DateOnly), s.Evidence, s.Note}
	}
	return d
}

func english(t text.Text) string {
	if t.IsZero() {
		return ""
	}
	return t.String()
}

func shown(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

// ParseDocument reads a report of earlier as `assess` printed it. It is held to be one: schema, time, the verdicts' words,
// no control twice. Members that are not known are passed over, since a later version may have more. Errors: malformed,
// too_large.
func ParseDocument(raw []byte) (Document, error) {
	if len(raw) > MaxDocument {
		return Document{}, fault.New(fault.TooLarge, "the report is larger than %d bytes", MaxDocument)
	}
	var d struct {
		Schema string `json:"schema"`
		Document
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	if err := dec.Decode(&d); err != nil {
		return Document{}, fault.New(fault.Malformed, "it is no report of an assessment in JSON")
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return Document{}, fault.New(fault.Malformed, "more follows after the end of the report")
	}
	if d.Schema != DocumentSchema {
		return Document{}, fault.New(fault.Malformed, "the schema of the report is %q and not %s", text.Redact(text.OneLine(d.Schema, 64)),
			DocumentSchema)
	}
	if err := d.check(); err != nil {
		return Document{}, fault.Wrap(err, "report")
	}
	return d.Document, nil
}

func (d *Document) check() error {
	if _, err := time.Parse(time.RFC3339, d.At); err != nil {
		return fault.New(fault.Malformed, "at is no time as 2026-03-01T08:00:00Z")
	}
	if len(d.Controls) == 0 {
		return fault.New(fault.Malformed, "there is no control in it")
	}
	seen := map[string]bool{}
	for i, c := range d.Controls {
		switch {
		case !isControlID(c.ID):
			return fault.New(fault.Malformed, "control %d has no id", i+1)
		case seen[c.ID]:
			return fault.New(fault.Malformed, "control %s is there twice", c.ID)
		case !slices.Contains(verdictWords(), c.Verdict):
			return fault.New(fault.Malformed, "control %s has no verdict that is known", c.ID)
		}
		seen[c.ID] = true
	}
	return d.checkScores()
}

// checkScores counts anew: where a verdict was changed by hand, the scores do not follow from the verdicts any more. It is
// no proof; who knows how it is counted can change both.
func (d *Document) checkScores() error {
	total := Score{Counts: map[Verdict]int{}}
	parts := map[Dimension]*Score{}
	for i := range d.Controls {
		c := &d.Controls[i]
		r := Result{Control: Control{Weight: c.Weight}, Finding: Finding{Verdict: c.Verdict}}
		if parts[c.Dimension] == nil {
			parts[c.Dimension] = &Score{Counts: map[Verdict]int{}}
		}
		total.add(&r)
		parts[c.Dimension].add(&r)
	}
	wrong := !same(d.Total, total.document())
	for _, of := range d.Dimensions {
		if s := parts[of.Dimension]; s != nil && !same(of.DocumentScore, s.document()) {
			wrong = true
		}
	}
	if wrong {
		return fault.New(fault.Malformed, "its scores do not follow from its verdicts: it was changed after it was made")
	}
	return nil
}

func same(a, b DocumentScore) bool {
	return a.Met == b.Met && a.Known == b.Known && a.Applies == b.Applies && a.Counts == b.Counts
}

// Subject is what the assessment was of.
func (d *Document) Subject() Subject { return Subject(d.Of) }

// Verdicts gives the verdicts by control, for [Report.Compare].
func (d *Document) Verdicts() map[string]Verdict {
	all := map[string]Verdict{}
	for _, c := range d.Controls {
		all[c.ID] = c.Verdict
	}
	return all
}

// Time is when the assessment was.
func (d *Document) Time() time.Time {
	t, err := time.Parse(time.RFC3339, d.At)
	if err != nil {
		return time.Time{}
	}
	return t.UTC()
}

func verdictWords() []Verdict { return []Verdict{Met, NotMet, NotApplicable, NoEvidence} }

// maxControlID is the longest name of a control; those of lessons are the longest.
const maxControlID = 40

// isControlID: capitals, digits and dashes, a letter first.
func isControlID(s string) bool {
	return s != "" && len(s) <= maxControlID && s[0] >= 'A' && s[0] <= 'Z' &&
		strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-") == ""
}
