package cli

// What people read of a ceremony outside of it: findings, fingerprints, how it ended.

import (
	"strconv"
	"strings"

	"poskey/internal/render"
	"poskey/internal/text"
	"poskey/pkg/ceremony/script"
	"poskey/pkg/ceremony/transcript"
	"poskey/pkg/custody"
)

func ceremonyCheckPage(p *render.Page, in *inspection, doc ceremonyCheckDoc, width int) {
	switch {
	case doc.Errors > 0:
		p.Bad(text.New("This ceremony cannot be run: errors %d, warnings %d, notes %d.", doc.Errors, doc.Warnings, doc.Notes))
	case doc.Warnings > 0:
		p.Bad(text.New("This ceremony can be run; its record will have the warnings: %d.", doc.Warnings))
	default:
		p.Good(text.New("This ceremony can be run."))
	}
	p.Fields(
		render.F(text.New("title"), doc.Title),
		render.F(text.New("environment"), p.T(doc.Environment.Text())),
		render.F(text.New("planned"), clock(in.script.Starts)),
		render.F(text.New("steps"), strconv.Itoa(doc.Steps)),
		render.F(text.New("minutes"), strconv.Itoa(doc.Minutes)),
	)
	findingsPage(p, in.findings, width)
	fingerprintOfScript(p, in.script.Fingerprint())
}

// fingerprintOfScript shows what everybody in the room confirms before the first step.
func fingerprintOfScript(p *render.Page, f custody.Fingerprint) {
	p.Blank()
	p.Line(text.New("fingerprint of the script, confirmed by everybody in the room: in words"))
	wordsPage(p, f)
	p.Line(text.New("or in digits"))
	p.Raw("  " + f.Digits())
	p.Line(text.New("and whole"))
	p.Raw("  " + f.Hex()[:len(f.Hex())/2])
	p.Raw("  " + f.Hex()[len(f.Hex())/2+1:])
}

// findingsPage lists findings, the heaviest first. width is that of the terminal; 0 leaves lines whole.
func findingsPage(p *render.Page, all []script.Finding, width int) {
	if len(all) == 0 {
		return
	}
	p.Blank()
	var rows [][]string
	used := 0 // by what stands before the sentence
	for _, l := range []script.Level{script.Error, script.Warning, script.Note} {
		for _, f := range all {
			if f.Level == l {
				row := []string{p.T(l.Text()), f.Requirement, p.T(f.Place())}
				used = max(used, render.Columns(row[0])+len("  PCI PIN 21-2.4  ")+render.Columns(row[2])+len("  "))
				rows = append(rows, append(row, p.T(findingText(f))))
			}
		}
	}
	for i := range rows {
		if width > 0 {
			rows[i][3] = strings.Join(render.Wrap(rows[i][3], max(width-used, leastSentence)), "\n")
		}
	}
	p.Grid([]text.Text{text.New("WEIGHT"), text.New("REQUIREMENT"), text.New("WHERE"), text.New("WHAT")}, rows)
}

// leastSentence is how narrow a column of sentences becomes.
const leastSentence = 30

// findingText says what is wrong, and what to do.
func findingText(f script.Finding) text.Text {
	if f.Fix.IsZero() {
		return f.What
	}
	return text.New("%s; %s", f.What, f.Fix)
}

func ceremonyLedPage(p *render.Page, doc ceremonyLedDoc) {
	if doc.Mode == transcript.Rehearsal {
		p.Heading(text.New("TEST REHEARSAL: its keys are thrown away"))
	}
	stateVerdict(p, doc.State)
	p.Fields(
		render.F(text.New("ceremony"), doc.Ceremony),
		render.F(text.New("environment"), p.T(doc.Environment.Text())),
		render.F(text.New("steps done"), p.T(text.New("%d of %d", doc.StepsDone, doc.Steps))),
		render.F(text.New("deviations"), strconv.Itoa(doc.Deviations)),
		render.F(text.New("signed by"), strings.Join(doc.Signers, " ")),
		render.F(text.New("record"), doc.Record),
	)
	p.Blank()
	if doc.State == transcript.Open {
		p.Line(text.New("go on with:"))
		p.Raw("  poskey ceremony resume " + pathWord(doc.Dir))
		return
	}
	p.Line(text.New("next:"))
	p.Raw("  poskey ceremony verify " + pathWord(doc.Dir))
	p.Raw("  poskey ceremony report " + pathWord(doc.Dir) + " --format pdf")
}

// stateVerdict says how a record ends.
func stateVerdict(p *render.Page, s transcript.State) {
	switch s {
	case transcript.Closed:
		p.Good(text.New("The ceremony is closed and signed."))
	case transcript.Aborted:
		p.Bad(text.New("The ceremony was given up; its record says so."))
	default:
		p.Bad(text.New("The ceremony is not at its end."))
	}
}

// pageWidth is how wide lines of a page may be.
func pageWidth(a *App) int {
	if a.render.Width > 0 {
		return min(a.render.Width, mostWidth) - len("  ")
	}
	return mostWidth
}

// templatesPage lists the templates, each with what it is for and who must be there.
func templatesPage(p *render.Page, width int) {
	for _, t := range script.Templates() {
		p.Heading(text.Raw(string(t.Kind)))
		for _, line := range []text.Text{t.Says, t.Needs} {
			for _, row := range render.Wrap(p.T(line), width) {
				p.Raw("  " + row)
			}
		}
	}
}
