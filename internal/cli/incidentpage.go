package cli

// Incidents for people.

import (
	"slices"
	"strings"
	"time"

	"poskey/internal/render"
	"poskey/internal/text"
	"poskey/pkg/incident"
	"poskey/pkg/store"
)

// incidentsPage lists incidents.
func incidentsPage(all []incident.Summary, now time.Time) func(*render.Page) {
	return func(p *render.Page) {
		if len(all) == 0 {
			p.Line(text.New("There is no incident."))
			return
		}
		var cells [][]string
		for i := range all {
			s := &all[i]
			if s.Broken != nil {
				cells = append(cells, []string{s.ID, "", p.T(text.New("broken")), "", "", ""})
				continue
			}
			left := number(s.StepsLeft)
			if n := len(s.Overdue); n > 0 {
				left += ", " + p.T(text.New("%d late", n))
			}
			cells = append(cells, []string{s.ID, string(s.Kind), p.T(s.State.Text()), day(s.Opened), left, s.Title})
		}
		p.Grid([]text.Text{text.New("incident"), text.New("kind"), text.New("state"), text.New("opened on"), text.New("steps left"),
			text.New("title")}, cells)
		for i := range all {
			if all[i].Broken != nil {
				p.Bad(text.New("%s: %s", all[i].ID, all[i].Broken))
			}
		}
	}
}

// incidentPage shows one.
func incidentPage(p *render.Page, v *incidentView) {
	now := v.site.app.Env.Now()
	sum := v.doc.Summary(now)
	p.Blank()
	p.Fields(
		render.F(text.New("incident"), sum.ID),
		render.F(text.New("what"), p.T(sum.Kind.Text())),
		render.F(text.New("title"), sum.Title),
		render.F(text.New("state"), p.T(sum.State.Text())),
		render.F(text.New("concerns"), strings.Join(sum.Subjects, " ")),
		render.F(text.New("happened at"), clock(v.doc.Happened())),
		render.F(text.New("opened on"), clock(sum.Opened)),
		render.F(text.New("contained"), clock(sum.Contained)),
		render.F(text.New("closed"), clock(sum.Closed)),
		render.F(text.New("closed by"), closers(v.doc)),
		render.F(text.New("record"), p.T(text.New("%d lines, the last has the hash %s", len(v.doc.Records), v.doc.Last.Short()))),
	)
	if v.untold > 0 {
		p.Line(text.New("lines that the audit log was not told of yet: %d", v.untold))
	}
	fallsPage(p, v.items())
	stepsPage(p, v, now)
	timelinePage(p, v.doc)
	lessonsPage(p, v.doc)
	p.Blank()
	for _, line := range v.next() {
		p.Line(text.New("next: %s", line))
	}
}

func closers(d *incident.Document) string {
	by, second := d.ClosedBy()
	return strings.TrimPrefix(strings.Join([]string{by, second}, ", "), ", ")
}

// mostShown bounds how many things of one kind are shown; JSON has them all.
const mostShown = 20

func fallsPage(p *render.Page, items []incident.Item) {
	if len(items) == 0 {
		return
	}
	p.Blank()
	p.Heading(text.New("What falls"))
	for _, group := range fallGroups() {
		n := 0
		for _, it := range items {
			if it.What != group.what {
				continue
			}
			if n == 0 {
				p.Line(group.name)
			}
			if n++; n <= mostShown {
				p.Paragraph("  ", text.Raw(strings.TrimSpace(it.Name+"  "+itemNote(p.T, &it))))
			}
		}
		if n > mostShown {
			p.Line(text.New("  and %d more; -o json has them all", n-mostShown))
		}
	}
}

// itemNote is what a record knows of a thing, which stands there in English. What people wrote stays as it is.
func itemNote(say func(text.Text) string, it *incident.Item) string {
	switch it.What {
	case incident.ItemOfficer, incident.ItemPartner, incident.ItemShared:
		return it.Note
	case incident.ItemDevice: // its model, how it is, and its numbers, and any of them may be missing
		words := strings.Split(it.Note, ", ")
		for i, word := range words {
			if state := store.DeviceState(word); slices.Contains(store.DeviceStates(), state) {
				words[i] = say(deviceStateText(state))
			}
		}
		return strings.Join(words, ", ")
	case incident.ItemKey:
		if note, ok := strings.CutSuffix(it.Note, string(store.DestroyedCompromised)); ok { // people read two words
			return say(text.Known(note + stateText(store.DestroyedCompromised).String()))
		}
	}
	return say(text.Known(it.Note))
}

type fallGroup struct {
	what incident.ItemKind
	name text.Text
}

func fallGroups() []fallGroup {
	return []fallGroup{
		{incident.ItemKey, text.New("keys:")}, {incident.ItemDevice, text.New("terminals:")}, {incident.ItemNumbers, text.New("numbers that went out:")},
		{incident.ItemPartner, text.New("partners, by their zone keys:")}, {incident.ItemKnown, text.New("keys of which parts are known:")},
		{incident.ItemShared, text.New("check values that several terminals have:")}, {incident.ItemLoad, text.New("loads without a known end:")},
		{incident.ItemBag, text.New("other bags of the set, whose parts are void too:")}, {incident.ItemMore, text.New("and more:")},
	}
}

