package cli

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"poskey/internal/fault"
	"poskey/internal/render"
	"poskey/internal/text"
)

type assessAnswerOpts struct {
	lookOpts
	answers, by string
	all         bool
}

func newAssessAnswerCmd(a *App) *cobra.Command {
	o := assessAnswerOpts{}
	cmd := a.command(cmdSpec{
		use:   "answer",
		short: text.New("answer the open questions of a questionnaire, one after the other, at the terminal"),
		long: text.New("Every answer is on the disk, with your name and the day, before the next question: stop whenever you want, and go on later.\n" +
			"y is yes, n is no, a says that the question does not apply here (and asks why), s skips it, b goes back to the one before,\n" +
			"q stops, ? shows what to do when the answer is no."),
		example: "  poskey assess answer --answers site.yaml --by 'security officer'",
		exits:   []int{3, 4, 6, 8, 9}, args: cobra.NoArgs,
	})
	f := cmd.Flags()
	a.lookFlags(f, &o.lookOpts)
	f.StringVar(&o.answers, "answers", "", a.Say.T("file of the questionnaire (YAML); made when it is not there"))
	f.StringVar(&o.by, "by", "", a.Say.T("name or role of who answers; it stands with every answer"))
	f.BoolVar(&o.all, "all", false, a.Say.T("ask also what poskey could measure itself, of terminals and stores that it cannot reach"))
	required(cmd, "answers", "by")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return runAssessAnswer(cmd.Context(), a, o) }
	return cmd
}

type assessAnswerDoc struct {
	File     string `json:"file"`
	By       string `json:"by"`
	Answered int    `json:"answered"` // in this run
	Open     int    `json:"open"`     // questions that still are
	Stopped  bool   `json:"stopped"`  // somebody did, before the last question
}

// mostName bounds the name of who answers.
const mostName = 80

func runAssessAnswer(ctx context.Context, a *App, o assessAnswerOpts) error {
	by := strings.TrimSpace(o.by)
	if by == "" || by != text.OneLine(by, mostName) || text.Redact(by) != by {
		return fault.New(fault.Usage, "--by is a name or a role, in at most %d characters", mostName)
	}
	if a.flags.noInput || !a.Console.CanAsk() {
		return fault.New(fault.InputNeeded, "questions are answered at a terminal, and here is none; the file can be filled in with a text editor")
	}
	q, err := openQuestionnaire(ctx, o.answers)
	if err != nil {
		return err
	}
	seen, err := a.look(ctx, o.lookOpts, true)
	if err != nil {
		return err
	}
	a.warnSilent(seen)
	dialogue := &asking{app: a, file: q, by: by, asked: seen.questions(q.answers, o.all), now: seen.evidence.Now}
	stopped, err := dialogue.run(ctx)
	if err != nil {
		return err
	}
	left := len(seen.questions(q.answers, o.all).open)
	doc := assessAnswerDoc{File: o.answers, By: by, Answered: len(dialogue.given), Open: left, Stopped: stopped}
	return a.render.Answer("assess.answer", doc, func(p *render.Page) {
		p.Line(text.New("answered now: %d; still open: %d", doc.Answered, doc.Open))
	})
}
