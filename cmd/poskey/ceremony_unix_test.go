//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package main

// People who play a ceremony at a terminal, and a printer.

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/creack/pty"
	"github.com/rogpeppe/go-internal/testscript"
	"golang.org/x/term"
)

// paper is what a printer has printed.
type paper struct {
	mu  sync.Mutex
	all bytes.Buffer
}

func (p *paper) text() string {
	if p == nil {
		return ""
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.all.String()
}

// cmdPrinter connects a printer: $PRINTER is its device. What it prints lies in no file.
func cmdPrinter(ts *testscript.TestScript, neg bool, args []string) {
	noNegation(ts, neg)
	if len(args) != 0 {
		ts.Fatalf("usage: printer")
	}
	out, device, err := pty.Open()
	ts.Check(err)
	_, err = term.MakeRaw(int(device.Fd()))
	ts.Check(err)
	p := &paper{}
	go func() {
		for {
			b := make([]byte, 4096)
			n, err := out.Read(b)
			if err != nil {
				return
			}
			p.mu.Lock()
			p.all.Write(b[:n])
			p.mu.Unlock()
		}
	}()
	ts.Defer(func() { _ = errors.Join(device.Close(), out.Close()) })
	stateOf(ts).printer = p
	ts.Setenv("PRINTER", device.Name())
}

// rule is what people answer to a question.
type rule struct {
	question *regexp.Regexp
	answer   string
	once     bool
	kill     bool
	save     string
}

// rules are read from lines:
//
//	ask REGEXP => ANSWER    what is typed; $1 is the question's first group, $NAME what was saved or is in the environment,
//	                        ${NAME<1>} has the group in NAME
//	once REGEXP => ANSWER   the same, the first time only
//	kill REGEXP             at that question the process is killed
//	save NAME REGEXP        the last match of its group, on the screen or on paper, is $NAME
func rules(ts *testscript.TestScript, file string) []*rule {
	var all []*rule
	for line := range strings.Lines(ts.ReadFile(file)) {
		line = strings.TrimRight(line, "\n")
		op, rest, _ := strings.Cut(line, " ")
		r := &rule{once: op == "once" || op == "kill", kill: op == "kill"}
		pattern := rest
		switch op {
		case "", "#":
			continue
		case "ask", "once":
			var ok bool
			if pattern, r.answer, ok = strings.Cut(rest, " => "); !ok {
				ts.Fatalf("no => in %q", line)
			}
		case "kill":
		case "save":
			r.save, pattern, _ = strings.Cut(rest, " ")
		default:
			ts.Fatalf("bad rule %q", line)
		}
		var err error
		r.question, err = regexp.Compile(pattern)
		ts.Check(err)
		all = append(all, r)
	}
	return all
}

// player answers questions by rules.
type player struct {
	*screen
	ts    *testscript.TestScript
	rules []*rule
	asked []string
}

// cmdPlay runs a ceremony at a terminal of its own, with people who answer by rules. Afterwards screen, out and err hold
// what terminal, stdout and stderr received, asked the questions, and paper what was printed.
func cmdPlay(ts *testscript.TestScript, neg bool, args []string) {
	noNegation(ts, neg)
	opts, args := options(ts, args, "exit", "columns")
	if len(args) < 2 {
		ts.Fatalf("usage: play [-exit=N] [-columns=N] RULES cmd...")
	}
	want := 0
	if n := opts["exit"]; n != "" {
		want = number(ts, n)
	}
	ptm, tty, err := pty.Open()
	ts.Check(err)
	defer ptm.Close()
	columns := uint16(100)
	if n := opts["columns"]; n != "" {
		columns = uint16(number(ts, n))
	}
	ts.Check(pty.Setsize(ptm, &pty.Winsize{Rows: 50, Cols: columns}))
	var out, errb bytes.Buffer
	c := command(ts, args[1:])
	c.Stdout, c.Stderr = &out, &errb
	c.ExtraFiles = []*os.File{tty}
	c.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true, Ctty: 3}
	ts.Check(c.Start())
	ts.Check(tty.Close())
	defer func() {
		if c.ProcessState == nil { // the play failed
			killAll(c)
		}
	}()
	p := &player{screen: newScreen(ts, ptm), ts: ts, rules: rules(ts, args[0])}
	p.deadline = time.After(3 * patience)
	killed := p.play(c, &errb)
	err = c.Wait()
	label := strings.Join(args[1:], " ")
	stateOf(ts).canaries.heard("terminal of "+label, p.shown.Bytes(), nil)
	answer(ts, label, &out, &errb)
	files := map[string]string{"screen": p.shown.String(), "out": out.String(), "err": errb.String(), "asked": strings.Join(p.asked, "\n") + "\n"}
	for name, text := range files {
		ts.Check(os.WriteFile(ts.MkAbs(name), []byte(text), 0o600))
	}
	if !killed {
		checkExit(ts, err, want)
	}
}

