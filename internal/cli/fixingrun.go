package cli

// Commands of a walk: each a process of its own at the same terminal, and the diagnosis that is made again.

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"time"

	"poskey/internal/console"
	"poskey/internal/fault"
	"poskey/internal/render"
	"poskey/internal/text"
	"poskey/pkg/diagnose"
	"poskey/pkg/playbook"
)

// lastWords is how long a command has to leave the terminal in order after Ctrl-C.
const lastWords = 30 * time.Second

// run runs a command of poskey. Its answer goes where this one's goes, but not between the brackets of a JSON document;
// answer, where there is one, takes it instead. An error: it was interrupted, or could not be begun.
func (f *fixing) run(ctx context.Context, args []string, answer io.Writer) (int, error) {
	self, err := os.Executable()
	if err != nil {
		return 0, fault.WrapAs(fault.Failure, err, "run a step")
	}
	a := f.app
	a.Console.Close() // the other process has dialogues of its own
	args = append(a.handedOn(), args...)
	c := exec.CommandContext(ctx, self, args...) //nolint:gosec // poskey itself; the user said run
	c.Stdout, c.Stderr = a.Out, a.Err
	switch {
	case answer != nil:
		c.Stdout = answer
	case a.render.Format == render.JSON:
		c.Stdout = a.Err
	}
	if console.IsTerminal(a.Console.Stdin) { // else a copier would take what is typed for the next question
		c.Stdin = a.Console.Stdin
	}
	if a.flags.store != "" { // not on the command line: it may have a password in it
		c.Env = append(os.Environ(), "POSKEY_STORE="+a.flags.store)
	}
	c.WaitDelay = lastWords
	if runtime.GOOS != "windows" {
		c.Cancel = func() error { return c.Process.Signal(os.Interrupt) }
	}
	return ended(ctx, c.Run())
}

// ended tells how a command of a walk ended. Ctrl-C reaches both processes, and either may see it first.
func ended(ctx context.Context, err error) (int, error) {
	var exit *exec.ExitError
	switch {
	case context.Cause(ctx) != nil:
		return fault.Interrupted.Exit(), context.Cause(ctx)
	case err == nil:
		return 0, nil
	case !errors.As(err, &exit):
		return 0, fault.WrapAs(fault.Failure, err, "run a step")
	case exit.ExitCode() == fault.Interrupted.Exit():
		return exit.ExitCode(), fault.New(fault.Interrupted, "interrupted")
	}
	return exit.ExitCode(), nil
}

// handedOn are the global flags that a command of a walk needs too. They stand before it: behind it may be a "--".
func (a *App) handedOn() []string {
	out := []string{"--lang", string(a.Say.Lang())}
	if path, ok := scanFlag(a.args, "--config"); ok {
		out = append(out, "--config", path)
	}
	if a.flags.hsmURI != "" {
		out = append(out, "--hsm", a.flags.hsmURI)
	}
	for _, officer := range a.flags.approval.approvers {
		out = append(out, "--approver", officer)
	}
	if a.flags.approval.requester != "" {
		out = append(out, "--requester", a.flags.approval.requester)
	}
	return out
}

// onceFlags are for the first run of a diagnosis alone, or handed on in another way; the switches among them take no value.
func onceFlags() (names, switches []string) {
	switches = []string{"--fix", "--reveal"}
	return append([]string{"--html", "--output", "-o", "--lang", "--config", "--hsm", "--store", "--approver", "--requester",
		"--passphrase-fd"}, switches...), switches
}

// repeatable is a command line of a diagnosis without what is for its first run alone.
func repeatable(args []string) []string {
	names, switches := onceFlags()
	var out []string
	for i := 0; i < len(args); i++ {
		if args[i] == "--" {
			return append(out, args[i:]...)
		}
		name, _, joined := strings.Cut(args[i], "=")
		if short := args[i]; len(short) > 2 && short[0] == '-' && short[1] != '-' && slices.Contains(names, short[:2]) {
			continue // -ojson
		}
		if !slices.Contains(names, name) {
			out = append(out, args[i])
			continue
		}
		if !joined && !slices.Contains(switches, name) {
			i++ // its value
		}
	}
	return out
}

// proof says how the result of a step is known.
type proof string

const (
	proofCommand   proof = "command"   // the command looked for itself, and would have failed otherwise
	proofDiagnosis proof = "diagnosis" // the diagnosis was made again and does not name the cause any more
	proofMissing   proof = "missing"
)

// changes reports commands that change something, so that there is something to prove. The others only tell.
func changes(args []string) bool {
	words := commandWords(args)
	return slices.Contains(provingCommands(), words) || slices.Contains(otherChanges(), words)
}

// provingCommands look at their own result: read back, ask the device, compare the check value, read the row again.
func provingCommands() []string {
	return append(makingCommands(), "inject", "device unlock", "device lock", "device restart", "device update", "device reset",
		"key compromise", "keyset freeze", "store restore", "keyblock translate")
}

// makingCommands make a key that takes the place of another.
func makingCommands() []string { return []string{"key rotate", "key import", "combine", "generate"} }

// otherChanges change something that somebody else has to look at.
func otherChanges() []string {
	return []string{"ceremony new", "ceremony rehearse", "ceremony run", "fleet run", "fleet reconcile", "key export",
		"audit export"}
}

// commandWords are the words of a command before its flags and arguments.
func commandWords(args []string) string {
	cmd, _, err := Tree().Find(args)
	if err != nil {
		return "" // it will say so itself
	}
	return strings.TrimPrefix(cmd.CommandPath(), "poskey ")
}

