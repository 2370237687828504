package cli

// An assessment as it is shown at a terminal.

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"

	"poskey/internal/render"
	"poskey/internal/text"
	"poskey/pkg/assess"
	"poskey/pkg/custody"
)

// The width of a bar, and how many controls without evidence are listed when nobody asked for all.
const (
	barColumns   = 20
	mostUnlisted = 8
)

// assessPage shows the scores, then what is to be done, the heaviest first, then what nobody knows.
func (a *App) assessPage(p *render.Page, r *assess.Report, s *sights, answers string) {
	assessedWhat(p, r, s, answers)
	p.Blank()
	scoresPage(p, r)
	unmetPage(p, r)
	contradictedPage(p, r)
	if len(r.Warnings) > 0 {
		p.Blank()
		p.Heading(text.New("Early warnings: %d", len(r.Warnings)))
		warningsPage(p, r.Warnings)
	}
	changesPage(p, r)
	a.unknownPage(p, r)
}

// assessedWhat says what was looked at, and what was not.
func assessedWhat(p *render.Page, r *assess.Report, s *sights, answers string) {
	none := p.T(text.New("not looked at"))
	log, incidents, asked := none, none, p.T(text.New("none (--answers)"))
	if s.evidence.Log != nil {
		log = p.T(text.New("the last %d days", int(lookedBack/(24*time.Hour))))
	}
	if s.evidence.Incidents != nil {
		incidents = p.T(text.New("%d", len(s.evidence.Incidents)))
	}
	if answers != "" {
		asked = pathWord(answers)
	}
	p.Fields(
		render.F(text.New("assessed at"), clock(r.At)),
		render.F(text.New("site"), r.Of.Site),
		render.F(text.New("terminal"), cmp.Or(r.Of.Device, none)),
		render.F(text.New("store"), cmp.Or(r.Of.Store, none)),
		render.F(text.New("environment"), environmentLine(p, r.Of.Environment)),
		render.F(text.New("audit log"), log),
		render.F(text.New("incidents"), incidents),
		render.F(text.New("questionnaire"), asked),
	)
	for _, d := range s.silent {
		p.Bad(text.New("no answer from %s: %s", d.address, d.err))
	}
}

// scoresPage is a bar for each dimension: what is met, what is not, and what nobody knows.
func scoresPage(p *render.Page, r *assess.Report) {
	var rows [][]string
	add := func(name text.Text, s *assess.Score) {
		score := p.T(text.New("unknown"))
		if percent, known := s.Percent(); known {
			score = strconv.Itoa(percent) + " %"
		}
		if s.Applies == 0 {
			score = "-"
		}
		rows = append(rows, []string{p.T(name), scoreBar(s), score, strconv.Itoa(s.Coverage()) + " %"})
	}
	for i := range r.Scores {
		add(r.Scores[i].Dimension.Text(), &r.Scores[i])
	}
	add(text.New("in all"), &r.Total)
	p.Grid([]text.Text{text.New("dimension"), text.New("# met  - not met  . unknown"), text.New("score"), text.New("known")}, rows)
}

// scoreBar draws points. What is there at all has a column at least, so that nothing small is hidden.
func scoreBar(s *assess.Score) string {
	if s.Applies == 0 {
		return "[" + strings.Repeat(" ", barColumns) + "]"
	}
	met, unmet, unknown := shares(s.Met, s.Known-s.Met, s.Applies-s.Known)
	return "[" + strings.Repeat("#", met) + strings.Repeat("-", unmet) + strings.Repeat(".", unknown) + "]"
}

// shares cuts a bar for three numbers of points, rounded, with one column at least for what is there. What is left over or
// too much is the largest one's.
func shares(points ...int) (met, unmet, unknown int) {
	all, largest, used := 0, 0, 0
	for i, n := range points {
		all += n
		if n > points[largest] {
			largest = i
		}
	}
	columns := make([]int, len(points))
	for i, n := range points {
		columns[i] = (n*barColumns + all/2) / all
		if n > 0 {
			columns[i] = max(1, columns[i])
		}
		used += columns[i]
	}
	columns[largest] += barColumns - used
	return columns[0], columns[1], columns[2]
}

