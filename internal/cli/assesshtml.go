package cli

// The page of an assessment for a browser: what was looked at, how it stands and on what that is known, what to do.

import (
	"cmp"
	_ "embed" // the page
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"poskey/internal/i18n"
	"poskey/internal/page"
	"poskey/internal/text"
	"poskey/pkg/assess"
	"poskey/pkg/custody"
)

//go:embed assess.html.tmpl
var assessHTML string

// writeAssessHTML writes the page into a new file that only its owner can read.
func (a *App) writeAssessHTML(path string, r *assess.Report) error {
	return writePage(path, func(w io.Writer) error { return assessHTMLPage(w, a.Say, buildVersion().Version, r) })
}

// assessHTMLPage writes the page in the printer's language.
func assessHTMLPage(w io.Writer, say *i18n.Printer, version string, r *assess.Report) error {
	t, err := page.New("assessment", assessHTML)
	if err != nil {
		return err
	}
	p := &pagePrinter{say}
	s := p.assessment(r)
	return t.Write(w, p.frame(strings.Join(append([]string{s.Heading}, s.Beside...), " · "), version, r.At), s)
}

// assessSheet is what the template sees.
type assessSheet struct {
	Tone, Kicker, Heading    string
	Beside                   []string // what else was looked at
	W                        assessWords
	Score, Coverage, Meaning string
	Whole                    page.Bar
	Since                    *assessSince // nil where there was none before
	Legend                   []verdictName
	PictureWide              int
	Pictures                 []dimensionPicture
	UnmetTitle, UnmetNone    string
	Unmet                    []unmetBlock
	Warnings                 []warningRow
	Lists                    []controlList
	Notes                    []string
}

type assessWords struct {
	Score, Coverage, Whole, Dimensions, HowToRead, Warnings, Severity, Subject, What, Due, Do, Controls, Control, Asked, Verdict,
	Evidence, Was, Is, Notes string
}

func (p *pagePrinter) assessWords() assessWords {
	say, head := p.say, p.head
	return assessWords{
		Score: say(text.New("met, by weight, of what is known")), Coverage: say(text.New("known, by weight, of what applies")),
		Whole: say(text.New("All that applies, by weight")), Dimensions: say(text.New("The dimensions")),
		HowToRead: say(text.New("A column is a control; it has as many blocks as the control has weight, 1 to 5. The number below is that of the " +
			"control.")),
		Warnings: say(text.New("Early warnings")), Severity: head(text.New("pressing")), Subject: head(text.New("subject")),
		What: head(text.New("what")), Due: head(text.New("due")), Do: head(text.New("what to do")), Controls: say(text.New("All controls")),
		Control: head(text.New("control")), Asked: head(text.New("what is asked")), Verdict: head(text.New("verdict")),
		Evidence: head(text.New("evidence")), Was: head(text.New("was")), Is: head(text.New("is")), Notes: say(text.New("Good to know")),
	}
}

// verdictName is an entry of the legend.
type verdictName struct {
	lookName
	Verdict assess.Verdict
}

// assessSince is the comparison with the assessment before.
type assessSince struct {
	Title, Says string
	Rows        []changeRow
}

// changeRow has the controls whose verdict changed in one way.
type changeRow struct {
	Was, Is, Way  string
	Better, Worse bool
	Controls      []changedControl
}

type changedControl struct {
	ID     string
	Linked bool
}

// unmetBlock is a control that is not met.
type unmetBlock struct {
	controlMark
	Number         int
	Ask, Dimension string
	Facts, Steps   []saidLine
}

// controlMark names a control and its weight.
type controlMark struct {
	ID         string
	Linked     bool
	WeightSays string
	Dots       []weightDot
}

type weightDot struct {
	X  int
	On bool
}

// warningRow is a warning, with all whom it is about.
type warningRow struct {
	Severity             assess.Severity
	Says, What, Due, Fix string
	Subjects             []string
}

