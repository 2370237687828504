package cli

// The page of a whole case: the decisive line first, then what was compared, the findings, and what was ruled out.

import (
	"strings"

	"poskey/internal/render"
	"poskey/internal/text"
	"poskey/pkg/diagnose"
)

// diagnosisPage shows a report; right is what is said where nothing is wrong.
func diagnosisPage(p *render.Page, r diagnose.Report, right text.Text) {
	decisiveLine(p, r, right)
	keysPage(p, r.Keys)
	causesPage(p, r.Findings)
	for _, n := range r.Notes {
		p.Blank()
		p.Line(text.New("note: %s", n))
	}
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
		p.Heading(text.New("%s: %s; findings: %d", findingCertainty(f.Certainty), causeTitle(f), len(r.Findings)))
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

// causesPage shows the findings.
func causesPage(p *render.Page, all []diagnose.Finding) {
	for i, f := range all {
		if i >= fewPossible && f.Certainty == diagnose.Possible {
			p.Blank()
			p.Line(text.New("further causes that are possible: %d (-o json has them)", len(all)-i))
			return
		}
		p.Blank()
		p.Heading(text.New("%d. %s (%s, %s)", i+1, f.Summary, causesLine(f), findingCertainty(f.Certainty)))
		rows := []render.Field{
			render.F(text.New("place"), placesLine(p, f.Evidence.Edits)),
			render.F(text.New("evidence"), evidenceLine(p, f.Evidence)),
			render.F(text.New("seen"), seenLine(p, f.Evidence.Seen)),
			render.F(text.New("chance"), chanceLine(p, f.Odds)),
		}
		if i == 0 || f.Cause != all[i-1].Cause || p.T(f.NextTest) != p.T(all[i-1].NextTest) {
			rows = append(rows, // what is advised for one finding is not said again for the next
				render.F(text.New("next test"), p.T(f.NextTest)),
				render.F(text.New("fix"), p.T(f.Fix)),
				render.F(text.New("prevention"), p.T(f.Prevention)),
				render.F(text.New("impact"), p.T(f.Impact)),
			)
		}
		p.Fields(rows...)
	}
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
		p.Line(text.New("  %s: %s", x.Cause.Title(), x.Reason))
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
	p.Heading(text.New("if the terminal shows one of these instead, this is what it did"))
	var rows [][]string
	told := map[string]int{}
	for _, v := range all {
		kind := string(v.Key) + string(v.Cause)
		if told[kind]++; told[kind] <= fewVariants {
			rows = append(rows, []string{string(v.Key), v.Value, string(v.Cause), p.T(v.Cause.Title())})
		}
	}
	p.Grid([]text.Text{text.New("key"), text.New("shows"), text.New("cause"), text.New("what happened")}, rows)
}

func searchedPage(p *render.Page, r diagnose.Report) {
	s := r.Searched
	if s.Candidates == 0 {
		return
	}
	p.Blank()
	p.Line(text.New("hypotheses tried: %d; matches expected by chance: %s", s.Candidates, diagnose.RoundedMatches(s.ExpectedChanceMatches)))
	if s.Matches > len(r.Findings) {
		p.Line(text.New("slips that match: %d; the likeliest are shown", s.Matches))
	}
}
