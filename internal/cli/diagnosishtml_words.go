package cli

// The words of the page of a diagnosis.

import (
	"fmt"
	"strings"
	"time"

	"poskey/internal/page"
	"poskey/internal/text"
	"poskey/pkg/diagnose"
)

// diagnosisWords are those of the template.
type diagnosisWords struct {
	Kicker, Compared, What, Expected, Observed, Verdict, Steps, More, Findings, Codes,
	Code, Meaning, Weight, Causes, Notes, RuledOut, Variants, Key, Shows, Happened, Searched, About, Holds, Breaks,
	May, Unseen, Foot string
}

func (p *diagnosisPrinter) words() diagnosisWords {
	say := p.say
	return diagnosisWords{
		Kicker: say(text.New("Diagnosis of keys")), Compared: say(text.New("Expected against observed")),
		What: say(text.New("what")), Expected: say(text.New("expected")), Observed: say(text.New("observed")),
		Verdict: say(text.New("verdict")), Steps: say(text.New("What to do")),
		More: say(text.New("The whole page about it:")), Findings: say(text.New("Findings")),
		Codes: say(text.New("What the codes and texts can mean")), Code: say(text.New("code")),
		Meaning: say(text.New("meaning")), Weight: say(text.New("weight")), Causes: say(text.New("causes")),
		Notes: say(text.New("Good to know")), RuledOut: say(text.New("Ruled out")),
		Variants: say(text.New("If the terminal shows one of these instead, this is what it did")),
		Key:      say(text.New("key")), Shows: say(text.New("shows")), Happened: say(text.New("what happened")),
		Searched: say(text.New("How hard was looked")), About: say(text.New("What was looked at")),
		Holds: say(text.New("holds")), Breaks: say(text.New("breaks")), May: say(text.New("may break")),
		Unseen: say(text.New("not judged")),
		Foot:   say(text.New("This page holds no key: check values and other public values alone.")),
	}
}

// worthText says what a certainty means.
func worthText(c diagnose.Certainty) text.Text {
	switch c {
	case diagnose.Proven:
		return text.New("it explains every value given, or a device says so itself, and nothing else that was tried does")
	case diagnose.Likely:
		return text.New("it is no chance, but something is left unexplained or speaks for another cause too")
	}
	return text.New("it would explain what was seen; nothing proves it")
}

// Odds that are told in figures; what is rarer is told as rarer than that.
const rarest = 1e-12

// oddsText is the chance of an accident in words.
func oddsText(odds float64) text.Text {
	switch {
	case odds >= 1:
		return text.New("it rests on no comparison of values, so that there are no odds")
	case odds <= 0:
		return text.New("it was seen and not computed: no accident")
	case odds < rarest:
		return text.New("less than 1 in %s that this is an accident", inThousands(fmt.Sprintf("%.0f", 1/rarest)))
	}
	return text.New("1 in %s that this is an accident", inThousands(fmt.Sprintf("%.0f", 1/odds)))
}

// inThousands puts commas into a number.
func inThousands(digits string) string {
	var parts []string
	for len(digits) > 3 {
		parts = append([]string{digits[len(digits)-3:]}, parts...)
		digits = digits[:len(digits)-3]
	}
	return strings.Join(append([]string{digits}, parts...), ",")
}

func parityStateText(x diagnose.Parity) text.Text {
	switch x {
	case diagnose.ParityOdd:
		return text.New("every byte odd")
	case diagnose.ParityEven:
		return text.New("every byte even")
	case diagnose.ParityFirst8Odd:
		return text.New("the first 8 bytes odd, the others not")
	case diagnose.ParityMixed:
		return text.New("mixed: not the parity of a key")
	}
	return text.Text{}
}