func stepsPage(p *render.Page, v *incidentView, now time.Time) {
	p.Blank()
	p.Heading(text.New("Steps"))
	for i, s := range v.doc.Steps() {
		p.Paragraph(number(i+1)+". ["+stepMark(&s)+"] "+s.ID+": ", s.Text)
		p.Paragraph("   ", stepLine(&s, now, clock))
		if s.Settled() {
			p.Paragraph("   ", settledLine(&s, clock))
			if f, ok := v.measured.Steps[s.ID]; ok && !f.Done && !v.isOver(&s) {
				p.Bad(text.New("now the inventory says: %s", f.Why))
			}
			continue
		}
		if f, ok := v.measured.Steps[s.ID]; ok {
			p.Paragraph("   ", text.New("the inventory says: %s", f.Why))
		}
		for _, line := range v.commands(s.Step) {
			p.Raw("   $ " + line)
		}
	}
}

// isOver tells that nothing more is asked of a settled step: it was left out, or the step after which it need not hold is
// behind, or the incident is closed.
func (v *incidentView) isOver(s *incident.StepState) bool {
	return !s.Done || v.doc.State() == incident.Closed || slices.ContainsFunc(v.doc.Steps(), func(o incident.StepState) bool {
		return o.ID == s.Until && (o.Settled() || v.measured.Steps[o.ID].Done)
	})
}

// stepMark is the box before a step.
func stepMark(s *incident.StepState) string {
	switch {
	case s.Done:
		return "x"
	case s.Skipped:
		return "-"
	}
	return " "
}

// stepLine says who does a step, by when, and what asks for it. A page has times of the reader's place, a report those of UTC.
func stepLine(s *incident.StepState, now time.Time, clock func(time.Time) string) text.Text {
	due := text.New("no time is set")
	switch {
	case s.Overdue(now):
		due = text.New("LATE: it was to be done by %s (advice of poskey)", clock(s.Due))
	case !s.Due.IsZero():
		due = text.New("by %s (advice of poskey)", clock(s.Due))
	}
	return text.New("%s; %s; %s", s.Who.Text(), due, clauseText(s.Step))
}

// clauseText says what asks for a step.
func clauseText(s incident.Step) text.Text {
	switch {
	case s.Clause == "":
		return text.New("advice of poskey")
	case s.Known:
		return text.New("PCI PIN %s", s.Clause)
	}
	return text.New("PCI PIN %s (unconfirmed)", s.Clause)
}

func settledLine(s *incident.StepState, clock func(time.Time) string) text.Text {
	switch {
	case s.Skipped:
		return text.New("skipped by %s at %s: %s", s.By, clock(s.At), s.Why)
	case s.Proof == incident.ProofMeasured:
		return text.New("done, seen by poskey at %s: %s", clock(s.At), text.Known(s.Why))
	case s.Why == "":
		return text.New("done, says %s at %s", s.By, clock(s.At))
	}
	return text.New("done, says %s at %s: %s", s.By, clock(s.At), s.Why)
}

func timelinePage(p *render.Page, d *incident.Document) {
	p.Blank()
	p.Heading(text.New("Timeline"))
	for i := range d.Records {
		p.Paragraph(clock(d.Records[i].Time)+"  ", entryText(&d.Records[i], true))
	}
}

// entryText is a line of the record in a sentence. Without names it says nothing of who, and of records of the audit log.
func entryText(r *incident.Record, names bool) text.Text {
	said := func(t text.Text) text.Text {
		if !names {
			return t
		}
		return text.New("%s (%s)", t, r.By)
	}
	d := r.Details
	switch r.Kind {
	case incident.EntryOpen:
		return said(text.New("opened: %s", r.Head.Title))
	case incident.EntryBlast:
		return text.New("the inventory was asked how much falls: %d", len(r.Items))
	case incident.EntryNote:
		return said(text.New("said: %s", d[incident.DetailText]))
	case incident.EntryDone:
		return said(text.New("step %s is done", r.Step))
	case incident.EntrySkipped:
		return said(text.New("step %s is skipped: %s", r.Step, d[incident.DetailText]))
	case incident.EntryAct:
		return said(actText(d))
	case incident.EntryEvidence:
		return said(text.New("evidence: %s, %s bytes, SHA-256 %s", d[incident.DetailFile], d[incident.DetailBytes], d[incident.DetailSHA256]))
	case incident.EntryLesson:
		return said(text.New("learned: %s", d[incident.DetailText]))
	case incident.EntryNoLesson:
		return said(text.New("nothing was learned: %s", d[incident.DetailText]))
	case incident.EntryClose:
		if !names {
			return text.New("closed by two people")
		}
		return text.New("closed by %s and %s", r.By, r.Second)
	}
	return text.Raw(string(r.Kind))
}

// actText says what poskey did.
func actText(d map[string]string) text.Text {
	act, object := d[incident.DetailAct], d[incident.DetailObject]
	switch d[incident.DetailResult] {
	case incident.ResultDone:
		return text.New("%s %s: done", act, object)
	case incident.ResultAlready:
		return text.New("%s %s: it was so before", act, object)
	}
	return text.New("%s %s: FAILED: %s", act, object, text.Known(d[incident.DetailText]))
}

func lessonsPage(p *render.Page, d *incident.Document) {
	for i, l := range d.Lessons() {
		if i == 0 {
			p.Blank()
			p.Heading(text.New("Lessons"))
		}
		p.Paragraph(l.ID+"  ", text.New("%s (weight %d)", l.Text, l.Weight))
		if l.Fix != "" {
			p.Paragraph("   ", text.New("to be done: %s", l.Fix))
		}
	}
}

// actsPage says what was done and what was not.
func actsPage(p *render.Page, acts []*containAct, left int) {
	for _, act := range acts {
		t := actText(act.entry("").Details)
		if act.err != nil {
			p.Bad(t)
		} else {
			p.Good(t)
		}
	}
	if left > 0 {
		p.Bad(text.New("not done: %d of %d", left, len(acts)))
	}
}