// controlList has the controls of a dimension.
type controlList struct {
	Title, Says string
	Rows        []controlRow
}

type controlRow struct {
	controlMark
	Ask, Refs, VerdictSays, Said, Origin string
	Verdict                              assess.Verdict
	Seen                                 []string
}

func (p *pagePrinter) assessment(r *assess.Report) assessSheet {
	s := assessSheet{Kicker: p.assessKicker(r), W: p.assessWords(), PictureWide: pictureWide,
		Tone: assessTone(r), Score: p.percentText(&r.Total), Coverage: fmt.Sprintf("%d %%", r.Total.Coverage()),
		Meaning: p.say(text.New("What nobody knows counts neither for nor against: the two figures are worth something together alone.")),
		Whole:   page.NewBar("whole", p.say(text.New("All that applies, by weight")), 480, 20, p.points(&r.Total)),
		Since:   p.since(r), Pictures: p.dimensionPictures(r), UnmetNone: p.head(text.New("nothing that is known is not met"))}
	for _, v := range verdictOrder() {
		s.Legend = append(s.Legend, verdictName{newLookName(verdictLook(v), p.say(verdictText(v))), v})
	}
	names := p.assessHeadings(&r.Of)
	s.Heading, s.Beside = names[0], names[1:]
	unconfirmed := false
	for i, x := range heaviest(r, assess.NotMet) {
		s.Unmet = append(s.Unmet, p.unmet(i+1, x))
	}
	s.UnmetTitle = p.say(text.New("Not met: %d, the most important first", len(s.Unmet)))
	if len(s.Unmet) == 0 {
		s.UnmetTitle = p.say(text.New("Not met"))
	}
	s.Warnings = p.warningRows(r.Warnings)
	for i := range r.Scores {
		s.Lists = append(s.Lists, p.controlList(&r.Scores[i], r.Results))
	}
	for i := range r.Results {
		for _, ref := range r.Results[i].Control.Refs {
			unconfirmed = unconfirmed || ref.Clause != "" && !ref.Confirmed
		}
	}
	if unconfirmed {
		s.Notes = append(s.Notes, p.say(text.New("Unconfirmed clauses were not seen in the standard itself: look them up before they are quoted.")))
	}
	s.Notes = append(s.Notes, p.say(text.New("A measurement counts before anybody's word; an answer counts for %d days.",
		int(assess.AnswerValid/(24*time.Hour)))))
	return s
}

func (p *pagePrinter) assessKicker(r *assess.Report) string {
	words := []string{p.say(text.New("Security assessment")), r.At.UTC().Format(time.DateOnly)}
	if e := r.Of.Environment; e != "" {
		words = append(words, p.say(custody.Environment(e).Text()))
	}
	return strings.Join(words, " · ")
}

// assessHeadings names what was assessed.
func (p *pagePrinter) assessHeadings(of *assess.Subject) []string {
	var words []string
	add := func(value string, named func(string) text.Text) {
		if value != "" {
			words = append(words, p.say(named(quoted(keyless(value)))))
		}
	}
	add(of.Site, text.Raw)
	add(of.Device, func(s string) text.Text { return text.New("terminal %s", s) })
	add(of.Store, func(s string) text.Text { return text.New("store %s", s) })
	if len(words) == 0 {
		words = append(words, p.say(text.New("this machine"))) // the host is looked at always
	}
	words[0] = page.Sentence(words[0])
	return words
}

// heavy is the weight from which a control that is not met is told in the worst tone.
const heavy = 4

func assessTone(r *assess.Report) string {
	tone := "good"
	if r.Total.Coverage() < 100 {
		tone = "plain"
	}
	for i := range r.Results {
		if x := &r.Results[i]; givenVerdict(x) == assess.NotMet {
			if x.Control.Weight >= heavy {
				return "bad"
			}
			tone = "may"
		}
	}
	return tone
}

