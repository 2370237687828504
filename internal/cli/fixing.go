package cli

// --fix: the steps of the page on the first finding, one by one, each asked for before it is run, and recorded.

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"poskey/internal/fault"
	"poskey/internal/text"
	"poskey/pkg/diagnose"
	"poskey/pkg/playbook"
)

// fixing is one walk through the steps of a page.
type fixing struct {
	app    *App
	cause  diagnose.Cause
	known  map[string]string // what fills the placeholders of commands
	record *os.File
	path   string
	failed int
}

// fixStep is a line of the record of walks. It holds what was run and how it ended, never what it printed.
type fixStep struct {
	At      string         `json:"at"`
	Cause   diagnose.Cause `json:"cause"`
	Section string         `json:"section"`
	Step    int            `json:"step"`
	Says    string         `json:"says"`
	Run     []string       `json:"run,omitempty"`
	Done    string         `json:"done"` // done, run, skipped, failed, stopped
	Exit    int            `json:"exit"`
}

// What somebody answers to a step.
const (
	answerDone = "done"
	answerRun  = "run"
	answerSkip = "skip"
	answerStop = "stop"
)

// fix walks through the page of the first finding, then diagnoses again: that is the proof.
func (a *App) fix(ctx context.Context, report diagnose.Report, known map[string]string, again []string) error {
	if len(report.Findings) == 0 {
		a.render.Note(text.New("there is nothing to fix: no cause was found"))
		return nil
	}
	if a.flags.noInput || !a.Console.CanAsk() {
		return fault.New(fault.Usage, "--fix asks before every step and needs a terminal; the steps are in: poskey diagnose playbook %s",
			string(report.Findings[0].Cause))
	}
	book, err := playbook.Open(string(a.Say.Lang()))
	if err != nil {
		return err
	}
	page, ok := book.Page(string(report.Findings[0].Cause))
	if !ok {
		return fault.New(fault.Bug, "there is no page for %s", string(report.Findings[0].Cause))
	}
	f := &fixing{app: a, cause: report.Findings[0].Cause, known: known}
	if err := f.openRecord(); err != nil {
		return err
	}
	defer func() { _ = f.record.Close() }()
	return f.walk(ctx, page, again)
}

// openRecord opens the file that all walks are recorded in.
func (f *fixing) openRecord() error {
	dir, err := f.app.dataDir()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fault.WrapAs(fault.Failure, err, "the folder for the record of fixes")
	}
	f.path = filepath.Join(dir, "fixes.jsonl")
	f.record, err = os.OpenFile(f.path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	return fault.WrapAs(fault.Failure, err, "the record of fixes")
}

func (f *fixing) walk(ctx context.Context, page playbook.Page, again []string) error {
	sections := []struct {
		name  string
		head  text.Text
		steps []playbook.Step
	}{{"checks", text.New("checks"), page.Checks}, {"fix", text.New("fix"), page.Fix}}
	if err := f.show("\n" + page.Title + "\n"); err != nil {
		return err
	}
	for _, s := range sections {
		if err := f.show("\n" + f.app.Say.Text(s.head) + "\n"); err != nil {
			return err
		}
		for i, step := range s.steps {
			stopped, err := f.step(ctx, s.name, i+1, step)
			if err != nil || stopped {
				return err
			}
		}
	}
	return f.prove(ctx, again)
}

func (f *fixing) show(lines string) error { return f.app.Console.Show(lines) }

// step asks what to do about one step and does it. It says whether the walk was stopped.
func (f *fixing) step(ctx context.Context, section string, n int, step playbook.Step) (bool, error) {
	s := fixStep{Cause: f.cause, Section: section, Step: n, Says: step.Text}
	for {
		args, err := f.fill(ctx, step)
		if err != nil {
			return false, err
		}
		answer, err := f.ask(ctx, n, step, args)
		if err != nil {
			return false, err
		}
		s.Done, s.Run, s.Exit = answer, nil, 0
		switch {
		case answer == answerStop:
			return true, f.write(s)
		case answer == answerSkip, answer == answerDone && args == nil:
			return false, f.write(s)
		case answer == answerRun && args != nil:
			s.Run, s.Exit = args, f.run(ctx, args)
			if s.Exit != 0 {
				s.Done = "failed"
				f.failed++
			}
			if err := f.write(s); err != nil {
				return false, err
			}
			if s.Exit == 0 {
				return false, nil
			}
			if err := f.show(f.app.Say.T("\nthat ended with exit code %d; mend what it says and run it again, skip, or stop\n", s.Exit)); err != nil {
				return false, err
			}
		}
	}
}

