package cli

// The page of a diagnosis for a browser: everything in one file, no scripts, nothing from elsewhere, no key.

import (
	_ "embed" // the page
	"io"
	"slices"
	"strings"

	"poskey/internal/i18n"
	"poskey/internal/page"
	"poskey/internal/text"
	"poskey/pkg/diagnose"
)

//go:embed diagnosis.html.tmpl
var diagnosisHTML string

// writeDiagnosisHTML writes the page into a new file that only its owner can read. What is known fills the commands on it.
func (a *App) writeDiagnosisHTML(path string, c *diagnose.Case, r diagnose.Report, known map[string]string) error {
	dated := *c
	if dated.Now.IsZero() {
		dated.Now = a.Env.Now()
	}
	return writePage(path, func(w io.Writer) error {
		return diagnosisHTMLPage(w, a.Say, buildVersion().Version, &dated, &r, known)
	})
}

// diagnosisHTMLPage writes the page in the printer's language.
func diagnosisHTMLPage(w io.Writer, say *i18n.Printer, version string, c *diagnose.Case, r *diagnose.Report,
	known map[string]string) error {
	t, err := page.New("diagnosis", diagnosisHTML)
	if err != nil {
		return err
	}
	p := &diagnosisPrinter{in: say, known: known}
	sheet := p.sheet(version, c, r)
	if sheet.ByStep, err = p.stepsOf(r); err != nil {
		return err
	}
	return t.Write(w, page.Frame{Lang: say.Lang(), Title: sheet.Decisive, Foot: sheet.Foot}, sheet)
}

// diagnosisPrinter turns a case and its report into what stands on the page.
type diagnosisPrinter struct {
	in    *i18n.Printer
	known map[string]string // for the commands of the steps
}

// say is a text in the page's language, in characters that can be seen, without anything that looks like a key.
func (p *diagnosisPrinter) say(t text.Text) string {
	if t.IsZero() {
		return ""
	}
	return page.Line(p.in.Text(t))
}

// diagnosisSheet is what the template sees.
type diagnosisSheet struct {
	W        diagnosisWords
	Decisive string
	Summary  string
	Tone     string // good, bad, may
	Worth    string // how sure
	WorthWhy string
	Chance   string
	About    []saidLine
	Chain    string
	Drawings []drawing
	Rows     []comparedRow
	Steps    []saidLine
	Playbook []string // the causes whose pages say more
	Do       stepWords
	ByStep   []stepSection
	Findings []foundBlock
	Readings []readingBlock
	Notes    []string
	RuledOut []string
	Variants []variantRow
	Searched []string
	Foot     []string
}

// saidLine is a name and what is said under it.
type saidLine struct{ Name, Text string }

// foundBlock is a finding.
type foundBlock struct {
	Number  int
	Title   string
	Summary string
	Cause   string
	Worth   string
	Tone    string
	Facts   []saidLine
	Steps   []saidLine // nothing where the same was advised before
	Page    string     // the page that says what to do, in place of the steps
}

type readingBlock struct {
	Code, Symbol, Meaning, Weight, Why, Causes, Where string
}

type variantRow struct {
	Key, Title string
	Values     [][]digitGroup
}

func (p *diagnosisPrinter) sheet(version string, c *diagnose.Case, r *diagnose.Report) diagnosisSheet {
	s := diagnosisSheet{W: p.words(), Do: p.stepWords(), Drawings: p.draw(chainsOf(c, r)),
		Rows:     p.compared(c, r),
		Readings: p.readings(r.Readings), Searched: p.searched(r), About: p.about(c)}
	p.decide(&s, c, r)
	for i := range r.Findings {
		s.Findings = append(s.Findings, p.found(r.Findings, i))
	}
	for _, n := range r.Notes {
		s.Notes = append(s.Notes, page.Sentence(p.say(n)))
	}
	for _, x := range r.RuledOut {
		s.RuledOut = append(s.RuledOut, page.Sentence(p.say(text.New("%s: %s", x.Cause.Title(), x.Reason))))
	}
	if r.Verdict == diagnose.Match {
		s.Variants = p.variants(r.Variants)
	}
	if !c.Now.IsZero() {
		s.Foot = append(s.Foot, p.say(text.New("diagnosed %s", c.Now.UTC().Format("2006-01-02 15:04 UTC"))))
	}
	s.Foot = append(s.Foot, p.say(text.New("poskey, version %s", version)), s.W.Foot)
	return s
}