func (p *pagePrinter) percentText(s *assess.Score) string {
	if percent, known := s.Percent(); known {
		return fmt.Sprintf("%d %%", percent)
	}
	return p.say(text.New("unknown"))
}

// scoreText tells a score with what it rests on.
func (p *pagePrinter) scoreText(s *assess.Score) string {
	if s.Applies == 0 {
		return p.say(text.New("nothing applies"))
	}
	if _, known := s.Percent(); !known {
		return p.say(text.New("nothing is known"))
	}
	return p.say(text.New("%s met, %s known", p.percentText(s), fmt.Sprintf("%d %%", s.Coverage())))
}

func (p *pagePrinter) points(s *assess.Score) []page.Portion {
	return []page.Portion{{Name: p.say(verdictText(assess.Met)), Count: s.Met, Look: verdictLook(assess.Met)},
		{Name: p.say(verdictText(assess.NotMet)), Count: s.Known - s.Met, Look: verdictLook(assess.NotMet)},
		{Name: p.say(verdictText(assess.NoEvidence)), Count: s.Applies - s.Known, Look: verdictLook(assess.NoEvidence)}}
}

// since says what is otherwise than the last time, the worse first.
func (p *pagePrinter) since(r *assess.Report) *assessSince {
	if r.Last.IsZero() {
		return nil
	}
	s := &assessSince{Title: p.say(text.New("Since the assessment of %s", r.Last.UTC().Format(time.DateOnly)))}
	if len(r.Differs) > 0 {
		s.Title += " · " + p.say(text.New("the assessment that this one is compared with was of something else (%s)", strings.Join(r.Differs, ", ")))
	}
	better, worse := 0, 0
	for _, c := range r.Changes {
		row := changeRow{Was: p.say(verdictText(c.Was)), Is: p.say(verdictText(c.Is)), Way: p.say(text.New("otherwise")), Better: c.Improved, Worse: c.Worse}
		switch {
		case c.Improved:
			better++
			row.Way = p.say(text.New("better"))
		case c.Worse:
			worse++
			row.Way = p.say(text.New("worse"))
		}
		at := slices.IndexFunc(s.Rows, func(o changeRow) bool { return o.Was == row.Was && o.Is == row.Is && o.Way == row.Way })
		if at < 0 {
			at, s.Rows = len(s.Rows), append(s.Rows, row)
		}
		s.Rows[at].Controls = append(s.Rows[at].Controls, changedControl{page.Line(c.ID), hasControl(r, c.ID)})
	}
	slices.SortStableFunc(s.Rows, func(a, b changeRow) int { return cmp.Compare(rank(a), rank(b)) })
	s.Says = p.say(text.New("Better: %d. Worse: %d. Otherwise changed: %d.", better, worse, len(r.Changes)-better-worse))
	if len(s.Rows) == 0 {
		s.Says = p.say(text.New("No verdict is another one."))
	}
	return s
}

func rank(c changeRow) int {
	switch {
	case c.Worse:
		return 0
	case c.Better:
		return 1
	}
	return 2
}

func hasControl(r *assess.Report, id string) bool {
	return slices.ContainsFunc(r.Results, func(x assess.Result) bool { return x.Control.ID == id })
}

// givenVerdict is a verdict; the zero one is no evidence.
func givenVerdict(x *assess.Result) assess.Verdict {
	return cmp.Or(x.Finding.Verdict, assess.NoEvidence)
}

func (p *pagePrinter) mark(c *assess.Control) controlMark {
	m := controlMark{ID: page.Line(c.ID), Linked: true, WeightSays: p.say(text.New("weight %d of %d", c.Weight, heaviestWeight))}
	for i := range heaviestWeight {
		m.Dots = append(m.Dots, weightDot{2 + i*12, i < c.Weight})
	}
	return m
}

