package cli

// --fix: the steps of the page on the first finding, one by one, each asked for before it is run, proven where it can be,
// and recorded.

import (
	"context"
	"slices"
	"strings"

	"poskey/internal/fault"
	"poskey/internal/text"
	"poskey/pkg/diagnose"
	"poskey/pkg/playbook"
)

// fixing is one walk through the steps of a page.
type fixing struct {
	app   *App
	first diagnose.Finding
	known map[string]string // what fills the placeholders of commands
	asked map[string]bool   // those of them that were typed in this walk, and may be typed anew
	again []string          // the command line that diagnoses again
	live  bool              // it asks the device, so that it can prove every step
	done  fixRecord

	last        repeated // what the last diagnosis of this walk came to
	failed, ran int      // commands
}

// fix walks through the page of the first finding.
func (a *App) fix(ctx context.Context, c *diagnose.Case, report diagnose.Report, known map[string]string) error {
	first := report.Findings[0]
	if a.flags.noInput || !a.Console.CanAsk() {
		return fault.New(fault.Usage,
			"--fix asks before every step and needs a terminal; the steps are in: poskey diagnose playbook %s", string(first.Cause))
	}
	book, err := playbook.Open(string(a.Say.Lang()))
	if err != nil {
		return err
	}
	page, ok := book.Page(string(first.Cause))
	if !ok {
		return fault.New(fault.Bug, "there is no page for %s", string(first.Cause))
	}
	f := &fixing{app: a, first: first, known: known, asked: map[string]bool{}, again: repeatable(a.args), live: asksDevice(c)}
	if f.done, err = a.openFixRecord(first.Cause); err != nil {
		return err
	}
	defer f.done.close()
	stopped, err := f.walk(ctx, page)
	switch {
	case err != nil:
		return err
	case stopped:
		a.render.Note(text.New("stopped; what was done is recorded in %s", f.done.path))
		return nil
	}
	return f.prove(ctx)
}

// asksDevice reports a diagnosis that asks a device, which can tell afterwards whether the trouble is gone. One that refused
// to answer, or whose line broke, was asked too.
func asksDevice(c *diagnose.Case) bool {
	return c.Device != nil || c.Line != nil || len(c.Refusals) > 0
}

// walk goes through the checks, then through the fix. It says whether somebody stopped it.
func (f *fixing) walk(ctx context.Context, page playbook.Page) (bool, error) {
	sections := []struct {
		name  string
		head  text.Text
		steps []playbook.Step
	}{{"checks", text.New("checks"), page.Checks}, {"fix", text.New("fix"), page.Fix}}
	if err := f.show("\n" + page.Title + "\n"); err != nil {
		return false, err
	}
	for _, s := range sections {
		if err := f.show("\n" + f.app.Say.Text(s.head) + "\n"); err != nil {
			return false, err
		}
		for i, step := range s.steps {
			at := fixStep{Section: s.name, Step: i + 1, Says: step.Text}
			if stopped, err := f.step(ctx, at, step, len(s.steps)); err != nil || stopped {
				return stopped, err
			}
		}
	}
	return false, nil
}

func (f *fixing) show(lines string) error { return f.app.Console.Show(lines) }

// step shows a step, asks what to do about it and does it, until it is done or left out. It says whether somebody stopped.
func (f *fixing) step(ctx context.Context, at fixStep, step playbook.Step, of int) (bool, error) {
	shown := f.app.Say.T("\n%d of %d. %s\n", at.Step, of, step.Text)
	words := []string{answerDone, answerSkip, answerStop}
	if step.Command != "" {
		shown += "   " + f.shownCommand(step) + "\n"
		words[0] = answerRun
	}
	if err := f.show(shown); err != nil {
		return false, err
	}
	for {
		answer, err := f.ask(ctx, words)
		if err != nil {
			return false, f.done.broken(ctx, at, err)
		}
		if answer != answerRun {
			at.Done = answer
			return answer == answerStop, f.done.write(at)
		}
		next, err := f.try(ctx, at, step)
		if err != nil {
			return false, err
		}
		if next == answerGo {
			return false, nil
		}
		if next == answerStop {
			return true, nil
		}
	}
}

