//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package testcli

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/creack/pty"
	"github.com/rogpeppe/go-internal/testscript"
	"golang.org/x/sys/unix"

	"poskey/internal/fault"
	"poskey/pkg/agent"
	"poskey/pkg/audit"
)

func terminalCommands() map[string]func(*testscript.TestScript, bool, []string) {
	return map[string]func(*testscript.TestScript, bool, []string){
		"expect": cmdExpect, "serve": cmdServe, "halt": cmdHalt, "signalled": cmdSignalled,
		"play": cmdPlay, "printer": cmdPrinter, "finddir": cmdFindDir, "survive": cmdSurvive, "offline": cmdOffline,
	}
}

// detach gives the process a session of its own: the terminal at which the tests were started must not be asked.
func detach(c *exec.Cmd) { c.SysProcAttr = &syscall.SysProcAttr{Setsid: true} }

// killAll ends the process and all that it started.
func killAll(c *exec.Cmd) { _ = syscall.Kill(-c.Process.Pid, syscall.SIGKILL) }

// agentDir makes a folder for the sockets of a script's agents: their paths may not be long.
func agentDir() (string, error) { return os.MkdirTemp("/tmp", "poskey-agents-") }

// endAgents ends the agents that a script left, and takes their folder away. A script may leave one; one that does not
// end is an error.
func endAgents(dir string) (errs []string) {
	ctx, stop := context.WithTimeout(context.Background(), patience)
	defer stop()
	sockets, err := os.ReadDir(dir)
	if err != nil {
		errs = append(errs, err.Error())
	}
	for _, socket := range sockets {
		if err := endAgent(ctx, filepath.Join(dir, socket.Name())); err != nil {
			errs = append(errs, "the agent of a script: "+err.Error())
		}
	}
	if err := os.RemoveAll(dir); err != nil { // an agent whose socket is gone ends by itself too
		errs = append(errs, err.Error())
	}
	return errs
}

func endAgent(ctx context.Context, socket string) error {
	client, err := agent.Dial(ctx, socket, "")
	var named *fault.Error // the agent says whose it is to whoever means no store at all
	if fault.Is(err, fault.NotPermitted) && errors.As(err, &named) && len(named.Text.Args) == 2 {
		client, err = agent.Dial(ctx, socket, named.Text.Args[0].(string))
	}
	if fault.Is(err, fault.Sealed) {
		return nil
	}
	if err != nil {
		return err
	}
	defer func() { _ = client.Close() }()
	status, err := client.Status(ctx)
	if err != nil {
		return err
	}
	if err := client.Seal(ctx, audit.Actor{ID: "script", Role: "operator"}); err != nil {
		return err
	}
	for syscall.Kill(status.PID, 0) == nil {
		select {
		case <-ctx.Done():
			return errors.Join(errors.New("it does not end when the store is sealed"), syscall.Kill(status.PID, syscall.SIGKILL))
		case <-time.After(time.Millisecond):
		}
	}
	return nil
}

func peakKB(s *os.ProcessState) int64 {
	usage := s.SysUsage().(*syscall.Rusage)
	return int64(usage.Maxrss) / maxrssUnit
}

// screen collects what a terminal shows while a dialogue waits for some of it.
type screen struct {
	ts       *testscript.TestScript
	ptm      *os.File
	got      chan []byte
	shown    bytes.Buffer
	seen     int // what came before was waited for
	deadline <-chan time.Time
}

func newScreen(ts *testscript.TestScript, ptm *os.File) *screen {
	s := &screen{ts: ts, ptm: ptm, got: make(chan []byte), deadline: time.After(patience)}
	go func() {
		defer close(s.got)
		for {
			b := make([]byte, 256)
			n, err := ptm.Read(b)
			if err != nil {
				return // the last holder of the terminal is gone
			}
			s.got <- b[:n]
		}
	}()
	return s
}

func (s *screen) waitFor(text string) {
	for {
		if i := bytes.Index(s.shown.Bytes()[s.seen:], []byte(text)); i >= 0 {
			s.seen += i + len(text)
			return
		}
		select {
		case b, ok := <-s.got:
			if !ok {
				s.ts.Fatalf("the terminal was closed before %q\nscreen: %q", text, s.shown.String())
			}
			s.shown.Write(b)
		case <-s.deadline:
			s.ts.Fatalf("timeout waiting for %q\nscreen: %q", text, s.shown.String())
		}
	}
}

