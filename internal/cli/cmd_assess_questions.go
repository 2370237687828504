package cli

import (
	"context"

	"github.com/spf13/cobra"

	"poskey/internal/render"
	"poskey/internal/text"
)

type assessQuestionsOpts struct {
	lookOpts
	answers string
	all     bool
}

func newAssessQuestionsCmd(a *App) *cobra.Command {
	o := assessQuestionsOpts{}
	cmd := a.command(cmdSpec{
		use:   "questions",
		short: text.New("write the questionnaire of what only people can tell, or bring one up to date"),
		long: text.New("A YAML file with what was answered and every question that is still open, to be filled in with a text editor or by\n" +
			"poskey assess answer. What poskey can measure is asked only where it looked and could not tell, so name the terminal and the store\n" +
			"that are meant; --all asks people for all of it. Lessons of incidents are asked too. Answers and comments that are there stay. A\n" +
			"file that cannot be read as a questionnaire is left alone (3), and the file is written whole or not at all. An answer counts for a\n" +
			"year."),
		example: "  poskey assess questions --answers site.yaml\n" +
			"  poskey assess questions --answers site.yaml --store sqlite:store.db -o json",
		exits: []int{3, 4, 6, 8, 9}, args: cobra.NoArgs,
	})
	f := cmd.Flags()
	a.lookFlags(f, &o.lookOpts)
	f.StringVar(&o.answers, "answers", "", a.Say.T("file of the questionnaire (YAML); made when it is not there"))
	f.BoolVar(&o.all, "all", false, a.Say.T("ask also what poskey could measure itself, of terminals and stores that it cannot reach"))
	required(cmd, "answers")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return runAssessQuestions(cmd.Context(), a, o) }
	return cmd
}

type assessQuestionsDoc struct {
	File     string `json:"file"`
	Made     bool   `json:"made"`    // it was not there before
	Changed  bool   `json:"changed"` // or it was as it should be
	Asked    int    `json:"asked"`   // questions that only people can answer here
	Answered int    `json:"answered"`
	Open     int    `json:"open"` // not answered, or too long ago

	Unmeasured int `json:"unmeasured"` // controls that can be measured, and nobody looked; asked only with --all
}

func runAssessQuestions(ctx context.Context, a *App, o assessQuestionsOpts) error {
	q, err := openQuestionnaire(ctx, o.answers)
	if err != nil {
		return err
	}
	seen, err := a.look(ctx, o.lookOpts, true)
	if err != nil {
		return err
	}
	a.warnSilent(seen)
	doc := assessQuestionsDoc{File: o.answers, Made: q.content == nil}
	asked := seen.questions(q.answers, o.all)
	if doc.Changed, err = q.write(ctx, asked.file(a.Say, q.answers)); err != nil {
		return err
	}
	doc.Asked, doc.Open = len(asked.all), len(asked.open)
	doc.Answered, doc.Unmeasured = doc.Asked-doc.Open, asked.unmeasured
	return a.render.Answer("assess.questions", doc, func(p *render.Page) { questionsPage(p, &doc, o.all) })
}

func questionsPage(p *render.Page, d *assessQuestionsDoc, all bool) {
	switch {
	case d.Made:
		p.Good(text.New("The questionnaire %s was made.", d.File))
	case d.Changed:
		p.Good(text.New("The questionnaire %s was brought up to date.", d.File))
	default:
		p.Good(text.New("The questionnaire %s is up to date.", d.File))
	}
	p.Line(text.New("answered: %d of %d", d.Answered, d.Asked))
	if d.Unmeasured > 0 && !all {
		p.Line(text.New("measured once they are named (--device, --store), and not asked: %d; --all asks them too", d.Unmeasured))
	}
	if d.Open > 0 {
		p.Line(text.New("Fill it in with a text editor, or run: poskey assess answer --answers %s --by NAME", pathWord(d.File)))
	}
}