// try runs the command of a step and has the result proven. It gives what to do next: go on, stop, or "" to ask about the
// same step once more.
func (f *fixing) try(ctx context.Context, at fixStep, step playbook.Step) (string, error) {
	args, err := f.fill(ctx, step)
	if err != nil {
		return "", f.done.broken(ctx, at, err)
	}
	if args == nil {
		return "", f.show(f.app.Say.T("something was left out, so nothing is run\n"))
	}
	at.Done, at.Run = "begun", args
	if err := f.done.write(at); err != nil { // what is killed in the middle of a command has left this line
		return "", err
	}
	at.Done = answerRun
	f.ran++
	exit, err := f.run(ctx, args, nil)
	at.Exit = &exit
	if err != nil {
		at.Done = "interrupted"
		return "", f.done.broken(ctx, at, err)
	}
	if exit != 0 {
		at.Done = "failed"
		f.failed++
		if err := f.done.write(at); err != nil {
			return "", err
		}
		return "", f.show(f.app.Say.T(
			"\nthat ended with exit code %d; mend what it says and run it again, skip, or stop\n", exit))
	}
	f.successor(args)
	if at.Section == "checks" || !changes(args) { // it tells something, and there is nothing to prove
		return answerGo, f.done.write(at)
	}
	return f.settle(ctx, at)
}

// successor forgets the key that the finding was about when a step has made another: the steps that follow are about the
// new one.
func (f *fixing) successor(args []string) {
	if !slices.Contains(makingCommands(), commandWords(args)) {
		return
	}
	delete(f.known, "key")
	delete(f.known, "kcv")
	if label, _, _ := strings.Cut(f.known["label"], "#"); label != "" {
		f.known["key"], f.asked["key"] = "store:"+label, true // offered, and not taken unasked
	}
}

// settle proves what a step has changed, and asks where nothing proves it.
func (f *fixing) settle(ctx context.Context, at fixStep) (string, error) {
	said, err := f.proofOf(ctx, &at)
	if err != nil {
		return "", f.done.broken(ctx, at, err)
	}
	if err := f.done.write(at); err != nil {
		return "", err
	}
	if err := f.show("\n" + said + "\n"); err != nil {
		return "", err
	}
	if at.Proof != proofMissing {
		return answerGo, nil
	}
	answer, err := f.ask(ctx, []string{answerGo, answerAgain, answerStop})
	if err != nil {
		return "", f.done.broken(ctx, fixStep{Section: at.Section, Step: at.Step, Says: at.Says}, err)
	}
	if answer == answerStop {
		return answer, f.done.write(fixStep{Section: at.Section, Step: at.Step, Says: at.Says, Done: answerStop})
	}
	if answer == answerAgain {
		return "", nil
	}
	return answerGo, nil
}

// shownCommand is the command line of a step as far as it is known, to be copied into a shell.
func (f *fixing) shownCommand(step playbook.Step) string {
	values := map[string]string{}
	for _, hole := range step.Holes {
		values[hole] = "{" + hole + "}"
		if v := f.known[hole]; v != "" {
			values[hole] = v
		}
	}
	args, missing := step.Fill(values)
	if len(missing) > 0 { // a value that no command takes: it is asked for anew
		return step.Command
	}
	return "poskey " + shellLine(shownArgs(args))
}

// prove ends a walk: whether the trouble is gone is not for the steps to say.
func (f *fixing) prove(ctx context.Context) error {
	at := fixStep{Section: "proof", Done: "none"}
	tells, err := f.fresh(ctx)
	if err != nil {
		return f.done.broken(ctx, at, err)
	}
	says := text.New("what was given cannot tell whether the trouble is gone; diagnose again what is seen from now on")
	if tells {
		if err := f.repeat(ctx); err != nil {
			return f.done.broken(ctx, at, err)
		}
		says = f.last.says
		at.Done, at.Run, at.Exit, at.Proof = answerRun, f.again, &f.last.exit, f.last.proof()
	}
	if err := f.done.write(at); err != nil {
		return err
	}
	if err := f.show("\n" + f.app.Say.Text(says) + "\n"); err != nil {
		return err
	}
	f.app.render.Note(text.New("commands that were run: %d, that failed: %d; what was done is recorded in %s",
		f.ran, f.failed, f.done.path))
	if tells && !f.last.gone {
		return fault.New(fault.Unexplained, "after the steps it is not proven that the trouble is gone")
	}
	return nil
}
