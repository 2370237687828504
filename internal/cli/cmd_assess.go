package cli

import (
	"cmp"
	"context"
	"strings"

	"github.com/spf13/cobra"

	"poskey/internal/fault"
	"poskey/internal/render"
	"poskey/internal/text"
	"poskey/pkg/assess"
)

type assessOpts struct {
	lookOpts
	answers, site, against, html string
	minScore                     int
	strict, noKeep               bool
}

// newAssessCmd is poskey assess itself, which is the same as poskey assess run, with the commands below it.
func newAssessCmd(a *App) *cobra.Command {
	cmd := newAssessing(a, "assess")
	cmd.GroupID = groupTrouble
	cmd.AddCommand(newAssessing(a, "run"), newAssessQuestionsCmd(a), newAssessAnswerCmd(a), newAssessWatchCmd(a))
	return cmd
}

// newAssessing is one command under two names.
func newAssessing(a *App, name string) *cobra.Command {
	o := assessOpts{}
	cmd := a.command(cmdSpec{
		use:   name,
		short: text.New("say how secure a terminal, a key store and the site around them are, and how much of that is known"),
		long: text.New("Looked at are the terminal that is named (--device), the store with its audit log and its incidents, and this machine; what only\n" +
			"people can tell comes from a questionnaire (--answers, see poskey assess questions). What was not looked at is no evidence, and\n" +
			"counts neither for nor against: every score stands with the share of it that is known. Nothing is changed but the folder beside the\n" +
			"audit log in which assessments of a store are kept; the newest one there is what this one is compared with.\n" +
			"The exit status is 0 whatever was found, but for --strict and --min-score."),
		example: "  poskey " + exampleName(name) + " --device 'agent+https://127.0.0.1:9443?ca=ca.pem&cert=host.pem&key=host.key' --html assess.html\n" +
			"  poskey " + exampleName(name) + " --store sqlite:store.db --answers site.yaml --min-score 70 -o json",
		exits: []int{3, 4, 5, 6, 7, 8, 9}, args: cobra.NoArgs,
	})
	f := cmd.Flags()
	a.lookFlags(f, &o.lookOpts)
	a.loginFlags(f, &o.managedOpts)
	f.StringVar(&o.answers, "answers", "", a.Say.T("questionnaire with what people answered (YAML)"))
	f.StringVar(&o.site, "site", "", a.Say.T("what is assessed, in your words; the questionnaire's when left out"))
	f.StringVar(&o.against, "against", "", a.Say.T("assessment to compare with (JSON); the last one of the store when left out"))
	a.htmlFlag(f, &o.html)
	f.IntVar(&o.minScore, "min-score", 0, a.Say.T("exit with 5 when less than so many per cent of what is known is met"))
	f.BoolVar(&o.strict, "strict", false, a.Say.T("exit with 5 when anything is not met"))
	f.BoolVar(&o.noKeep, "no-keep", false, a.Say.T("do not keep the assessment beside the audit log"))
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return runAssess(cmd.Context(), a, o) }
	return cmd
}

// exampleName is how the command is called: an example shows the name that help was asked for.
func exampleName(name string) string {
	if name == "assess" {
		return name
	}
	return "assess " + name
}

func runAssess(ctx context.Context, a *App, o assessOpts) error {
	if o.minScore < 0 || o.minScore > 100 {
		return fault.New(fault.Usage, "--min-score %d: it is 0 to 100 per cent", o.minScore)
	}
	if err := o.checkWords(); err != nil {
		return err
	}
	if err := checkNewIfNamed(o.html); err != nil {
		return err
	}
	answers, err := readAnswers(ctx, o.answers)
	if err != nil {
		return err
	}
	last, err := readAgainst(ctx, o.against)
	if err != nil {
		return err
	}
	seen, err := a.look(ctx, o.lookOpts, o.answers != "")
	if err != nil {
		return err
	}
	report := seen.assessed(answers, o.site)
	if last == nil {
		last = a.lastKept(ctx, seen.assessments(), &report.Of)
	}
	if last != nil {
		a.compare(&report, last)
	}
	if err := a.putAway(&report, seen.assessments(), o); err != nil {
		return err
	}
	if err := a.render.Answer(assessSchema, report.Document(), func(p *render.Page) {
		a.assessPage(p, &report, seen, o.answers)
	}); err != nil {
		return err
	}
	if o.strict || o.minScore > 0 {
		return cmp.Or(o.verdict(&report), seen.unheard())
	}
	return nil
}

// compare holds it against the last one. One of something else was asked for, and is said to be that.
func (a *App) compare(r *assess.Report, last *lastAssessment) {
	r.Compare(last.verdicts, last.at)
	r.Differs = r.Of.Differs(&last.of)
	if len(r.Differs) > 0 {
		a.render.Warn(text.New("the assessment that this one is compared with was of something else (%s)", strings.Join(r.Differs, ", ")))
	}
}

// unheard is an error where a bar was set and a terminal did not answer: it may be the one that is below.
func (s *sights) unheard() error {
	if len(s.silent) == 0 {
		return nil
	}
	return fault.Wrap(s.silent[0].err, "no answer from %s", s.silent[0].address)
}

// checkWords looks at what people wrote on the command line: it is kept, and shown.
func (o *assessOpts) checkWords() error {
	for _, said := range []struct{ flag, words string }{{"site", o.site}, {"latest-firmware", o.latest}} {
		if text.Redact(said.words) != said.words {
			return fault.New(fault.Usage, "--%s has what looks like the digits of a key in it; it would stand in the report", said.flag)
		}
	}
	return nil
}

// putAway writes the files of an assessment before anything is shown.
func (a *App) putAway(r *assess.Report, folder string, o assessOpts) error {
	if o.html != "" {
		if err := a.writeAssessHTML(o.html, r); err != nil {
			return err
		}
	}
	if folder == "" || o.noKeep {
		return nil
	}
	return keepAssessment(folder, r)
}

// verdict is the end of the command where a bar was set.
func (o *assessOpts) verdict(r *assess.Report) error {
	unmet := r.Total.Counts[assess.NotMet]
	if o.strict && unmet > 0 {
		return fault.New(fault.ControlsUnmet, "controls that are not met: %d", unmet)
	}
	if o.minScore == 0 {
		return nil
	}
	percent, known := r.Total.Percent()
	if !known {
		return fault.New(fault.ControlsUnmet, "nothing is known, so nothing is met; --min-score asks for %d %%", o.minScore)
	}
	if percent < o.minScore {
		return fault.New(fault.ControlsUnmet, "the score is %d %% of what is known, and --min-score asks for %d %%", percent, o.minScore)
	}
	return nil
}
