package assess

// The questionnaire: what people answer where nothing can be measured.

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"poskey/internal/fault"
	"poskey/internal/text"
)

// AnswersSchema is the schema of a questionnaire.
const AnswersSchema = "poskey.assess-answers/v1"

// MaxAnswers bounds what is read of a questionnaire, in bytes.
const MaxAnswers = 1 << 20

// maxWords bounds a field of an answer, in characters.
const maxWords = 500

// Answer is what a person said about a control. One without a verdict is not finished, and counts for nothing.
type Answer struct {
	Control  string
	Verdict  Verdict // met, not-met, not-applicable; "" not yet
	By       string  // name or role of who answered
	On       time.Time
	Evidence string // where it can be looked up: a document, a contract, a photograph
	Note     string // why it does not apply, what is missing
}

// AnswerValid is how long an answer counts.
const AnswerValid = 365 * 24 * time.Hour

// Answers are those of a questionnaire, by control.
type Answers struct {
	Site string // what is assessed, in the words of those who answer
	All  []Answer

	remarks map[string][]string // comments that people wrote, by control; "" at the top
}

// about gives the answer about a control; nil when there is none.
func (a *Answers) about(id string) *Answer {
	for i := range a.All {
		if a.All[i].Control == id {
			return &a.All[i]
		}
	}
	return nil
}

// Unknown lists answers to what is not asked: a lesson of an incident whose record is not there, perhaps.
func (a *Answers) Unknown(controls []Control) []string {
	var ids []string
	for i := range a.All {
		id := a.All[i].Control
		if !slices.ContainsFunc(controls, func(c Control) bool { return c.ID == id }) {
			ids = append(ids, id)
		}
	}
	return ids
}

// Set puts an answer in the place of the one about the same control, or at the end. Errors: malformed, as for one that is
// read.
func (a *Answers) Set(one Answer) error {
	if err := one.check(); err != nil {
		return fault.Wrap(err, "answer about %s", plain(one.Control))
	}
	if was := a.about(one.Control); was != nil {
		*was = one
		return nil
	}
	a.All = append(a.All, one)
	return nil
}

// ParseAnswers reads a questionnaire, strictly:
//
//	schema: poskey.assess-answers/v1
//	site: WORDS                        optional
//	answers:
//	  - control: HW-09
//	    verdict: met                   met, not-met or not-applicable; empty: still open
//	    by: WORDS                      needed with a verdict
//	    on: 2026-03-01                 needed with a verdict
//	    evidence: WORDS
//	    note: WORDS                    needed with not-applicable
//
// A field that is not known, a control twice or one that no catalogue has is an error. Entries without any answer are left
// out. Errors: malformed, with line; too_large.
func ParseAnswers(raw []byte) (Answers, error) {
	if len(raw) > MaxAnswers {
		return Answers{}, fault.New(fault.TooLarge, "the questionnaire is larger than %d bytes", MaxAnswers)
	}
	dec := yaml.NewDecoder(bytes.NewReader(raw))
	var doc, more yaml.Node
	if err := dec.Decode(&doc); errors.Is(err, io.EOF) {
		return Answers{}, fault.New(fault.Malformed, "the questionnaire is empty")
	} else if err != nil {
		return Answers{}, noYAML(err)
	}
	if err := dec.Decode(&more); !errors.Is(err, io.EOF) {
		return Answers{}, fault.New(fault.Malformed, "the questionnaire has more than one document")
	}
	a, err := readAnswers(&doc)
	if err != nil {
		return Answers{}, fault.Wrap(err, "questionnaire")
	}
	return a, nil
}

// noYAML takes the line from what the reader says, and nothing else: the rest may be the file's own words.
func noYAML(err error) error {
	_, after, _ := strings.Cut(err.Error(), "line ")
	digits, _, found := strings.Cut(after, ":")
	if line, bad := strconv.Atoi(digits); found && bad == nil {
		return fault.New(fault.Malformed, "the questionnaire is no YAML: line %d", line)
	}
	return fault.New(fault.Malformed, "the questionnaire is no YAML")
}

