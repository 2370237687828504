package cli

// Questions of an assessment, asked at the terminal.

import (
	"context"
	"slices"
	"strings"
	"time"

	"poskey/internal/i18n"
	"poskey/internal/render"
	"poskey/internal/text"
	"poskey/pkg/assess"
)

// questions are those that only people can answer, given what was seen.
type questions struct {
	all        []assess.Control
	open       []assess.Control // without an answer that counts, the heaviest first
	unmeasured int              // controls that poskey could measure, if it were shown a terminal or a store
}

// questions finds out what is to be asked: what only people can tell; everything: what nobody measured, too.
func (s *sights) questions(a assess.Answers, everything bool) questions {
	r := s.assessed(a, "")
	var q questions
	q.all, q.unmeasured = r.ToAsk(everything)
	for _, res := range heaviest(&r, assess.NoEvidence) {
		if slices.ContainsFunc(q.all, func(c assess.Control) bool { return c.ID == res.Control.ID }) {
			q.open = append(q.open, res.Control)
		}
	}
	return q
}

// file is the questionnaire as it is written, in the reader's language.
func (q *questions) file(say *i18n.Printer, a assess.Answers) []byte {
	return assess.Questionnaire(a, q.all, func(c *assess.Control) (ask, fix string) { return say.Text(c.Ask), say.Text(c.Fix) })
}

// asking is one walk through the open questions.
type asking struct {
	app   *App
	file  *questionnaire
	by    string
	asked questions
	now   time.Time
	given map[string]assess.Verdict // in this walk
}

// What somebody answers to a question.
const (
	answerYes  = "y"
	answerNo   = "n"
	answerNA   = "a"
	answerBack = "b"
	answerQuit = "q"
	answerHelp = "?"
	answerPass = "s"
)

// run asks until there is no question left. It says whether somebody stopped.
func (d *asking) run(ctx context.Context) (bool, error) {
	d.given = map[string]assess.Verdict{}
	for i := 0; i < len(d.asked.open); {
		c := &d.asked.open[i]
		if err := d.show(c, i); err != nil {
			return false, err
		}
		word, err := d.word(ctx, c)
		if err != nil {
			return false, err
		}
		switch word {
		case answerQuit:
			return true, nil
		case answerBack:
			i = max(0, i-1)
			continue
		case answerYes, answerNo, answerNA:
			done, err := d.take(ctx, c, word)
			if err != nil {
				return false, err
			}
			if !done {
				continue
			}
		}
		i++
	}
	return false, nil
}

// show writes a question.
func (d *asking) show(c *assess.Control, i int) error {
	say := d.app.Say
	lines := []string{"", say.T("%d of %d, %s %s (weight %d)", i+1, len(d.asked.open), c.ID, c.Dimension.Text(), c.Weight)}
	lines = append(lines, d.wrapped(say.Text(c.Ask))...)
	if was := d.given[c.ID]; was != "" {
		lines = append(lines, say.T("answered a moment ago: %s", verdictText(was)))
	}
	return d.app.Console.Show(strings.Join(lines, "\n") + "\n")
}

// word asks until one of the words is typed that a question takes.
func (d *asking) word(ctx context.Context, c *assess.Control) (string, error) {
	for {
		d.app.Console.Discard()
		line, err := d.app.Console.Line(ctx, d.app.Say.T("y yes, n no, a does not apply, s skip, b back, q stop, ? help: "))
		if err != nil {
			return "", err
		}
		word := answered(line)
		if word != answerHelp {
			if word != "" {
				return word, nil
			}
			continue
		}
		if err := d.help(c); err != nil {
			return "", err
		}
	}
}

// help says what to do when the answer is no, and where the question comes from.
func (d *asking) help(c *assess.Control) error {
	lines := d.wrapped(d.app.Say.T("when the answer is no: %s", c.Fix))
	for _, ref := range c.Refs {
		lines = append(lines, d.wrapped(d.app.Say.T("see: %s", strings.TrimSpace(ref.Standard+" "+ref.Clause)))...)
	}
	return d.app.Console.Show(strings.Join(lines, "\n") + "\n")
}

func (d *asking) wrapped(s string) []string {
	return render.Wrap(s, d.app.Console.Width())
}

// answered finds the word that a line stands for; "" for none.
func answered(line string) string {
	line = strings.ToLower(strings.TrimSpace(strings.Map(halfWide, line)))
	for word, others := range map[string][]string{
		answerYes: {"yes", "是"}, answerNo: {"no", "否"}, answerNA: {"na", "n/a", "不适用"}, answerPass: {"skip", "跳过"},
		answerBack: {"back", "返回"}, answerQuit: {"quit", "exit", "stop", "停止", "退出"}, answerHelp: {"help", "h", "帮助"},
	} {
		if line == word || slices.Contains(others, line) {
			return word
		}
	}
	return ""
}

// take asks for what goes with an answer, and puts it on the disk. It reports false when the answer was taken back.
func (d *asking) take(ctx context.Context, c *assess.Control, word string) (bool, error) {
	answer := assess.Answer{Control: c.ID, By: d.by, On: dayOf(d.now)}
	var err error
	switch word {
	case answerYes:
		answer.Verdict = assess.Met
		answer.Evidence, err = d.remark(ctx, text.New("where can that be looked up? (Enter: nowhere in writing) "))
	case answerNo:
		answer.Verdict = assess.NotMet
		answer.Note, err = d.remark(ctx, text.New("what is missing? (Enter: leave it out) "))
	case answerNA:
		answer.Verdict = assess.NotApplicable
		answer.Note, err = d.remark(ctx, text.New("why does it not apply? (Enter: take the answer back) "))
		if err == nil && answer.Note == "" {
			return false, nil
		}
	}
	if err != nil {
		return false, err
	}
	theirs, err := d.file.add(ctx, answer, func(a assess.Answers) []byte { return d.asked.file(d.app.Say, a) })
	switch {
	case err != nil:
		return false, err
	case theirs.Verdict != "":
		return true, d.app.Console.Show(d.app.Say.T("%s has answered this meanwhile: %s; that stays, and yours was not written\n",
			theirs.By, verdictText(theirs.Verdict)))
	}
	d.given[c.ID] = answer.Verdict
	return true, nil
}

// dayOf is the day of a moment by the calendar of who answers, as it is written down.
func dayOf(t time.Time) time.Time {
	year, month, d := t.Local().Date()
	return time.Date(year, month, d, 0, 0, 0, 0, time.UTC)
}

// mostRemark bounds what is said with an answer.
const mostRemark = 500

// remark asks for a sentence, in the open: it is no place for a key.
func (d *asking) remark(ctx context.Context, question text.Text) (string, error) {
	for {
		d.app.Console.Discard()
		said, err := d.app.Console.Line(ctx, d.app.Say.Text(question))
		if err != nil {
			return "", err
		}
		said = text.OneLine(said, mostRemark)
		if text.Redact(said) == said {
			return said, nil
		}
		if err := d.app.Console.Show(d.app.Say.T("that looks like the digits of a key, and is not written down\n")); err != nil {
			return "", err
		}
	}
}