// waitDark waits until nothing that is typed would be shown.
func (s *screen) waitDark(text string) {
	for {
		t, err := unix.IoctlGetTermios(int(s.ptm.Fd()), getTermios)
		s.ts.Check(err)
		if t.Lflag&unix.ECHO == 0 {
			return
		}
		select {
		case <-s.deadline:
			s.ts.Fatalf("echo is still on at %q", text)
		case <-time.After(time.Millisecond):
		}
	}
}

func (s *screen) press(keys string) {
	_, err := s.ptm.WriteString(keys)
	s.ts.Check(err)
}

// rest reads until the terminal is closed.
func (s *screen) rest() {
	for {
		select {
		case b, ok := <-s.got:
			if !ok {
				return
			}
			s.shown.Write(b)
		case <-s.deadline:
			s.ts.Fatalf("the command goes on after the dialogue\nscreen: %q", s.shown.String())
		}
	}
}

// cmdExpect runs a command at a terminal of its own. Lines of the dialogue:
//
//	<< TEXT   wait for TEXT
//	<* TEXT   the same, then wait until echo is off
//	>> TEXT   type TEXT and Enter
//	^C ^D     type that control character
//
// Afterwards the files screen, out and err hold what terminal, stdout and stderr received.
//
// Mutation check: in internal/console, let echoOff do nothing: every script with a "<*" must fail with "echo is still on".
// With it as it is, but nothing in lighten, prompts.txtar must fail where it looks at stty after Ctrl-C.
func cmdExpect(ts *testscript.TestScript, neg bool, args []string) {
	noNegation(ts, neg)
	opts, args := options(ts, args, "exit", "changes")
	if len(args) < 2 {
		ts.Fatalf("usage: expect [-exit=N] [-changes=FILE,...] DIALOGUE cmd...")
	}
	want := 0
	if n := opts["exit"]; n != "" {
		want = number(ts, n)
	}
	dialogue, before := ts.ReadFile(args[0]), listing(ts)
	ptm, tty, err := pty.Open()
	ts.Check(err)
	defer ptm.Close()
	var out, errb bytes.Buffer
	c := command(ts, args[1:])
	c.Stdout, c.Stderr = &out, &errb
	c.ExtraFiles = []*os.File{tty} // descriptor 3 becomes the controlling terminal
	c.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true, Ctty: 3}
	ts.Check(c.Start())
	ts.Check(tty.Close())
	defer func() {
		if c.ProcessState == nil { // the dialogue failed
			killAll(c)
		}
	}()
	s := newScreen(ts, ptm)
	for line := range strings.Lines(dialogue) {
		switch op, text, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " "); op {
		case "<<":
			s.waitFor(text)
		case "<*":
			s.waitFor(text)
			s.waitDark(text)
		case ">>":
			s.press(os.Expand(text, ts.Getenv) + "\r")
		case "^C", "^D":
			s.press(string(op[1] & 0x1f))
		default:
			ts.Fatalf("bad dialogue line %q", line)
		}
	}
	s.rest()
	err = c.Wait()
	heard := stateOf(ts).canaries
	heard.heard("terminal of "+strings.Join(args[1:], " "), s.shown.Bytes(), nil)
	answer(ts, strings.Join(args[1:], " "), &out, &errb)
	checkExit(ts, err, want)
	unchangedUnless(ts, want, before, strings.Split(opts["changes"], ",")...)
	for name, b := range map[string]*bytes.Buffer{"screen": &s.shown, "out": &out, "err": &errb} {
		ts.Check(os.WriteFile(ts.MkAbs(name), b.Bytes(), 0o600))
	}
}

// server is a process beside the script.
type server struct {
	cmd      *exec.Cmd
	out, err shared
	ended    chan error
	label    string
}

// shared is a buffer that a process writes and the script reads.
type shared struct {
	mu   sync.Mutex
	buf  bytes.Buffer
	line chan struct{} // closed when the first line is whole; nil where nobody waits for one
}

func (s *shared) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n, err := s.buf.Write(p)
	if s.line != nil && bytes.IndexByte(s.buf.Bytes(), '\n') >= 0 {
		close(s.line)
		s.line = nil
	}
	return n, err
}

func (s *shared) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.buf.String()
}

func (s *server) end() {
	killAll(s.cmd)
	<-s.ended
}