// about names what the case has; nothing of it is a key.
func (p *diagnosisPrinter) about(c *diagnose.Case) []saidLine {
	var out []saidLine
	add := func(name text.Text, value string) {
		if value != "" {
			out = append(out, saidLine{p.say(name), quoted(value)})
		}
	}
	if s := c.SignIn; s != nil {
		add(text.New("sign-in"), p.say(text.New("field 62 of %d bytes", len(s.Field62))))
		add(text.New("field 60.3"), s.Code)
	}
	if b := c.Block; b != nil {
		add(text.New("key block"), p.say(text.New("version %s, usage %s, %d characters",
			string(b.Header.Version), string(b.Header.Usage), b.Length)))
	}
	if d := c.Device; d != nil {
		add(text.New("model"), d.Model)
		add(text.New("serial number"), inGroups(d.Serial))
		add(text.New("software"), d.Firmware)
		add(text.New("on its screen"), keyless(d.Screen))
	}
	for i, x := range c.Checks {
		if i < mostChecks {
			add(text.New("check value"), strings.TrimSpace(keyless(x.Label)+" "+string(x.Algorithm)))
		}
	}
	for i, x := range c.Said {
		if i < mostChecks {
			add(text.New("said"), keyless(x.Text))
		}
	}
	if n := len(c.Log); n > 0 {
		add(text.New("log"), p.say(text.New("events about keys: %d", n)))
	}
	return out
}

// evidence lists what a finding rests on. Digits of keys are never told here, whatever was asked for elsewhere.
func (p *diagnosisPrinter) evidence(f diagnose.Finding) []saidLine {
	e := f.Evidence
	out := []saidLine{}
	add := func(name text.Text, value string) {
		if value != "" {
			out = append(out, saidLine{p.say(name), page.Line(value)})
		}
	}
	add(text.New("place"), p.places(e.Edits))
	add(text.New("slot"), string(e.Slot))
	add(text.New("key"), strings.TrimSpace(e.Label+" "+e.Key))
	add(text.New("layout"), e.Layout)
	for _, v := range []namedValue{{text.New("expected"), e.Expected}, {text.New("got"), e.Got},
		{text.New("as given"), e.AsGiven}, {text.New("computed"), e.Computed}} {
		add(v.name, inGroups(v.value))
	}
	add(text.New("method"), string(e.Method))
	add(text.New("algorithm"), string(e.Algorithm))
	add(text.New("mode"), strings.TrimSpace(strings.ToUpper(string(e.Mode))+" "+e.Direction))
	add(text.New("variant"), e.Variant)
	add(text.New("data"), inGroups(e.Data))
	add(text.New("parity"), p.say(parityStateText(e.Parity)))
	for _, s := range e.Seen {
		out = append(out, saidLine{quoted(p.say(s.What)), quoted(p.seen(s))})
	}
	if f.Odds > 0 && f.Odds < 1 {
		add(text.New("chance"), p.say(oddsText(f.Odds)))
	}
	return out
}

func (p *diagnosisPrinter) seen(s diagnose.Seen) string {
	expected, observed := p.say(s.Expected), p.say(s.Observed)
	switch {
	case expected != "" && observed != "":
		return p.say(text.New("expected %s, is %s", inGroups(expected), inGroups(observed)))
	case observed != "":
		return page.Line(inGroups(observed))
	}
	return p.say(text.New("seen"))
}

// places names the digits of a finding, piece by piece, without what they are.
func (p *diagnosisPrinter) places(all []diagnose.Edit) string {
	var out []string
	for _, e := range all {
		if e.SwappedWith != 0 && e.SwappedWith < e.Digit && e.Length <= 1 {
			continue // the other half of a pair that was named
		}
		e.Entered, e.Correct = "", ""
		out = append(out, p.say(pieceText(e))+p.say(placeText(e)))
	}
	return strings.Join(out, "; ")
}

func (p *diagnosisPrinter) searched(r *diagnose.Report) []string {
	s := r.Searched
	if s.Candidates == 0 {
		return nil
	}
	out := []string{p.say(text.New("hypotheses tried: %s; so many of them would match by chance if all were wrong: %s",
		inThousands(fmt.Sprint(s.Candidates)), matchesText(s.ExpectedChanceMatches)))}
	if s.WrongDigits > 0 {
		out = append(out, p.say(text.New("wrong digits that were searched together: up to %d", s.WrongDigits)))
	}
	if s.Matches > len(r.Findings) {
		out = append(out, p.say(text.New("slips that match: %d; the likeliest are shown", s.Matches)))
	}
	if s.Elapsed >= time.Millisecond {
		out = append(out, p.say(text.New("it took %s", s.Elapsed.Round(time.Millisecond))))
	}
	return out
}

// fewMatches is the least number of matches by chance that is told in figures.
const fewMatches = 0.001

func matchesText(n float64) text.Text {
	if n < fewMatches {
		return text.New("less than %s", fmt.Sprint(fewMatches))
	}
	return text.Raw(diagnose.RoundedMatches(n))
}