func (p *pagePrinter) unmet(number int, x *assess.Result) unmetBlock {
	c := &x.Control
	b := unmetBlock{controlMark: p.mark(c), Number: number, Ask: quoted(p.say(c.Ask)), Dimension: p.say(c.Dimension.Text())}
	for _, seen := range p.seenLines(&x.Finding) {
		b.Facts = append(b.Facts, saidLine{p.head(text.New("found")), seen})
	}
	if len(b.Facts) > 1 {
		b.Facts[len(b.Facts)-1].Name = p.head(text.New("concerns"))
	}
	b.Facts = append(b.Facts, filled(saidLine{p.say(text.New("evidence")), p.originText(&x.Finding)},
		saidLine{p.say(text.New("answered")), p.saidText(x)})...)
	b.Steps = filled(saidLine{p.say(text.New("what to do")), p.say(c.Fix)}, saidLine{p.say(text.New("reference")), referenceWords(p.say, c)})
	return b
}

// seenLines are what was seen, and whom it is about.
func (p *pagePrinter) seenLines(f *assess.Finding) []string {
	var out []string
	if !f.Found.IsZero() {
		out = append(out, page.Sentence(quoted(keyless(p.in.Text(f.Found)))))
	}
	if len(f.Items) == 0 {
		return out
	}
	items := make([]string, 0, len(f.Items))
	for _, item := range f.Items {
		items = append(items, quoted(keyless(item)))
	}
	if f.More > 0 {
		items = append(items, p.say(text.New("and %d more", f.More)))
	}
	return append(out, strings.Join(items, ", "))
}

// originText says where a verdict comes from, by whom and when.
func (p *pagePrinter) originText(f *assess.Finding) string {
	var words []string
	if f.Origin != "" {
		words = append(words, p.say(evidenceText(f.Origin)))
	}
	if f.By != "" {
		words = append(words, quoted(keyless(f.By)))
	}
	if !f.At.IsZero() {
		words = append(words, f.At.UTC().Format(time.DateOnly))
	}
	return strings.Join(words, " · ")
}

// saidText is an answer that stands against a measurement.
func (p *pagePrinter) saidText(x *assess.Result) string {
	if x.Said == nil {
		return ""
	}
	return p.say(text.New("%s answered otherwise on %s: %s; the measurement counts", quoted(keyless(x.Said.By)),
		x.Said.On.UTC().Format(time.DateOnly), verdictText(x.Said.Verdict)))
}

// warningRows puts those that say the same of several under each other.
func (p *pagePrinter) warningRows(all []assess.Warning) []warningRow {
	var rows []warningRow
	for i := range all {
		w := &all[i]
		row := warningRow{Severity: w.Severity, Says: p.say(severityText(w.Severity)), What: page.Sentence(quoted(keyless(p.in.Text(w.What)))),
			Fix: p.head(w.Fix)}
		if !w.Due.IsZero() {
			row.Due = w.Due.UTC().Format(time.DateOnly)
		}
		at := slices.IndexFunc(rows, func(o warningRow) bool {
			return o.Severity == row.Severity && o.What == row.What && o.Due == row.Due && o.Fix == row.Fix
		})
		if at < 0 {
			at, rows = len(rows), append(rows, row)
		}
		rows[at].Subjects = append(rows[at].Subjects, quoted(keyless(w.Subject)))
	}
	return rows
}

func (p *pagePrinter) controlList(s *assess.Score, all []assess.Result) controlList {
	l := controlList{Title: p.head(s.Dimension.Text()), Says: p.scoreText(s)}
	for i := range all {
		x := &all[i]
		if x.Control.Dimension != s.Dimension {
			continue
		}
		l.Rows = append(l.Rows, controlRow{controlMark: p.mark(&x.Control), Ask: quoted(p.say(x.Control.Ask)), Refs: referenceWords(p.say, &x.Control),
			Verdict: givenVerdict(x), VerdictSays: p.say(verdictText(givenVerdict(x))), Seen: p.seenLines(&x.Finding), Said: p.saidText(x),
			Origin: p.originText(&x.Finding)})
	}
	return l
}