func cmdServe(ts *testscript.TestScript, neg bool, args []string) {
	noNegation(ts, neg)
	if len(args) < 2 {
		ts.Fatalf("usage: serve NAME cmd...")
	}
	first := make(chan struct{})
	srv := &server{cmd: command(ts, args[1:]), ended: make(chan error, 1), label: strings.Join(args[1:], " ")}
	srv.out.line = first
	srv.cmd.Stdout, srv.cmd.Stderr = &srv.out, &srv.err
	ts.Check(srv.cmd.Start())
	stateOf(ts).servers[args[0]] = srv
	go func() {
		srv.ended <- srv.cmd.Wait()
		close(srv.ended)
	}()
	select {
	case <-first:
	case err := <-srv.ended:
		ts.Fatalf("%s ended before its first line: %v\n%s", args[0], err, srv.err.String())
	case <-time.After(patience):
		ts.Fatalf("%s says nothing", args[0])
	}
	said := srv.out.String()
	ts.Check(os.WriteFile(ts.MkAbs(strings.ToLower(args[0])+".out"), []byte(said), 0o600))
	line, _, _ := strings.Cut(said, "\n")
	if uri, err := field(line, "uri"); err == nil {
		if manage, err := field(line, "manage"); err == nil {
			ts.Setenv(args[0]+"_MANAGE", manage)
		}
		line = uri
	}
	ts.Setenv(args[0], line)
}

func cmdHalt(ts *testscript.TestScript, neg bool, args []string) {
	noNegation(ts, neg)
	if len(args) != 3 {
		ts.Fatalf("usage: halt NAME SIGNAL N")
	}
	srv := stateOf(ts).servers[args[0]]
	if srv == nil {
		ts.Fatalf("nothing runs as %s", args[0])
	}
	delete(stateOf(ts).servers, args[0])
	ts.Check(srv.cmd.Process.Signal(signalNamed(ts, args[1])))
	err := waited(ts, srv)
	answer(ts, srv.label, bytes.NewBufferString(srv.out.String()), bytes.NewBufferString(srv.err.String()))
	checkExit(ts, err, number(ts, args[2]))
}

func waited(ts *testscript.TestScript, srv *server) error {
	select {
	case err := <-srv.ended:
		return err
	case <-time.After(patience):
		srv.end()
		ts.Fatalf("%s does not end", srv.label)
		return nil
	}
}

func signalNamed(ts *testscript.TestScript, name string) syscall.Signal {
	s := unix.SignalNum("SIG" + name)
	if s == 0 {
		ts.Fatalf("unknown signal %s", name)
	}
	return s
}

// cmdSignalled: the process has read TEXT, so it is past its start and waits for more; with -after it has answered too.
func cmdSignalled(ts *testscript.TestScript, neg bool, args []string) {
	noNegation(ts, neg)
	answered := ""
	if len(args) > 0 {
		if text, waits := strings.CutPrefix(args[0], "-after="); waits {
			answered, args = text, args[1:]
		}
	}
	if len(args) < 4 {
		ts.Fatalf("usage: signalled [-after=ANSWER] SIGNAL N TEXT cmd...")
	}
	before := listing(ts)
	r, w, err := os.Pipe()
	ts.Check(err)
	defer r.Close()
	defer w.Close()
	srv := &server{cmd: command(ts, args[3:]), ended: make(chan error, 1), label: strings.Join(args[3:], " ")}
	srv.cmd.Stdin, srv.cmd.Stdout, srv.cmd.Stderr = r, &srv.out, &srv.err
	_, err = w.WriteString(args[2] + "\n")
	ts.Check(err)
	ts.Check(srv.cmd.Start())
	go func() {
		srv.ended <- srv.cmd.Wait()
		close(srv.ended)
	}()
	for limit := time.Now().Add(patience); !drained(ts, r) || !strings.Contains(srv.out.String()+srv.err.String(), answered); {
		time.Sleep(time.Millisecond)
		if time.Now().After(limit) {
			srv.end()
			ts.Fatalf("%s does not read its stdin, or does not answer %q\n%s", srv.label, answered, srv.err.String())
		}
	}
	ts.Check(srv.cmd.Process.Signal(signalNamed(ts, args[0])))
	err = waited(ts, srv)
	answer(ts, srv.label, bytes.NewBufferString(srv.out.String()), bytes.NewBufferString(srv.err.String()))
	checkExit(ts, err, number(ts, args[1]))
	unchangedUnless(ts, number(ts, args[1]), before)
}

// drained reports whether everything in a pipe was read.
func drained(ts *testscript.TestScript, r *os.File) bool {
	fds := []unix.PollFd{{Fd: int32(r.Fd()), Events: unix.POLLIN}}
	n, err := unix.Poll(fds, 0)
	if err == unix.EINTR {
		return false
	}
	ts.Check(err)
	return n == 0
}