// decide fills what stands above everything else.
func (p *diagnosisPrinter) decide(s *diagnosisSheet, c *diagnose.Case, r *diagnose.Report) {
	s.Chain = p.say(text.New("Where the chain of keys breaks"))
	switch {
	case len(r.Findings) > 0 && r.Verdict == diagnose.Explained:
		f := r.Findings[0]
		s.Tone = toneOf(f.Certainty)
		s.Decisive, s.Summary = page.Sentence(p.say(causeTitle(f))), page.Sentence(p.say(f.Summary))
		s.Worth, s.WorthWhy = p.say(findingCertainty(f.Certainty)), p.say(worthText(f.Certainty))
		s.Chance = p.say(text.New("%s: %s", text.New("chance"), oddsText(f.Odds)))
		s.Steps, s.Playbook = p.steps(f), causePages(f)
		if f.Certainty == diagnose.Possible {
			s.Chain = p.say(text.New("Where the chain of keys may break"))
		}
	case r.Verdict == diagnose.Match && !r.Besides.IsZero():
		s.Chain = p.say(text.New("The chain of keys"))
		s.Tone, s.Decisive = "may", page.Sentence(p.say(r.Besides))
	case r.Verdict == diagnose.Match:
		s.Chain = p.say(text.New("The chain of keys"))
		s.Tone, s.Decisive = "good", page.Sentence(p.say(rightText(c)))
	default:
		s.Tone, s.Decisive = "bad", page.Sentence(p.say(text.New("not explained")))
		s.Summary = p.say(text.New("Nothing that was tried gives the values."))
		if !r.NextStep.IsZero() {
			s.Steps = []saidLine{{p.say(text.New("next test")), p.say(r.NextStep)}}
		}
	}
}

func toneOf(c diagnose.Certainty) string {
	if c == diagnose.Possible {
		return "may"
	}
	return "bad"
}

func (p *diagnosisPrinter) steps(f diagnose.Finding) []saidLine {
	return filled(
		saidLine{p.say(text.New("next test")), p.say(f.NextTest)},
		saidLine{p.say(text.New("fix")), p.say(f.Fix)},
		saidLine{p.say(text.New("prevention")), p.say(f.Prevention)},
		saidLine{p.say(text.New("impact")), p.say(f.Impact)},
	)
}

// filled drops what says nothing, and makes sentences of the rest.
func filled(all ...saidLine) []saidLine {
	var out []saidLine
	for _, x := range all {
		if x.Text != "" {
			out = append(out, saidLine{page.Sentence(x.Name), page.Sentence(x.Text)})
		}
	}
	return out
}

// mostAdvised is how many findings bring their advice; of further ones that are only possible the page is named.
const mostAdvised = 4

// found is a finding; what is advised for the first one stands above, and for a cause that was named before.
func (p *diagnosisPrinter) found(all []diagnose.Finding, i int) foundBlock {
	f := all[i]
	b := foundBlock{Number: i + 1, Title: page.Sentence(p.say(causeTitle(f))), Summary: page.Sentence(p.say(f.Summary)),
		Cause: causesLine(f),
		Worth: p.say(findingCertainty(f.Certainty)), Tone: toneOf(f.Certainty), Facts: p.evidence(f)}
	for _, before := range all[:i] {
		if slices.Equal(p.evidence(before), b.Facts) {
			b.Facts = nil // what one text or line says for several causes is said once
		}
	}
	for _, before := range all[:i] {
		if before.Cause == f.Cause {
			return b
		}
	}
	switch {
	case i >= mostAdvised && f.Certainty == diagnose.Possible:
		b.Page = string(f.Cause)
	case i > 0:
		b.Steps = p.steps(f)
	}
	return b
}

func (p *diagnosisPrinter) readings(all []diagnose.Reading) []readingBlock {
	var out []readingBlock
	for _, r := range all {
		var causes []string
		for _, c := range r.Causes {
			causes = append(causes, p.say(c.Title()))
		}
		name := strings.Join(strings.Fields(r.Vendor+" "+r.Code), " ")
		out = append(out, readingBlock{Code: page.Line(name), Symbol: page.Line(r.Symbol), Meaning: p.say(r.Meaning), Weight: p.say(weightText(r.Weight)),
			Why: p.say(r.Why), Causes: strings.Join(causes, "; "), Where: page.Line(keyless(r.Where))})
	}
	return out
}

// variants lists the first values of each key and cause, as the table on the terminal does, those of one cause
// together.
func (p *diagnosisPrinter) variants(all []diagnose.Variant) []variantRow {
	var out []variantRow
	rows := map[string]int{}
	for _, v := range all {
		kind := string(v.Key) + " " + string(v.Cause)
		i, known := rows[kind]
		if !known {
			i = len(out)
			rows[kind] = i
			out = append(out, variantRow{Key: string(v.Key), Title: p.say(v.Cause.Title())})
		}
		if len(out[i].Values) < fewVariants {
			out[i].Values = append(out[i].Values, digitsOf(v.Value, ""))
		}
	}
	return out
}
