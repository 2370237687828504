package cli

// What to do step by step: the checks and the fix of a cause's page, with commands that can be copied. What is known fills
// their placeholders, as in a walk; nothing that may be a key does.

import (
	"slices"
	"strings"
	"unicode/utf8"

	"poskey/internal/page"
	"poskey/internal/text"
	"poskey/pkg/diagnose"
	"poskey/pkg/playbook"
)

// stepSection is the steps for one cause.
type stepSection struct {
	Cause  string
	Title  string // "" where there is only one cause
	Checks []stepBlock
	Fix    []stepBlock
	Stop   [][]saidPart
	Holes  []saidLine // what the reader puts in the place of the names in braces
}

// stepBlock is a numbered step; without a command it is done by hand.
type stepBlock struct {
	Says    []saidPart
	Command []commandWord
}

// saidPart is a part of a sentence; names of pages and commands stand out.
type saidPart struct {
	Text string
	Code bool
}

// commandWord is an argument, or a flag with its value: lines of a command are broken between them.
type commandWord []commandPart

// commandPart is a part of an argument; a hole is for the reader to fill.
type commandPart struct {
	Text string
	Hole bool
}

// stepsOf gives the steps for the first finding: of both causes, where it has two.
func (p *diagnosisPrinter) stepsOf(r *diagnose.Report) ([]stepSection, error) {
	if len(r.Findings) == 0 || r.Verdict != diagnose.Explained {
		return nil, nil
	}
	book, err := playbook.Open(string(p.in.Lang()))
	if err != nil {
		return nil, err
	}
	f := r.Findings[0]
	var out []stepSection
	for _, cause := range []diagnose.Cause{f.Cause, f.Also} {
		about, ok := book.Page(string(cause))
		if !ok {
			continue
		}
		s := stepSection{Cause: string(cause)}
		if f.Also != "" {
			s.Title = page.Sentence(p.say(cause.Title()))
		}
		var holes []string
		s.Checks, holes = p.stepBlocks(about.Checks, holes)
		s.Fix, holes = p.stepBlocks(about.Fix, holes)
		for _, line := range about.Stop {
			s.Stop = append(s.Stop, saidParts(line))
		}
		for _, name := range holes {
			says, _ := playbook.Describe(name)
			s.Holes = append(s.Holes, saidLine{"{" + name + "}", p.say(says)})
		}
		out = append(out, s)
	}
	return out, nil
}

func (p *diagnosisPrinter) stepBlocks(all []playbook.Step, holes []string) ([]stepBlock, []string) {
	var out []stepBlock
	for _, step := range all {
		b := stepBlock{Says: saidParts(step.Text)}
		if step.Command != "" {
			var left []string
			b.Command, left = p.command(step)
			for _, name := range left {
				if !slices.Contains(holes, name) {
					holes = append(holes, name)
				}
			}
		}
		out = append(out, b)
	}
	return out, holes
}

// mostFilled is how long a value may be that stands in a command, in bytes.
const mostFilled = 300

// command is the command of a step with what is known, and the placeholders that are left.
func (p *diagnosisPrinter) command(step playbook.Step) (words []commandWord, left []string) {
	_, left = step.Fill(p.known)
	for _, hole := range step.Holes {
		value := p.known[hole]
		if !slices.Contains(left, hole) && (len(value) > mostFilled || page.Line(value) != value) {
			left = append(left, hole)
		}
	}
	words = []commandWord{{{Text: "poskey"}}}
	for i, arg := range step.Args {
		word := p.commandWord(arg, step.Holes, left)
		last := len(words) - 1
		if i > 0 && isFlag(step.Args[i-1]) && !isFlag(arg) { // a flag and its value are not torn apart
			words[last] = append(append(words[last], commandPart{Text: " "}), word...)
			continue
		}
		words = append(words, word)
	}
	return words, left
}

func isFlag(arg string) bool { return strings.HasPrefix(arg, "--") }

// commandWord fills an argument and quotes it for a shell, where it needs that and nothing is left to fill in.
func (p *diagnosisPrinter) commandWord(arg string, holes, left []string) commandWord {
	var word commandWord
	filled := arg
	for _, hole := range holes {
		if !slices.Contains(left, hole) {
			filled = strings.ReplaceAll(filled, "{"+hole+"}", p.known[hole])
		}
	}
	rest := filled
	for rest != "" {
		at, name := firstHole(rest, left)
		if at < 0 {
			break
		}
		if at > 0 {
			word = append(word, commandPart{Text: rest[:at]})
		}
		word = append(word, commandPart{Text: "{" + name + "}", Hole: true})
		rest = rest[at+len(name)+2:]
	}
	switch {
	case word == nil:
		return commandWord{{Text: shellWord(filled)}}
	case rest != "":
		word = append(word, commandPart{Text: rest})
	}
	return word
}

func firstHole(s string, names []string) (at int, name string) {
	at = -1
	for _, n := range names {
		if i := strings.Index(s, "{"+n+"}"); i >= 0 && (at < 0 || i < at) {
			at, name = i, n
		}
	}
	return at, name
}

// shellWord is an argument as a shell takes it.
func shellWord(s string) string {
	special := strings.ContainsFunc(s, func(r rune) bool {
		plain := r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z' || r >= utf8.RuneSelf
		return !plain && !strings.ContainsRune("-_./:=,@%+#", r)
	})
	if !special && s != "" && s[0] != '#' {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// saidParts sets what stands in backquotes apart.
func saidParts(s string) []saidPart {
	var out []saidPart
	for i, part := range strings.Split(page.Line(s), "`") {
		if part != "" {
			out = append(out, saidPart{part, i%2 == 1})
		}
	}
	return out
}

// causePages are the ids of the pages on a finding.
func causePages(f diagnose.Finding) []string {
	if f.Also == "" {
		return []string{string(f.Cause)}
	}
	return []string{string(f.Cause), string(f.Also)}
}

// stepWords are the headings of the steps.
type stepWords struct{ Steps, Checks, Fix, Stop, Holes string }

func (p *diagnosisPrinter) stepWords() stepWords {
	return stepWords{Steps: p.say(text.New("Step by step")), Checks: page.Sentence(p.say(text.New("checks"))),
		Fix: page.Sentence(p.say(text.New("fix"))), Stop: page.Sentence(p.say(text.New("stop and call"))),
		Holes: p.say(text.New("To fill in:"))}
}
