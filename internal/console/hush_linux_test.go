package console

// Dialogues of a process at a terminal of its own: what is shown of what is typed between two questions, and how the
// terminal is left. The test plays the person and the shell; the process is this binary once more.

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"
	"golang.org/x/term"
)

// roleMark names what a process of this binary plays.
const roleMark = "POSKEY_TEST_CONSOLE"

func TestMain(m *testing.M) {
	roles := map[string]func() error{"": nil, "direct": direct, "handed": handed, "panic": panics, "stays": stays, "shell": shell,
		"shell of echo": func() error { return shellOf("echo") }, "echo": echoes,
		"host": host, "lender": lender, "reader": reader,
		"once": func() error { return around(once) }, "lends": func() error { return around(lends) },
		"within": within, "confirms": func() error { return around(confirms) },
		"component": component, "leaves": leaves, "interrupts": interrupts, "ahead": ahead}
	play := roles[os.Getenv(roleMark)]
	if play == nil {
		os.Exit(m.Run())
	}
	if err := play(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// twice asks for two secrets, and waits in between until the test says that it has typed.
func twice(c *Console) error {
	for i, prompt := range []string{"first: ", "second: "} {
		s, err := c.Secret(context.Background(), prompt)
		if err != nil {
			return err
		}
		fmt.Println(len(s.Expose()))
		s.Wipe()
		if i == 0 {
			if _, err := io.ReadFull(os.Stdin, make([]byte, 1)); err != nil {
				return err
			}
		}
	}
	return nil
}

func direct() error {
	c := &Console{}
	defer c.Close()
	return twice(c)
}

// handed is a process that hands its terminal over to one that asks.
func handed() error {
	tty, done, err := (&Console{}).Terminal()
	if err != nil {
		return err
	}
	defer done()
	return twice(&Console{TTY: tty})
}

// panics between the questions. What it says of itself is no matter.
func panics() (err error) {
	defer func() { _ = recover() }()
	c := &Console{}
	defer c.Close()
	s, err := c.Secret(context.Background(), "first: ")
	if err != nil {
		return err
	}
	s.Wipe()
	panic("between the questions")
}

// stays asks once and then has the terminal until its input ends.
func stays() error {
	c := &Console{}
	defer c.Close()
	s, err := c.Secret(context.Background(), "first: ")
	if err != nil {
		return err
	}
	s.Wipe()
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}

// echoes asks for a line that everybody may see.
func echoes() error {
	c := &Console{}
	defer c.Close()
	_, err := c.Line(context.Background(), "answer: ")
	return err
}

func shell() error { return shellOf("stays") }

// shellOf runs a job in the foreground, waits until it is stopped, says so, and continues it when it is told to.
func shellOf(role string) error {
	tty, err := openTTY()
	if err != nil {
		return err
	}
	in, feed, err := os.Pipe()
	if err != nil {
		return err
	}
	job := exec.Command(os.Args[0])
	job.Env, job.Stdin, job.Stderr = append(os.Environ(), roleMark+"="+role), in, os.Stderr
	job.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Foreground: true, Ctty: int(tty.Fd())}
	if err := job.Start(); err != nil {
		return err
	}
	var status syscall.WaitStatus
	if _, err := syscall.Wait4(job.Process.Pid, &status, syscall.WUNTRACED, nil); err != nil || !status.Stopped() {
		return fmt.Errorf("the job was not stopped: %v, %w", status, err)
	}
	fmt.Println("the job was stopped")
	if _, err := io.ReadFull(os.Stdin, make([]byte, 1)); err != nil {
		return err
	}
	if err := job.Process.Signal(syscall.SIGCONT); err != nil {
		return err
	}
	if _, err := io.ReadFull(os.Stdin, make([]byte, 1)); err != nil {
		return err
	}
	return errors.Join(feed.Close(), job.Wait())
}

// sitting is a process at a terminal of its own.
type sitting struct {
	*testing.T
	person *os.File
	seat   *os.File // keeps the terminal there when the process has gone
	fresh  *term.State
	job    *exec.Cmd
	in     io.WriteCloser
	out    *bufio.Reader
	seen   chan []byte
	shown  bytes.Buffer
}

func sit(t *testing.T, role string) *sitting {
	t.Helper()
	s := &sitting{T: t, job: exec.Command(os.Args[0]), seen: make(chan []byte, 64)}
	var err error
	if s.person, s.seat, err = pty.Open(); err != nil {
		t.Fatal(err)
	}
	s.fresh, err = term.GetState(int(s.seat.Fd()))
	s.must(err)
	s.job.Env, s.job.Stderr = append(os.Environ(), roleMark+"="+role, "GORACE=atexit_sleep_ms=0"), os.Stderr
	s.job.ExtraFiles = []*os.File{s.seat}
	s.job.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true, Ctty: 3}
	s.in, err = s.job.StdinPipe()
	s.must(err)
	out, err := s.job.StdoutPipe()
	s.must(err)
	s.out = bufio.NewReader(out)
	s.must(s.job.Start())
	t.Cleanup(func() {
		_ = s.job.Process.Kill() // it may have ended
		_ = s.seat.Close()
		_ = s.person.Close()
	})
	go func() {
		defer close(s.seen)
		for {
			b := make([]byte, 256)
			n, err := s.person.Read(b)
			if err != nil {
				return
			}
			s.seen <- b[:n]
		}
	}()
	return s
}

