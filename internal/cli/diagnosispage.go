package cli

// The page of a whole case: the decisive line first, then what was compared, the findings, and what was ruled out.

import (
	"strconv"
	"strings"

	"poskey/internal/render"
	"poskey/internal/text"
	"poskey/pkg/diagnose"
)

// diagnosisPage shows a report; right is what is said where nothing is wrong. Notes come before the findings: some ask what
// decides between them, such as the vendor of a terminal.
func diagnosisPage(p *render.Page, r diagnose.Report, right text.Text) {
	decisiveLine(p, r, right)
	keysPage(p, r.Keys)
	for i, n := range r.Notes {
		if i == 0 {
			p.Blank()
		}
		p.Paragraph("", text.New("note: %s", n))
	}
	causesPage(p, r.Findings)
	ruledOutPage(p, r.RuledOut)
	if r.Verdict == diagnose.Match {
		variantsPage(p, r.Variants)
	}
	searchedPage(p, r)
}

// decisiveLine is what somebody reads who reads one line.
func decisiveLine(p *render.Page, r diagnose.Report, right text.Text) {
	switch {
	case len(r.Findings) > 0 && r.Verdict == diagnose.Explained:
		f := r.Findings[0]
		p.Headline("", text.New("%s: %s; findings: %d", findingCertainty(f.Certainty), causeTitle(f), len(r.Findings)))
	case r.Verdict == diagnose.Match && !r.Besides.IsZero():
		p.Headline("", r.Besides)
	case r.Verdict == diagnose.Match:
		p.Good(right)
	default:
		p.Bad(text.New("not explained"))
	}
}

// causeTitle names the cause of a finding, or both.
func causeTitle(f diagnose.Finding) text.Text {
	if f.Also != "" {
		return text.New("%s, and %s", f.Cause.Title(), f.Also.Title())
	}
	return f.Cause.Title()
}

// keysPage shows the keys of a sign-in.
func keysPage(p *render.Page, all []diagnose.KeyResult) {
	if len(all) == 0 {
		return
	}
	var rows [][]string
	for _, k := range all {
		verdict := p.T(text.New("differs"))
		if k.Match {
			verdict = p.T(text.New("right"))
		}
		rows = append(rows, []string{string(k.Key), k.Layout, string(k.Alg), k.TMK, k.Check, k.Computed, verdict})
	}
	p.Blank()
	p.Grid([]text.Text{text.New("key"), text.New("layout"), text.New("algorithm"), text.New("under"), text.New("in field 62"),
		text.New("computed"), text.New("verdict")}, rows)
}

// fewPossible is how many findings that are merely possible a page shows: what ranks behind is for programs.
const fewPossible = 5

// causesPage shows the findings. What one reading of a text says for several causes is said once, with its causes beneath.
func causesPage(p *render.Page, all []diagnose.Finding) {
	shown := all
	for i, f := range all {
		if i >= fewPossible && f.Certainty == diagnose.Possible {
			shown = all[:i]
			break
		}
	}
	number := 0
	var before *diagnose.Finding
	for _, group := range byReading(p, shown) {
		p.Blank()
		if len(group) == 1 {
			number++
			findingBlock(p, number, before, group[0])
			before = group[0]
			continue
		}
		p.Headline("", group[0].Summary)
		if before == nil || !sameRows(p, *before, *group[0]) {
			p.Fields(findingRows(p, *group[0])...)
		}
		for _, f := range group {
			number++
			causeBlock(p, number, f)
		}
		before = group[len(group)-1]
	}
	if rest := len(all) - len(shown); rest > 0 {
		p.Blank()
		p.Paragraph("", text.New("further causes that are possible: %d (-o json has them)", rest))
	}
}

// byReading puts findings together that one sentence speaks for, each where the first of them stands.
func byReading(p *render.Page, all []diagnose.Finding) [][]*diagnose.Finding {
	each := make([]*diagnose.Finding, len(all))
	for i := range all {
		each[i] = &all[i]
	}
	return grouped(each, func(a, b *diagnose.Finding) bool { return oneReading(p, a, b) })
}

func oneReading(p *render.Page, a, b *diagnose.Finding) bool {
	return a.Cause != b.Cause && p.T(a.Summary) == p.T(b.Summary) && sameRows(p, *a, *b)
}

// causeBlock is a cause beneath the reading that leads to it: what decides, and what to do.
func causeBlock(p *render.Page, number int, f *diagnose.Finding) {
	p.Headline(strconv.Itoa(number)+". ", text.New("%s (%s, %s)", causeTitle(*f), causesLine(*f), findingCertainty(f.Certainty)))
	p.Fields(render.F(text.New("next test"), p.T(f.NextTest)), render.F(text.New("fix"), p.T(f.Fix)))
}