// play answers until the terminal is closed.
func (p *player) play(c *exec.Cmd, errb *bytes.Buffer) (killed bool) {
	for {
		q, ok := p.question()
		if !ok {
			return killed
		}
		p.asked = append(p.asked, q)
		if n := len(p.asked); n > stubborn && !slices.ContainsFunc(p.asked[n-stubborn:], func(other string) bool { return other != q }) {
			killAll(c)
			p.ts.Fatalf("asked again and again: %q\nscreen: %s", q, p.shown.String())
		}
		r := p.ruleFor(q)
		switch {
		case r == nil:
			killAll(c)
			_ = c.Wait()
			p.ts.Fatalf("nobody knows an answer to %q\nscreen: %s\nstderr: %s\nasked before: %s", q, p.shown.String(), errb.String(),
				strings.Join(p.asked, "\n"))
		case r.kill:
			killAll(c)
			killed = true
		default:
			p.press(p.expand(r, q) + "\r")
		}
		p.seen = p.shown.Len()
	}
}

// control is what clears and paints a screen.
var control = regexp.MustCompile(`\x1b\[[0-9;]*[A-Za-z]`) //nolint:gochecknoglobals // compiled once

// asking is a question at the end of the screen: it begins with ?, and people type behind it. The agent's begin with nothing.
var asking = regexp.MustCompile(`(?s)(?:^|\n)(?:\? ([^\n]*(?:\n  [^\n]*)*[:?：？])|(passphrase of \S+ \(hidden\):)) $`) //nolint:gochecknoglobals // compiled once

// stubborn is how often the same question in a row is no ceremony any more.
const stubborn = 10

// settled is how long nothing more is shown when a question is whole.
const settled = 10 * time.Millisecond

// question waits for the next question; ok is false when the terminal was closed.
func (p *player) question() (q string, ok bool) {
	var quiet <-chan time.Time
	for {
		plain := control.ReplaceAllString(strings.ReplaceAll(p.shown.String()[p.seen:], "\r", ""), "")
		m := asking.FindStringSubmatch(plain)
		quiet = nil
		if m != nil {
			quiet = time.After(settled)
		}
		select {
		case b, open := <-p.got:
			if !open {
				return "", false
			}
			p.shown.Write(b)
		case <-quiet:
			return strings.ReplaceAll(m[1]+m[2], "\n  ", " "), true
		case <-p.deadline:
			p.ts.Fatalf("the ceremony takes too long\nscreen: %s\nasked: %s", p.shown.String(), strings.Join(p.asked, "\n"))
		}
	}
}

func (p *player) ruleFor(q string) *rule {
	for i, r := range p.rules {
		if r.save == "" && r.question.MatchString(q) {
			if r.once {
				p.rules = append(p.rules[:i:i], p.rules[i+1:]...)
			}
			return r
		}
	}
	return nil
}

// expand makes an answer out of a rule.
func (p *player) expand(r *rule, q string) string {
	m := r.question.FindStringSubmatch(q)
	group := func(name string) (string, bool) {
		n, err := strconv.Atoi(name)
		if err != nil || n >= len(m) {
			return "", false
		}
		return m[n], true
	}
	return os.Expand(r.answer, func(name string) string {
		if g, ok := group(name); ok {
			return g
		}
		name = os.Expand(strings.NewReplacer("<", "${", ">", "}").Replace(name), func(inner string) string { g, _ := group(inner); return g })
		if v, ok := p.saved(name); ok {
			return v
		}
		return p.ts.Getenv(name)
	})
}

// saved looks for the last match of a rule that saves.
func (p *player) saved(name string) (string, bool) {
	text := stateOf(p.ts).printed() + "\n" + control.ReplaceAllString(strings.ReplaceAll(p.shown.String(), "\r", ""), "")
	for _, r := range p.rules {
		if r.save != name {
			continue
		}
		if all := r.question.FindAllStringSubmatch(text, -1); len(all) > 0 {
			return all[len(all)-1][1], true
		}
	}
	return "", false
}

// cmdFindDir sets $NAME to the one file or folder that a pattern finds.
func cmdFindDir(ts *testscript.TestScript, neg bool, args []string) {
	noNegation(ts, neg)
	if len(args) != 2 {
		ts.Fatalf("usage: finddir NAME PATTERN")
	}
	found, err := filepath.Glob(filepath.Join(ts.MkAbs("."), args[1]))
	ts.Check(err)
	if len(found) != 1 {
		ts.Fatalf("%s: %v", args[1], found)
	}
	ts.Setenv(args[0], filepath.Base(found[0]))
}