func readAnswers(doc *yaml.Node) (Answers, error) {
	if doc.Kind != yaml.DocumentNode || len(doc.Content) != 1 {
		return Answers{}, fault.New(fault.Malformed, "it is empty")
	}
	fields, err := mapping(doc.Content[0], "schema", "site", "answers")
	if err != nil {
		return Answers{}, err
	}
	schema, err := words(fields["schema"])
	if err != nil {
		return Answers{}, err
	}
	if schema != AnswersSchema {
		return Answers{}, fault.New(fault.Malformed, "its schema is not %s", AnswersSchema)
	}
	a := Answers{remarks: map[string][]string{}}
	a.remark("", doc, doc.Content[0])
	if a.Site, err = words(fields["site"]); err != nil {
		return Answers{}, err
	}
	entries, err := list(fields["answers"])
	if err != nil {
		return Answers{}, err
	}
	catalogue := Controls(nil)
	seen := map[string]bool{}
	for _, n := range entries {
		one, err := readAnswer(n, catalogue)
		if err == nil && seen[one.Control] {
			err = fault.New(fault.Malformed, "control %s is there twice", one.Control)
		}
		if err != nil {
			return Answers{}, fault.Wrap(err, "line %d", n.Line)
		}
		seen[one.Control] = true
		a.remark(one.Control, n)
		if !one.open() {
			a.All = append(a.All, one)
		}
	}
	return a, nil
}

// remark keeps the comments at nodes, but for those that a questionnaire itself writes. Of lists nothing is looked into.
func (a *Answers) remark(control string, nodes ...*yaml.Node) {
	for _, n := range nodes {
		if n == nil {
			continue
		}
		for line := range strings.Lines(n.HeadComment + "\n" + n.LineComment + "\n" + n.FootComment) {
			if line = tidy(strings.TrimLeft(strings.TrimSpace(line), "#")); line != "" && !isQuestion(line) {
				a.remarks[control] = append(a.remarks[control], line)
			}
		}
		if n.Kind == yaml.MappingNode {
			a.remark(control, n.Content...)
		}
	}
}

// isQuestion: "== law ==", "LW-12 (2/5) Are records ...", "-> set the time ...".
func isQuestion(line string) bool {
	id, rest, _ := strings.Cut(line, " ")
	return strings.HasPrefix(line, "->") || strings.HasPrefix(line, "== ") && strings.HasSuffix(line, " ==") ||
		isControlID(id) && len(rest) > 5 && rest[0] == '(' && rest[2:5] == "/5)"
}

func list(n *yaml.Node) ([]*yaml.Node, error) {
	switch {
	case n == nil || n.Kind == yaml.ScalarNode && n.Tag == "!!null":
		return nil, nil
	case n.Kind != yaml.SequenceNode || n.Anchor != "":
		return nil, fault.New(fault.Malformed, "line %d: answers is no list", n.Line)
	}
	return n.Content, nil
}

func readAnswer(n *yaml.Node, catalogue []Control) (Answer, error) {
	fields, err := mapping(n, "control", "verdict", "by", "on", "evidence", "note")
	if err != nil {
		return Answer{}, err
	}
	var a Answer
	var verdict, on string
	for _, f := range []struct {
		name string
		into *string
	}{{"control", &a.Control}, {"verdict", &verdict}, {"by", &a.By}, {"on", &on}, {"evidence", &a.Evidence}, {"note", &a.Note}} {
		if *f.into, err = words(fields[f.name]); err != nil {
			return Answer{}, fault.Wrap(err, "%s", f.name)
		}
	}
	a.Verdict = Verdict(verdict)
	if on != "" {
		if a.On, err = time.Parse(time.DateOnly, on); err != nil {
			return Answer{}, fault.New(fault.Malformed, "on is no day as 2026-03-01")
		}
	}
	asked := slices.ContainsFunc(catalogue, func(c Control) bool { return c.ID == a.Control })
	if !asked && !isLessonID(a.Control) {
		return Answer{}, fault.New(fault.Malformed, "there is no control %q", plain(a.Control))
	}
	return a, fault.Wrap(a.check(), "control %s", a.Control)
}

// isLessonID: INC-2026-0001-L1. Which lessons there are, the incidents say.
func isLessonID(s string) bool {
	return isControlID(s) && strings.HasPrefix(s, "INC-") && strings.Contains(s, "-L")
}

// open reports that nobody has said anything yet.
func (a *Answer) open() bool {
	return a.Verdict == "" && a.By == "" && a.On.IsZero() && a.Evidence == "" && a.Note == ""
}

func (a *Answer) check() error {
	switch a.Verdict {
	case "", Met, NotMet, NotApplicable:
	case NoEvidence:
		return fault.New(fault.Malformed, "no-evidence is no answer; leave the verdict empty")
	default:
		return fault.New(fault.Malformed, "the verdict is met, not-met or not-applicable, or empty")
	}
	switch {
	case !isControlID(a.Control):
		return fault.New(fault.Malformed, "that is no control's id")
	case a.Verdict != "" && a.By == "":
		return fault.New(fault.Malformed, "a verdict needs the name of who gives it (by)")
	case a.Verdict != "" && a.On.IsZero():
		return fault.New(fault.Malformed, "a verdict needs the day on which it was given (on)")
	case a.Verdict == NotApplicable && a.Note == "":
		return fault.New(fault.Malformed, "what does not apply needs the reason (note)")
	case !a.On.Equal(a.On.UTC().Truncate(day)):
		return fault.New(fault.Malformed, "the answer is of a day, without a time")
	}
	for _, s := range []string{a.By, a.Evidence, a.Note} {
		if err := checkWords(s); err != nil {
			return err
		}
	}
	return nil
}