// findingBlock is a finding with all that is known of it; before is the one above it.
func findingBlock(p *render.Page, number int, before, f *diagnose.Finding) {
	p.Headline(strconv.Itoa(number)+". ", text.New("%s (%s, %s)", f.Summary, causesLine(*f), findingCertainty(f.Certainty)))
	rows := findingRows(p, *f)
	if before != nil && sameRows(p, *before, *f) {
		rows = nil // what one text or line says for several causes is said once
	}
	if before == nil || f.Cause != before.Cause || p.T(f.NextTest) != p.T(before.NextTest) {
		rows = append(rows, // what is advised for one finding is not said again for the next
			render.F(text.New("next test"), p.T(f.NextTest)),
			render.F(text.New("fix"), p.T(f.Fix)),
			render.F(text.New("prevention"), p.T(f.Prevention)),
			render.F(text.New("impact"), p.T(f.Impact)),
		)
	}
	p.Fields(rows...)
}

// findingRows is what a finding rests on: its values below each other, so that they can be compared digit by digit.
func findingRows(p *render.Page, f diagnose.Finding) []render.Field {
	e := f.Evidence
	computed := e.Computed
	if computed == e.Expected || computed == e.Got || computed == e.AsGiven {
		computed = "" // it stands there already
	}
	return []render.Field{
		render.F(text.New("place"), placesLine(p, e.Edits)),
		render.F(text.New("expected"), e.Expected),
		render.F(text.New("got"), e.Got),
		render.F(text.New("as given"), e.AsGiven),
		render.F(text.New("computed"), computed),
		render.F(text.New("method"), string(e.Method)),
		render.F(text.New("seen"), seenLine(p, e.Seen)),
		render.F(text.New("chance"), chanceLine(p, f.Odds)),
	}
}

// sameRows reports whether two findings rest on the same that was seen, and on nothing else.
func sameRows(p *render.Page, a, b diagnose.Finding) bool {
	one, other := findingRows(p, a), findingRows(p, b)
	for i := range one {
		if one[i].Value != other[i].Value {
			return false
		}
	}
	return seenLine(p, b.Evidence.Seen) != ""
}

func causesLine(f diagnose.Finding) string {
	if f.Also != "" {
		return string(f.Cause) + " + " + string(f.Also)
	}
	return string(f.Cause)
}

func seenLine(p *render.Page, all []diagnose.Seen) string {
	var parts []string
	for _, s := range all {
		switch {
		case s.Expected.String() != "" && s.Observed.String() != "":
			parts = append(parts, p.T(text.New("%s: expected %s, is %s", s.What, s.Expected, s.Observed)))
		case s.Observed.String() != "":
			parts = append(parts, p.T(text.New("%s: %s", s.What, s.Observed)))
		default:
			parts = append(parts, p.T(s.What))
		}
	}
	return strings.Join(parts, "; ")
}

func ruledOutPage(p *render.Page, all []diagnose.Ruling) {
	if len(all) == 0 {
		return
	}
	p.Blank()
	p.Heading(text.New("ruled out"))
	for _, x := range all {
		p.Paragraph("- ", text.New("%s: %s", x.Cause.Title(), x.Reason))
	}
}

// fewVariants is how many values of one cause a page shows: of thirty-one variants of a key the first three are the ones in use.
const fewVariants = 3

// variantsPage lists what programs show that make a mistake with these keys.
func variantsPage(p *render.Page, all []diagnose.Variant) {
	if len(all) == 0 {
		return
	}
	p.Blank()
	p.Headline("", text.New("if the terminal shows one of these instead, this is what it did"))
	var rows [][]string
	at, told := map[string]int{}, map[string]int{}
	for _, v := range all {
		kind := string(v.Key) + " " + string(v.Cause)
		if told[kind]++; told[kind] > fewVariants {
			continue
		}
		if i, known := at[kind]; known {
			rows[i][1] += " " + v.Value
			continue
		}
		at[kind] = len(rows)
		rows = append(rows, []string{string(v.Key), v.Value, string(v.Cause), p.T(v.Cause.Title())})
	}
	head := []text.Text{text.New("key"), text.New("shows"), text.New("cause"), text.New("what happened")}
	lastWithin(p, head, rows)
	p.Grid(head, rows)
}

// lastWithin breaks the sentences in the last column of a table so that it is no wider than the terminal.
func lastWithin(p *render.Page, head []text.Text, rows [][]string) {
	if p.Room() == 0 || len(rows) == 0 {
		return
	}
	last, room := len(rows[0])-1, p.Room()
	for column := range last {
		wide := render.Columns(p.T(head[column]))
		for _, row := range rows {
			wide = max(wide, render.Columns(row[column]))
		}
		room -= wide + 2 // what stands between columns
	}
	for _, row := range rows {
		row[last] = strings.Join(render.Wrap(row[last], room), "\n")
	}
}

func searchedPage(p *render.Page, r diagnose.Report) {
	s := r.Searched
	if s.Candidates == 0 {
		return
	}
	p.Blank()
	p.Paragraph("", text.New("hypotheses tried: %d; matches expected by chance: %s", s.Candidates,
		diagnose.RoundedMatches(s.ExpectedChanceMatches)))
	if s.Matches > len(r.Findings) {
		p.Paragraph("", text.New("slips that match: %d; the likeliest are shown", s.Matches))
	}
}
