package cli

// What every diagnosis has in common: showing the report, in a table, a document or a page.

import (
	"context"
	"io"

	"github.com/spf13/pflag"

	"poskey/internal/fault"
	"poskey/internal/render"
	"poskey/internal/source"
	"poskey/internal/text"
	"poskey/pkg/diagnose"
	"poskey/pkg/hsm"
)

// diagnosisOpts are the flags that every diagnosis has.
type diagnosisOpts struct {
	html  string
	fix   bool
	known map[string]string // what the command line told that a page's commands need
}

func (a *App) diagnosisFlags(f *pflag.FlagSet, o *diagnosisOpts) {
	a.htmlFlag(f, &o.html)
	f.BoolVar(&o.fix, "fix", false,
		a.Say.T("walk through the steps that the first cause asks for, one by one, asking before each"))
}

// diagnosed runs a case and shows what came of it. A case that is not explained is an error (11).
func (a *App) diagnosed(ctx context.Context, name string, c diagnose.Case, o diagnosisOpts) error {
	if err := o.check(); err != nil {
		return err
	}
	report, err := a.searched(ctx, &c)
	if err != nil {
		return err
	}
	return a.showDiagnosis(ctx, name, &c, report, o)
}

// rightText is what is said where no cause was found and all that was given is accounted for. Words and logs alone are no
// proof that nothing is wrong.
func rightText(c *diagnose.Case) text.Text {
	others := c.SignIn != nil || c.Block != nil || c.Device != nil || c.Line != nil
	switch {
	case len(c.Checks) == 1 && !others:
		return text.New("the check value agrees")
	case others || len(c.Checks) > 0 || len(c.Said) == 0 && len(c.Log) == 0:
		return text.New("nothing is wrong with what was looked at")
	case len(c.Said) == 0:
		return text.New("the log tells of no trouble with keys that is still open")
	}
	return text.New("what was said is no trouble of a key")
}

// check refuses beforehand what would fail after the work.
func (o diagnosisOpts) check() error {
	if o.html == "" {
		return nil
	}
	return source.CheckNew(o.html)
}

// showDiagnosis answers, writes the page where one was asked for, and walks through the steps where that was asked for.
func (a *App) showDiagnosis(ctx context.Context, name string, c *diagnose.Case, r diagnose.Report, o diagnosisOpts) error {
	known := o.tells(r, c)
	if o.html != "" {
		if err := a.writeDiagnosisHTML(o.html, c, r, known); err != nil {
			return err
		}
	}
	if err := a.render.Answer(name, r, func(p *render.Page) { diagnosisPage(p, r, rightText(c)) }); err != nil {
		return err
	}
	switch {
	case o.fix && len(r.Findings) > 0:
		return a.fix(ctx, c, r, known)
	case o.fix && r.Verdict == diagnose.Match:
		a.render.Note(text.New("there is nothing to fix: no cause was found"))
	}
	if r.Verdict != diagnose.Unexplained {
		return nil
	}
	if r.NextStep.IsZero() {
		return fault.New(fault.Unexplained, "no explanation found")
	}
	return fault.New(fault.Unexplained, "no explanation found; %s", r.NextStep)
}

// tells is what is known for the commands of a page: of the command line, of the first finding, and of the inventory where
// the finding names a slot.
func (o diagnosisOpts) tells(r diagnose.Report, c *diagnose.Case) map[string]string {
	known := map[string]string{}
	for name, value := range o.known {
		if value != "" && refusedValue(name, value).IsZero() { // hex:, fd: and - are for one process
			known[name] = value
		}
	}
	if len(r.Findings) == 0 {
		return known
	}
	e := r.Findings[0].Evidence
	for _, w := range c.Wanted {
		if w.Slot == e.Slot && e.Slot != "" && e.Expected == "" {
			e.Expected, e.Algorithm = w.Check.Digits, w.Algorithm
		}
	}
	if e.Label != "" && known["key"] == "" && refusedValue("key", "store:"+e.Label).IsZero() {
		known["key"] = "store:" + e.Label
	}
	for name, value := range map[string]string{"slot": string(e.Slot), "label": e.Label, "kcv": e.Expected, "got": e.Got,
		"alg": string(e.Algorithm)} {
		if _, there := known[name]; !there && value != "" {
			known[name] = value
		}
	}
	return known
}

// probers opens probers over pieces of a case and closes them all.
type probers struct {
	app  *App
	open []io.Closer
}

func (p *probers) close() { _ = p.Close() }

// Close closes them; it never fails.
func (p *probers) Close() error {
	for _, c := range p.open {
		_ = c.Close()
	}
	p.open = nil
	return nil
}

// next gives a prober as over does, and closes the one before: a boundary holds few at once.
func (p *probers) next(ctx context.Context, material ...hsm.Key) (hsm.Prober, error) {
	p.close()
	return p.over(ctx, material...)
}

// over gives a prober for keys that are inside the boundary.
func (p *probers) over(ctx context.Context, material ...hsm.Key) (hsm.Prober, error) {
	b, err := p.app.hsm(ctx)
	if err != nil {
		return nil, err
	}
	prober, err := b.Prober(ctx, material)
	if err != nil {
		return nil, err
	}
	p.open = append(p.open, prober)
	return prober, nil
}