func (s *sitting) must(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

func (s *sitting) types(keys string) {
	s.Helper()
	_, err := s.person.WriteString(keys)
	s.must(err)
}

// asked waits for a prompt.
func (s *sitting) asked(prompt string) {
	s.Helper()
	for limit := time.After(10 * time.Second); !strings.Contains(s.shown.String(), prompt); {
		select {
		case b := <-s.seen:
			s.shown.Write(b)
		case <-limit:
			s.Fatalf("no %q on the screen: %q", prompt, s.shown.String())
		}
	}
}

// says waits for a line of the process.
func (s *sitting) says(want string) {
	s.Helper()
	line, err := s.out.ReadString('\n')
	if err != nil || line != want+"\n" {
		s.Fatalf("%q, %v; want %q", line, err, want)
	}
}

func (s *sitting) goOn() {
	s.Helper()
	_, err := s.in.Write([]byte{'.'})
	s.must(err)
}

func (s *sitting) echo() bool {
	s.Helper()
	mode, err := unix.IoctlGetTermios(int(s.person.Fd()), unix.TCGETS)
	s.must(err)
	return mode.Lflag&unix.ECHO != 0
}

func (s *sitting) waitEcho(want bool) {
	s.Helper()
	for limit := time.Now().Add(10 * time.Second); s.echo() != want; time.Sleep(time.Millisecond) {
		if time.Now().After(limit) {
			s.Fatalf("echo is %t for good", !want)
		}
	}
}

// TestWhatIsTypedBetweenTwoQuestionsIsNotShown: whoever types on while a passphrase is checked.
func TestWhatIsTypedBetweenTwoQuestionsIsNotShown(t *testing.T) {
	for _, role := range []string{"direct", "handed"} {
		s := sit(t, role)
		s.asked("first: ")
		s.waitEcho(false)
		s.types("tangle\r")
		s.says("6")
		s.types("walnut\r")
		time.Sleep(20 * time.Millisecond) // the terminal shows at once what it shows
		s.goOn()
		s.says("6")
		s.must(s.job.Wait())
		if !s.echo() {
			t.Errorf("%s: no echo afterwards", role)
		}
		s.asked("second: ")
		if shown := s.shown.String(); strings.Contains(shown, "walnut") || strings.Contains(shown, "tangle") {
			t.Errorf("%s: the screen has %q", role, shown)
		}
	}
}

func TestAPanicBetweenTwoQuestionsLeavesEchoOn(t *testing.T) {
	s := sit(t, "panic")
	s.asked("first: ")
	s.waitEcho(false)
	s.types("tangle\r")
	s.must(s.job.Wait())
	if !s.echo() {
		t.Error("no echo afterwards")
	}
}

// TestAStoppedDialogueGivesTheTerminalBack: Ctrl-Z, what the shell has meanwhile, and fg.
func TestAStoppedDialogueGivesTheTerminalBack(t *testing.T) {
	for _, answered := range []bool{true, false} {
		s := sit(t, "shell")
		s.asked("first: ")
		s.waitEcho(false)
		if answered {
			s.types("tangle\r")
			s.asked("first: \r\n")
		}
		s.types("\x1a")
		s.says("the job was stopped")
		if !s.echo() {
			t.Error("no echo while it is stopped")
		}
		s.goOn()
		s.waitEcho(false)
		if !answered {
			s.types("tangle\r")
			s.asked("\r\n")
		}
		s.goOn()
		s.must(s.job.Wait())
		if !s.echo() {
			t.Error("no echo afterwards")
		}
		if strings.Contains(s.shown.String(), "tangle") {
			t.Errorf("the screen has %q", s.shown.String())
		}
	}
}

// TestAQuestionIsShownAgainWhenTheJobGoesOn: behind it stands what the shell has written.
func TestAQuestionIsShownAgainWhenTheJobGoesOn(t *testing.T) {
	s := sit(t, "shell of echo")
	s.asked("answer: ")
	s.types("\x1a")
	s.says("the job was stopped")
	s.shown.Reset()
	s.goOn()
	s.asked("answer: ")
	s.types("yes\r")
	s.goOn()
	s.must(s.job.Wait())
}