// fill asks for what only the reader knows, once for the whole walk.
func (f *fixing) fill(ctx context.Context, step playbook.Step) ([]string, error) {
	if step.Command == "" {
		return nil, nil
	}
	for {
		args, missing := step.Fill(f.known)
		if len(missing) == 0 {
			return args, nil
		}
		if _, given := f.known[missing[0]]; given { // left empty: the step is one to be done by hand
			return nil, nil
		}
		what, _ := playbook.Describe(missing[0])
		value, err := f.app.Console.Line(ctx, f.app.Say.T("%s (Enter: leave it out): ", what))
		if err != nil {
			return nil, err
		}
		if value = strings.TrimSpace(value); text.Redact(value) != value && isKeyHole(missing[0]) {
			if err := f.show(f.app.Say.T("that looks like the key itself; say where it is: store:LABEL, file:PATH or prompt\n")); err != nil {
				return nil, err
			}
			continue
		}
		f.known[missing[0]] = value
	}
}

// isKeyHole reports placeholders that stand for where a key is.
func isKeyHole(name string) bool {
	return slices.Contains([]string{"key", "kbpk", "newkbpk", "tmk", "kek", "bdk", "part1", "part2"}, name)
}

// ask shows a step and takes one of the words.
func (f *fixing) ask(ctx context.Context, n int, step playbook.Step, args []string) (string, error) {
	say := f.app.Say
	q := say.T("\n%d. %s\n", n, step.Text)
	words := []string{answerDone, answerSkip, answerStop}
	if args != nil {
		q += "   poskey " + strings.Join(shownArgs(args), " ") + "\n"
		words[0] = answerRun
	}
	for {
		answer, err := f.app.Console.Line(ctx, q+say.T("type %s, %s or %s: ", words[0], words[1], words[2]))
		if err != nil {
			return "", err
		}
		if answer = strings.ToLower(strings.TrimSpace(answer)); slices.Contains(words, answer) {
			return answer, nil
		}
		q = ""
	}
}

// run runs a command of poskey as a process of its own, on the same terminal, with this one's settings.
func (f *fixing) run(ctx context.Context, args []string) int {
	self, err := os.Executable()
	if err != nil {
		return fault.Failure.Exit()
	}
	c := exec.CommandContext(ctx, self, append(slices.Clone(args), f.app.handedOn()...)...) //nolint:gosec // poskey itself; the user said run
	c.Stdin, c.Stdout, c.Stderr = f.app.In, f.app.Out, f.app.Err
	if err := c.Run(); err != nil {
		var ended *exec.ExitError
		if errors.As(err, &ended) {
			return ended.ExitCode()
		}
		return 1
	}
	return 0
}

// handedOn are the global flags that a command of a walk needs too.
func (a *App) handedOn() []string {
	out := []string{"--lang", string(a.Say.Lang())}
	if a.flags.store != "" {
		out = append(out, "--store", a.flags.store)
	}
	if a.flags.hsmURI != "" {
		out = append(out, "--hsm", a.flags.hsmURI)
	}
	return out
}

// prove diagnoses again: whether the trouble is gone is not for the steps to say.
func (f *fixing) prove(ctx context.Context, again []string) error {
	if err := f.show(f.app.Say.T("\nall steps are through; the diagnosis once more:\n\n")); err != nil {
		return err
	}
	exit := f.run(ctx, again)
	if err := f.write(fixStep{Cause: f.cause, Section: "proof", Run: again, Done: answerRun, Exit: exit}); err != nil {
		return err
	}
	f.app.render.Note(text.New("steps that failed: %d; what was done is recorded in %s", f.failed, f.path))
	if exit != 0 {
		return fault.New(fault.Unexplained, "the diagnosis after the steps ended with exit code %d; look at what it says", exit)
	}
	return nil
}

// shownArgs are arguments as they may be shown and kept: a key that the user gave on the command line is described.
func shownArgs(args []string) []string {
	out := make([]string, len(args))
	for i, arg := range args {
		out[i] = text.Redact(arg)
	}
	return out
}

// write puts a line on the disk before the next question.
func (f *fixing) write(s fixStep) error {
	s.At = f.app.Env.Now().UTC().Format(time.RFC3339)
	s.Run = shownArgs(s.Run)
	line, err := json.Marshal(s)
	if err != nil {
		return fault.WrapAs(fault.Bug, err, "the record of fixes")
	}
	if _, err := f.record.Write(append(line, '\n')); err != nil {
		return fault.WrapAs(fault.Failure, err, "the record of fixes")
	}
	return fault.WrapAs(fault.Failure, f.record.Sync(), "the record of fixes")
}
