//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package testcli

// People who play a ceremony at a terminal, and a printer.

import (
	"bytes"
	"encoding/hex"
	"errors"
	"io"
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

	"poskey/pkg/ceremony/script"
)

// paper is what a printer has printed.
type paper struct {
	mu    sync.Mutex
	line  *os.File // to the printer
	all   bytes.Buffer
	asked int // marks that were sent
	came  int // marks that came through
}

// mark is sent behind everything printed: when it comes through, so has all that was before it. No sheet has it.
const mark = 0x1F

// text is what was printed: the program has written it when it asks the next question, and it may still be in the line.
func (p *paper) text() string {
	if p == nil {
		return ""
	}
	p.mu.Lock()
	p.asked++
	want := p.asked
	p.mu.Unlock()
	if _, err := p.line.Write([]byte{mark}); err != nil {
		return p.now() // the line was closed: nothing more comes
	}
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(time.Millisecond) {
		p.mu.Lock()
		through := p.came >= want
		p.mu.Unlock()
		if through {
			break
		}
	}
	return p.now()
}

func (p *paper) now() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.all.String()
}

// read takes what the line brings until it is closed.
func (p *paper) read(line io.Reader) {
	for {
		b := make([]byte, 4096)
		n, err := line.Read(b)
		if err != nil {
			return
		}
		p.take(b[:n])
	}
}

// take takes what came through the line.
func (p *paper) take(b []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.came += bytes.Count(b, []byte{mark})
	p.all.Write(bytes.ReplaceAll(b, []byte{mark}, nil))
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
	p := &paper{line: device}
	go p.read(out)
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
	troupe   *troupe
	slip     int  // the digit that is typed wrong
	guarded  bool // the process is looked at
	raise    syscall.Signal
}

// known: what people say is in the script.
func (r *rule) known() bool { return r.slip > 0 || r.guarded }

// rules are read from lines:
//
//	ask REGEXP => ANSWER    what is typed; $1 is the question's first group, $NAME what was saved or is in the environment,
//	                        ${NAME<1>} has the group in NAME
//	once REGEXP => ANSWER   the same, the first time only
//	kill REGEXP             at that question the process is killed
//	save NAME REGEXP        the last match of its group, on the screen or on paper, is $NAME
//	cast SCRIPT             what no other rule answers is answered as that script says
//	slip N REGEXP           once, the Nth digit of that answer is typed wrong
//	guarded REGEXP          once, it is looked whether the process can be dumped, and has memory that is not swapped
//	crash REGEXP            at that question the process crashes; it leaves no core
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
		case "cast":
			s, err := script.Parse([]byte(ts.ReadFile(rest)))
			ts.Check(err)
			r.troupe = newTroupe(s)
			all = append(all, r)
			continue
		case "kill":
			r.raise = syscall.SIGKILL
		case "crash":
			r.once, r.kill, r.raise = true, true, syscall.SIGABRT
		case "slip":
			var n string
			n, pattern, _ = strings.Cut(rest, " ")
			r.once, r.slip = true, number(ts, n)
		case "guarded":
			r.once, r.guarded = true, true
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

	typing typedSheet // by a custodian
	had    int        // sheets that were on paper before the last one was printed
}

// cmdPlay runs a ceremony at a terminal of its own, with people who answer by rules. Afterwards screen, out and err hold
// what terminal, stdout and stderr received, asked the questions, and paper what was printed.
func cmdPlay(ts *testscript.TestScript, neg bool, args []string) {
	noNegation(ts, neg)
	opts, args := options(ts, args, "exit", "columns")
	if len(args) < 2 {
		ts.Fatalf("usage: play [-exit=N] [-columns=N] RULES cmd...")
	}
	want, columns := 0, 100
	if n := opts["exit"]; n != "" {
		want = number(ts, n)
	}
	if n := opts["columns"]; n != "" {
		columns = number(ts, n)
	}
	if err, killed := perform(ts, rules(ts, args[0]), columns, args[1:]); !killed {
		checkExit(ts, err, want)
	}
}

// perform plays one process to its end.
func perform(ts *testscript.TestScript, known []*rule, columns int, args []string) (ended error, killed bool) {
	ptm, tty, err := pty.Open()
	ts.Check(err)
	defer ptm.Close()
	ts.Check(pty.Setsize(ptm, &pty.Winsize{Rows: 50, Cols: uint16(columns)}))
	var out, errb bytes.Buffer
	c := command(ts, args)
	c.Stdout, c.Stderr = &out, &errb
	c.ExtraFiles = []*os.File{tty}
	c.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true, Ctty: 3}
	if stateOf(ts).offline {
		withoutNetwork(c.SysProcAttr)
	}
	ts.Check(c.Start())
	ts.Check(tty.Close())
	defer func() {
		if c.ProcessState == nil { // the play failed
			killAll(c)
		}
	}()
	p := &player{screen: newScreen(ts, ptm), ts: ts, rules: known}
	p.deadline = time.After(3 * patience)
	killed = p.play(c, &errb)
	ended = c.Wait()
	label := strings.Join(args, " ")
	stateOf(ts).canaries.heard("terminal of "+label, p.shown.Bytes(), nil)
	answer(ts, label, &out, &errb)
	files := map[string]string{"screen": p.shown.String(), "out": out.String(), "err": errb.String(), "asked": strings.Join(p.asked, "\n") + "\n"}
	for name, text := range files {
		ts.Check(os.WriteFile(ts.MkAbs(name), []byte(text), 0o600))
	}
	if killed && c.ProcessState.Sys().(syscall.WaitStatus).CoreDump() {
		ts.Fatalf("the process left a core")
	}
	p.keepsSecret(&out, &errb)
	remember(ts)
	return ended, killed
}