// checkWords holds what people write to a line that can be shown.
func checkWords(s string) error {
	_, hidden := text.Hide(s)
	switch {
	case utf8.RuneCountInString(s) > maxWords:
		return fault.New(fault.Malformed, "it has more than %d characters", maxWords)
	case s != tidy(s):
		return fault.New(fault.Malformed, "it has characters that cannot be shown")
	case hidden > 0:
		return fault.New(fault.Malformed, "it looks like a key; a questionnaire holds none")
	}
	return nil
}

// tidy makes a line with single blanks.
func tidy(s string) string { return strings.Join(strings.Fields(text.OneLine(s, len(s))), " ") }

// mapping reads the fields of an object. An unknown or repeated field, a reference or a tag is an error.
func mapping(n *yaml.Node, known ...string) (map[string]*yaml.Node, error) {
	if n.Kind != yaml.MappingNode || n.Anchor != "" {
		return nil, fault.New(fault.Malformed, "line %d: there must be fields: %s", n.Line, strings.Join(known, ", "))
	}
	fields := map[string]*yaml.Node{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		name := n.Content[i]
		if name.Kind != yaml.ScalarNode || !slices.Contains(known, name.Value) {
			return nil, fault.New(fault.Malformed, "line %d: unknown field; known: %s", name.Line, strings.Join(known, ", "))
		}
		if fields[name.Value] != nil {
			return nil, fault.New(fault.Malformed, "line %d: %s is there twice", name.Line, name.Value)
		}
		fields[name.Value] = n.Content[i+1]
	}
	return fields, nil
}

// words reads a field of text; one that is not there is empty.
func words(n *yaml.Node) (string, error) {
	switch {
	case n == nil || n.Kind == yaml.ScalarNode && n.Tag == "!!null":
		return "", nil
	case n.Kind != yaml.ScalarNode || n.Anchor != "" || n.Style&yaml.TaggedStyle != 0:
		return "", fault.New(fault.Malformed, "line %d: there must be plain text", n.Line)
	}
	s := tidy(n.Value)
	if err := checkWords(s); err != nil {
		return "", fault.Wrap(err, "line %d", n.Line)
	}
	return s, nil
}

// Questionnaire writes the answers of today with every question that is still open, so that people can go on in a text
// editor; reading it back gives the same answers. Comments that people wrote stay with their question. What poskey measured by itself is not asked: controls are those of
// [Report.ToAsk]. Answers to others stand at the end. Texts are in the language of say.
func Questionnaire(a Answers, controls []Control, say func(c *Control) (ask, fix string)) []byte {
	var w bytes.Buffer
	line := func(parts ...string) { w.WriteString(strings.Join(parts, "") + "\n") }
	remarks := func(control, indent string) {
		for _, r := range a.remarks[control] {
			line(indent, "# ", r)
		}
	}
	remarks("", "")
	line("schema: ", AnswersSchema)
	line("site: ", strconv.Quote(a.Site))
	line("answers:")
	var now Dimension
	for i := range controls {
		c := &controls[i]
		if c.Dimension != now {
			now = c.Dimension
			line("\n  # == ", string(now), " ==")
		}
		ask, fix := say(c)
		line("\n  # ", c.ID, " (", strconv.Itoa(c.Weight), "/5) ", comment(ask))
		line("  #   -> ", comment(fix))
		remarks(c.ID, "  ")
		one := a.about(c.ID)
		if one == nil {
			one = &Answer{Control: c.ID}
		}
		one.write(line)
	}
	for i := range a.All {
		one := &a.All[i]
		if !slices.ContainsFunc(controls, func(c Control) bool { return c.ID == one.Control }) {
			line("")
			remarks(one.Control, "  ")
			one.write(line)
		}
	}
	return w.Bytes()
}

func (a *Answer) write(line func(...string)) {
	on := ""
	if !a.On.IsZero() {
		on = a.On.Format(time.DateOnly)
	}
	line("  - control: ", a.Control)
	for _, f := range [][2]string{{"verdict", string(a.Verdict)}, {"by", a.By}, {"on", on}, {"evidence", a.Evidence}, {"note", a.Note}} {
		line("    ", f[0], ": ", strconv.Quote(f[1]))
	}
}

// comment keeps a sentence in its line.
func comment(s string) string { return tidy(s) }
