package cli

// Self-tests as people and programs read them.

import (
	"strconv"
	"strings"

	"poskey/internal/render"
	"poskey/internal/selftest"
	"poskey/internal/text"
)

func selftestDocOf(outcomes []selftest.Outcome, broken string, failed int) selftestDoc {
	doc := selftestDoc{Passed: failed == 0, Broken: broken, Warnings: []selftestWarning{}}
	for _, o := range outcomes {
		item := selftestItem{Name: o.Name, Group: o.Group, Kind: o.Kind, Passed: !o.Failed(), Unknown: o.Unknown, Source: o.Source}
		if o.Failed() {
			item.Error = o.Err.Error()
		}
		if w := o.Warning(); w != nil {
			item.Warning = w.Error()
			doc.Warnings = append(doc.Warnings, selftestWarning{o.Name, w.Error()})
		}
		doc.Checks = append(doc.Checks, item)
	}
	return doc
}

// testTally counts what became of the tests of a group.
type testTally struct{ tests, failed, warnings, unknown int }

func tallyOf(outcomes []selftest.Outcome) (all testTally) {
	for _, o := range outcomes {
		all.tests++
		switch {
		case o.Failed():
			all.failed++
		case o.Warning() != nil:
			all.warnings++
		case o.Unknown != "":
			all.unknown++
		}
	}
	return all
}

// passed is how many passed and nothing else.
func (t testTally) passed() int { return t.tests - t.failed - t.warnings - t.unknown }

func selftestPage(p *render.Page, outcomes []selftest.Outcome, broken string, whole bool) {
	if broken != "" {
		p.Line(text.New("the self-test %s is broken on purpose, in this run alone", broken))
		p.Blank()
	}
	if whole {
		everyTest(p, outcomes)
	} else {
		groupTable(p, outcomes)
	}
	p.Blank()
	all := tallyOf(outcomes)
	for _, o := range outcomes {
		switch {
		case o.Failed():
			p.Bad(text.New("FAILED: %s", o.Name))
			p.Paragraph("  ", text.New("%s: %s", o.What, o.Err))
		case o.Warning() != nil:
			p.Paragraph("", text.New("warning (%s): %s", o.Name, o.Warning()))
		}
	}
	if all.failed > 0 {
		p.Bad(text.New("%d of %d self-tests FAILED; do not use this program", all.failed, all.tests))
		return
	}
	p.Good(text.New("all %d self-tests passed", all.passed()))
}

func groupTable(p *render.Page, outcomes []selftest.Outcome) {
	var rows [][]string
	for _, g := range selftest.Groups() {
		if t := tallyOf(inGroup(outcomes, g)); t.tests > 0 {
			rows = append(rows, []string{p.T(g.Text()), strconv.Itoa(t.tests), t.verdict(p)})
		}
	}
	p.Grid([]text.Text{text.New("GROUP"), text.New("TESTS"), text.New("RESULT")}, rows)
}

func inGroup(outcomes []selftest.Outcome, g selftest.Group) []selftest.Outcome {
	var all []selftest.Outcome
	for _, o := range outcomes {
		if o.Group == g {
			all = append(all, o)
		}
	}
	return all
}

func (t testTally) verdict(p *render.Page) string {
	var words []string
	if t.failed > 0 {
		words = append(words, p.T(text.New("%d FAILED", t.failed)))
	}
	if t.warnings > 0 {
		words = append(words, p.T(text.New("warnings: %d", t.warnings)))
	}
	if t.unknown > 0 {
		words = append(words, p.T(text.New("not known: %d", t.unknown)))
	}
	if t.failed == 0 && t.passed() > 0 {
		words = append([]string{p.T(text.New("ok"))}, words...)
	}
	return strings.Join(words, ", ")
}

// everyTest lists the tests with the sources of their answers.
func everyTest(p *render.Page, outcomes []selftest.Outcome) {
	for i, g := range selftest.Groups() {
		in := inGroup(outcomes, g)
		if len(in) == 0 {
			continue
		}
		if i > 0 {
			p.Blank()
		}
		p.Heading(g.Text())
		for _, o := range in {
			p.Paragraph("  ", text.New("%s: %s (%s)", outcomeWord(o), o.What, o.Name))
			p.Paragraph("      ", text.Raw(o.Source))
			if o.Unknown != "" {
				p.Paragraph("      ", text.Raw(o.Unknown))
			}
		}
	}
}

func outcomeWord(o selftest.Outcome) text.Text {
	switch {
	case o.Failed():
		return text.New("FAILED")
	case o.Warning() != nil:
		return text.New("warning")
	case o.Unknown != "":
		return text.New("not known")
	}
	return text.New("ok")
}