// cmdOffline: from here on ceremonies are played where there is no network.
func cmdOffline(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 0 {
		ts.Fatalf("usage: [!] offline")
	}
	stateOf(ts).offline = !neg
}

// component is a sheet's as something to look for.
func (s typedSheet) component(ts *testscript.TestScript) needle {
	var digits strings.Builder
	for n := 1; n <= len(s.rows); n++ {
		row, _, _ := strings.Cut(s.rows[n], " check ")
		digits.WriteString(tight(row))
	}
	raw, err := hex.DecodeString(digits.String())
	ts.Check(err)
	return needle{"a component", raw, digits.String()}
}

// remember has what was printed looked for in everything else that the script leaves.
func remember(ts *testscript.TestScript) {
	s := stateOf(ts)
	for _, sheet := range sheetsIn(s.printed()) {
		s.canaries.needles = append(s.canaries.needles, sheet.component(ts))
	}
}

// keepsSecret looks for the components that were on the screen, as those of practice are, where they may not be.
func (p *player) keepsSecret(out, errb *bytes.Buffer) {
	var all []needle
	for _, sheet := range p.sheets() {
		all = append(all, sheet.component(p.ts))
	}
	records, err := filepath.Glob(filepath.Join(p.ts.MkAbs("."), "*", "transcript.jsonl"))
	p.ts.Check(err)
	places := map[string][]byte{"stdout": out.Bytes(), "stderr": errb.Bytes()}
	for _, path := range records {
		if places[path], err = os.ReadFile(path); err != nil {
			p.ts.Fatalf("%v", err)
		}
	}
	for place, data := range places {
		if form := formOf(data, all); form != "" {
			p.ts.Fatalf("%s in %s", form, place)
		}
	}
}

// slipped is an answer with one wrong hex digit.
func slipped(answer string, digit int) string {
	out := []byte(answer)
	for i, c := range out {
		if c == ' ' {
			continue
		}
		if digit--; digit == 0 {
			out[i] = '0'
			if c == '0' {
				out[i] = '1'
			}
		}
	}
	return string(out)
}

// play answers until the terminal is closed.
func (p *player) play(c *exec.Cmd, errb *bytes.Buffer) (killed bool) {
	for {
		q, ok := p.question()
		if !ok {
			return killed
		}
		p.asked = append(p.asked, q)
		if n := len(p.asked); stateOf(p.ts).reaper == nil && n > stubborn && !slices.ContainsFunc(p.asked[n-stubborn:], func(other string) bool { return other != q }) {
			killAll(c)
			p.ts.Fatalf("asked again and again: %q\nscreen: %s", q, p.shown.String())
		}
		r := p.ruleFor(q)
		said, known := "", false
		if r == nil || r.known() {
			said, known = p.improvise(q)
		}
		if known && p.fatal(q) {
			r, known = &rule{kill: true, raise: syscall.SIGKILL}, false
		}
		if r != nil && r.slip > 0 {
			said = slipped(said, r.slip)
		}
		if r != nil && r.guarded {
			lookAtMemory(p.ts, c.Process.Pid)
		}
		switch {
		case known:
			p.press(said + "\r")
		case r == nil:
			killAll(c)
			_ = c.Wait()
			p.ts.Fatalf("nobody knows an answer to %q\nscreen: %s\nstderr: %s\nasked before: %s", q, p.shown.String(), errb.String(),
				strings.Join(p.asked, "\n"))
		case r.kill:
			p.ts.Check(syscall.Kill(-c.Process.Pid, r.raise))
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
var asking = regexp.MustCompile(`(?s)(?:^|\n)(?:\? ([^\n]*(?:\n  [^\n]*)*[:?：？]) |(passphrase of \S+ \(hidden\): |\S+ 的口令（不回显）：)) ?$`) //nolint:gochecknoglobals // compiled once

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
			return strings.TrimRight(strings.ReplaceAll(m[1]+m[2], "\n  ", " "), " "), true
		case <-p.deadline:
			p.ts.Fatalf("the ceremony takes too long\nscreen: %s\nasked: %s", p.shown.String(), strings.Join(p.asked, "\n"))
		}
	}
}

func (p *player) ruleFor(q string) *rule {
	for i, r := range p.rules {
		if r.save == "" && r.troupe == nil && r.question.MatchString(q) {
			if r.once {
				p.rules = append(p.rules[:i:i], p.rules[i+1:]...)
			}
			return r
		}
	}
	return nil
}

// improvise answers by the script, where no rule does.
func (p *player) improvise(q string) (string, bool) {
	for _, r := range p.rules {
		if r.troupe == nil {
			continue
		}
		if said, ok := r.troupe.answer(p, q); ok {
			return said, true
		}
	}
	return "", false
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
		if r.save != name || r.save == "" {
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