// unmetPage lists what is not met, with what to do.
func unmetPage(p *render.Page, r *assess.Report) {
	all := heaviest(r, assess.NotMet)
	p.Blank()
	switch {
	case r.Total.Known == 0:
		p.Line(text.New("Nothing is known."))
		return
	case len(all) == 0:
		p.Good(text.New("Everything that is known is met."))
		return
	}
	p.Heading(text.New("Not met, the heaviest first: %d", len(all)))
	for _, res := range all {
		c, f := &res.Control, &res.Finding
		p.Headline(controlHead(c), c.Ask)
		seenPage(p, f)
		p.Paragraph(hang, text.New("do: %s", c.Fix))
		if refs := referenceWords(p.T, c); refs != "" {
			p.Paragraph(hang, text.New("see: %s", refs))
		}
	}
}

// hang is the place of what is said below a control's head.
const hang = "    "

// controlHead is its weight and its id.
func controlHead(c *assess.Control) string { return strconv.Itoa(c.Weight) + "   " + c.ID + "  " }

// seenPage says what was seen of a control, or who answered.
func seenPage(p *render.Page, f *assess.Finding) {
	if !f.Found.IsZero() {
		p.Paragraph(hang, text.New("found (%s): %s", evidenceText(f.Origin), f.Found))
	}
	if len(f.Items) > 0 {
		items := strings.Join(f.Items, ", ")
		if f.More > 0 {
			items = p.T(text.New("%s and %d more", items, f.More))
		}
		p.Paragraph(hang, text.Raw(items))
	}
	if f.Origin == assess.FromAnswer && f.By != "" {
		p.Paragraph(hang, text.New("answered by %s on %s", f.By, day(f.At)))
	}
}

func evidenceText(o assess.Origin) text.Text {
	switch o {
	case assess.FromDevice:
		return text.New("terminal")
	case assess.FromStore:
		return text.New("store")
	case assess.FromLog:
		return text.New("audit log")
	case assess.FromHost:
		return text.New("this machine")
	case assess.FromIncidents:
		return text.New("incidents")
	case assess.FromAnswer:
		return text.New("questionnaire")
	}
	return text.Raw(string(o))
}

// referenceWords are where a control comes from; clauses whose text nobody has seen are called so.
func referenceWords(say func(text.Text) string, c *assess.Control) string {
	var all []string
	if c.Lesson != "" {
		all = append(all, say(text.New("a lesson of %s", c.Lesson)))
	}
	for _, ref := range c.Refs {
		word := text.Raw(strings.TrimSpace(ref.Standard + " " + ref.Clause))
		if ref.Clause != "" && !ref.Confirmed {
			word = text.New("%s (unconfirmed)", word)
		}
		all = append(all, say(word))
	}
	return strings.Join(all, "; ")
}

// contradictedPage lists measurements that somebody's word stands against.
func contradictedPage(p *render.Page, r *assess.Report) {
	headed := false
	for i := range r.Results {
		res := &r.Results[i]
		if res.Said == nil {
			continue
		}
		if !headed {
			p.Blank()
			p.Heading(text.New("Answered otherwise than measured (the measurement counts)"))
			headed = true
		}
		p.Paragraph(controlHead(&res.Control), text.New("measured: %s; %s answered on %s: %s", verdictText(res.Finding.Verdict), res.Said.By,
			day(res.Said.On), verdictText(res.Said.Verdict)))
	}
}

func verdictText(v assess.Verdict) text.Text {
	switch v {
	case assess.Met:
		return text.New("met")
	case assess.NotMet:
		return text.New("not met")
	case assess.NotApplicable:
		return text.New("not applicable")
	case assess.NoEvidence:
		return text.New("no evidence")
	}
	return text.New("not asked")
}