// proofOf finds out what a step came to. The device's own word goes before the command's.
func (f *fixing) proofOf(ctx context.Context, at *fixStep) (string, error) {
	say := f.app.Say
	if f.live {
		if err := f.repeat(ctx); err != nil {
			return "", err
		}
		at.Proof = f.last.proof()
		return say.Text(f.last.says), nil
	}
	if slices.Contains(provingCommands(), commandWords(at.Run)) {
		at.Proof = proofCommand
		return say.T("proven by the command itself: it looks at what it did, and ends in an error otherwise"), nil
	}
	at.Proof = proofMissing
	return say.T("nothing proves this step; look yourself before you go on"), nil
}

// repeated is what a diagnosis that was made again came to.
type repeated struct {
	gone bool
	exit int
	says text.Text
}

func (r *repeated) proof() proof {
	if r.gone {
		return proofDiagnosis
	}
	return proofMissing
}

// repeat diagnoses again, and looks for the cause of this walk in the answer.
func (f *fixing) repeat(ctx context.Context) error {
	var answer bytes.Buffer
	exit, err := f.run(ctx, slices.Concat([]string{"--output", "json", "--quiet"}, f.again), &answer)
	if err != nil {
		return err
	}
	f.last = repeated{exit: exit, says: text.New("not proven: the diagnosis could not be made again (exit code %d)", exit)}
	if exit != 0 && exit != fault.Unexplained.Exit() {
		return nil
	}
	var doc struct {
		Verdict  diagnose.Verdict `json:"verdict"`
		Findings []struct {
			Cause    diagnose.Cause `json:"cause"`
			Evidence struct {
				Slot string `json:"slot"`
			} `json:"evidence"`
		} `json:"findings"`
	}
	if err := json.Unmarshal(answer.Bytes(), &doc); err != nil {
		return fault.WrapAs(fault.Bug, err, "the diagnosis that was made again")
	}
	causes := []string{}
	for _, finding := range doc.Findings {
		causes = append(causes, string(finding.Cause))
		if finding.Cause == f.first.Cause && finding.Evidence.Slot == string(f.first.Evidence.Slot) {
			f.last.says = text.New("not proven: the diagnosis still names %s", string(f.first.Cause))
			return nil
		}
	}
	switch doc.Verdict {
	case diagnose.Match:
		f.last.gone, f.last.says = true, text.New("proven: the diagnosis was made again, and nothing is wrong any more")
	case diagnose.Unexplained:
		f.last.says = text.New("not proven: the diagnosis was made again, and explains nothing")
	default:
		f.last.gone = true
		f.last.says = text.New("proven: the diagnosis does not name %s there any more; it names: %s", string(f.first.Cause),
			strings.Join(causes, ", "))
	}
	return nil
}

// fresh makes the diagnosis one that can tell whether the trouble is gone, and reports whether it could. Of values that
// somebody gave, it asks for the one that is seen after the steps: with the old one it could only say the same again.
func (f *fixing) fresh(ctx context.Context) (bool, error) {
	if f.live {
		return true, nil
	}
	for _, v := range []struct{ flag, hole string }{{"--got", "got"}, {"--field62", "field62"}, {"--message", "message"}} {
		at, value := flagAt(f.again, v.flag)
		if at < 0 {
			continue
		}
		what, _ := playbook.Describe(v.hole)
		typed, err := f.app.Console.Line(ctx, f.app.Say.T("\nwhat is seen now, after the steps: %s (Enter: nothing yet): ", what))
		if err != nil {
			return false, err
		}
		typed = strings.TrimSpace(typed)
		if typed == "" || !refusedValue(v.hole, typed).IsZero() {
			return false, nil
		}
		f.again = slices.Clone(f.again)
		f.again[at] = strings.TrimSuffix(f.again[at], value) + typed
		return true, nil
	}
	return rereads(f.again), nil
}

// flagAt finds the argument in which the value of a flag stands; -1 where the flag was not given.
func flagAt(args []string, flag string) (at int, value string) {
	for i, arg := range args {
		if rest, joined := strings.CutPrefix(arg, flag+"="); joined {
			return i, rest
		}
		if arg == flag && i+1 < len(args) {
			return i + 1, args[i+1]
		}
	}
	return -1, ""
}

// rereads reports a diagnosis of keys that are read anew from where they are, each of them.
func rereads(args []string) bool {
	found := false
	for i := range args {
		for _, flag := range keyFlags() {
			at, value := flagAt(args[i:], flag)
			if at < 0 {
				continue
			}
			if !refusedValue("key", value).IsZero() {
				return false
			}
			found = found || slices.Contains([]string{"--key", "--part", "--bdk"}, flag)
		}
	}
	return found
}

// keyFlags are the flags of diagnoses that take the place of a key.
func keyFlags() []string { return []string{"--key", "--part", "--kek", "--tmk", "--kbpk", "--bdk"} }

// shownArgs are arguments as they may be shown and kept: a key that the user gave on the command line is described, and so
// is an address with a password in it.
func shownArgs(args []string) []string {
	out := make([]string, len(args))
	for i, arg := range args {
		out[i] = text.Redact(arg)
		if hasPassword(arg) {
			out[i] = "(…)"
		}
	}
	return out
}

// shellLine is a command line that a shell takes as it stands. The braces of placeholders need no quotes.
func shellLine(args []string) string {
	out := make([]string, len(args))
	for i, arg := range args {
		bare := arg
		for _, p := range playbook.Placeholders() {
			bare = strings.ReplaceAll(bare, "{"+p.Name+"}", p.Name)
		}
		if out[i] = arg; shellWord(bare) != bare {
			out[i] = shellWord(arg)
		}
	}
	return strings.Join(out, " ")
}