// changesPage says what is otherwise than the last time.
func changesPage(p *render.Page, r *assess.Report) {
	if r.Last.IsZero() {
		return
	}
	p.Blank()
	if len(r.Differs) > 0 {
		p.Bad(text.New("the assessment that this one is compared with was of something else (%s)", strings.Join(r.Differs, ", ")))
	}
	if len(r.Changes) == 0 {
		p.Line(text.New("Since the last assessment (%s): no verdict is another one.", clock(r.Last)))
		return
	}
	better, worse := 0, 0
	for _, c := range r.Changes {
		if c.Improved {
			better++
		}
		if c.Worse {
			worse++
		}
	}
	p.Heading(text.New("Since the last assessment (%s): better %d, worse %d", clock(r.Last), better, worse))
	var rows [][]string
	for _, c := range r.Changes {
		mark := " "
		switch {
		case c.Improved:
			mark = "+"
		case c.Worse:
			mark = "-"
		}
		rows = append(rows, []string{mark, c.ID, p.T(verdictText(c.Was)) + " -> " + p.T(verdictText(c.Is))})
	}
	p.Grid([]text.Text{text.Raw(" "), text.New("control"), text.New("verdict")}, rows)
}

// unknownPage lists what has no evidence, the heaviest first, and says how it would get some.
func (a *App) unknownPage(p *render.Page, r *assess.Report) {
	all := heaviest(r, assess.NoEvidence)
	if len(all) == 0 {
		return
	}
	most := len(all)
	if !a.flags.verbose {
		most = min(most, mostUnlisted)
	}
	p.Blank()
	p.Heading(text.New("Without evidence, the heaviest first: %d", len(all)))
	for _, res := range all[:most] {
		p.Paragraph(controlHead(&res.Control), res.Control.Ask)
		if !res.Finding.Found.IsZero() {
			p.Paragraph(hang, res.Finding.Found)
		}
	}
	if most < len(all) {
		p.Paragraph(hang, text.New("and %d more; -v lists them all", len(all)-most))
	}
	p.Blank()
	p.Paragraph("", text.New("Name a terminal (--device) and a store (--store) for what can be measured; what only people can tell is asked by: "+
		"poskey assess questions --answers FILE"))
}

// heaviest gives the results with a verdict, the heaviest first.
func heaviest(r *assess.Report, v assess.Verdict) []*assess.Result {
	var all []*assess.Result
	for i := range r.Results {
		if x := &r.Results[i]; givenVerdict(x) == v {
			all = append(all, x)
		}
	}
	slices.SortStableFunc(all, func(a, b *assess.Result) int { return cmp.Compare(b.Control.Weight, a.Control.Weight) })
	return all
}

// warningsPage lists early warnings.
func warningsPage(p *render.Page, all []assess.Warning) {
	for _, w := range all {
		head := "! "
		if w.Severity == assess.Note {
			head = "  "
		}
		p.Headline(head+p.T(severityText(w.Severity))+"  ", warningText(&w))
		if !w.Fix.IsZero() {
			p.Paragraph(hang, text.New("do: %s", w.Fix))
		}
	}
}

// warningText is a warning in a line. When it bites stands in it.
func warningText(w *assess.Warning) text.Text {
	if w.Subject == "" {
		return w.What
	}
	return text.New("%s: %s", w.Subject, w.What)
}

func severityText(s assess.Severity) text.Text {
	switch s {
	case assess.Urgent:
		return text.New("urgent")
	case assess.Soon:
		return text.New("soon")
	case assess.Note:
		return text.New("note")
	}
	return text.Raw(string(s))
}

func environmentLine(p *render.Page, environment string) string {
	if environment == "" {
		return ""
	}
	return p.T(custody.Environment(environment).Text())
}
