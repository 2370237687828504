package console

// A terminal that a job hands over to a reader of another session, and a shell that takes it back: nobody reads what was
// typed for somebody else, and the terminal is left as it was found. The test types and tells the shell what to do.

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
	"golang.org/x/term"
)

// What the shell is told, a byte each.
const (
	stopJob   = 's' // SIGSTOP, which nobody can catch; the shell takes the terminal
	readLine  = 'r' // and say it
	continued = 'f' // fg
	tellJob   = 't' // that it shall go on
	killJob   = 'k' // SIGKILL
	waitJob   = 'w' // until it has ended
)

// host is a shell with one job, which hands its terminal over. Like the smallest ones it sets no mode of the terminal.
func host() error {
	signal.Ignore(syscall.SIGTTOU) // it moves the terminal while it is not in front
	tty, err := openTTY()
	if err != nil {
		return err
	}
	job := exec.Command(os.Args[0])
	job.Env, job.Stdout, job.Stderr = append(os.Environ(), roleMark+"=lender"), os.Stdout, os.Stderr
	job.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Foreground: true, Ctty: int(tty.Fd())}
	tell, err := job.StdinPipe()
	if err != nil {
		return err
	}
	if err := job.Start(); err != nil {
		return err
	}
	front := func(group int) error { return unix.IoctlSetPointerInt(int(tty.Fd()), unix.TIOCSPGRP, group) }
	told := bufio.NewReader(os.Stdin)
	for {
		what, err := told.ReadByte()
		if err != nil {
			return nil //nolint:nilerr // the test is over
		}
		switch what {
		case stopJob:
			var status syscall.WaitStatus
			err = errors.Join(job.Process.Signal(syscall.SIGSTOP), waitStopped(job.Process.Pid, &status), front(os.Getpid()))
		case readLine:
			err = sayLine(tty)
		case continued:
			err = errors.Join(front(job.Process.Pid), job.Process.Signal(syscall.SIGCONT))
		case tellJob:
			_, err = tell.Write([]byte{'.'})
		case killJob:
			err = errors.Join(job.Process.Kill(), front(os.Getpid()))
		case waitJob:
			err = errors.Join(job.Wait(), front(os.Getpid()))
		}
		if err != nil {
			return err
		}
		fmt.Println("done")
	}
}

func waitStopped(pid int, status *syscall.WaitStatus) error {
	_, err := syscall.Wait4(pid, status, syscall.WUNTRACED, nil)
	return err
}

func sayLine(tty *os.File) error {
	fds := []unix.PollFd{{Fd: int32(tty.Fd()), Events: unix.POLLIN}}
	if n, err := unix.Poll(fds, 5000); err != nil || n == 0 {
		fmt.Println("nothing")
		return err
	}
	b := make([]byte, 256)
	n, err := tty.Read(b)
	fmt.Printf("%q\n", b[:n])
	return err
}

// lender hands its terminal over to a reader of another session and waits for it. Told to go on before, it does what the
// environment says to the reader, and ends.
func lender() error {
	tty, done, err := (&Console{}).Terminal()
	if err != nil {
		return err
	}
	reader := exec.Command(os.Args[0])
	reader.Env, reader.Stdout, reader.Stderr = append(os.Environ(), roleMark+"=reader"), os.Stdout, os.Stderr
	reader.ExtraFiles = []*os.File{tty}
	reader.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := reader.Start(); err != nil {
		return err
	}
	fmt.Println("reader", reader.Process.Pid)
	gone := make(chan error, 1)
	go func() { gone <- reader.Wait() }()
	told := make(chan error, 1)
	go func() {
		_, err := os.Stdin.Read(make([]byte, 1))
		told <- err
	}()
	select {
	case err := <-gone:
		done()
		return err
	case <-told:
	}
	if os.Getenv(fateMark) == "kill" {
		_ = reader.Process.Kill()
		<-gone
	} else if err := reader.Process.Signal(syscall.SIGSTOP); err != nil {
		return err
	}
	done()
	return nil
}

// fateMark says what the lender does to its reader.
const fateMark = "POSKEY_TEST_FATE"

// reader is a process that was handed a terminal.
func reader() error {
	s, err := (&Console{TTY: os.NewFile(3, "terminal")}).Secret(context.Background(), "first: ")
	if err != nil {
		return err
	}
	fmt.Println(len(s.Expose()))
	s.Wipe()
	return nil
}

// lent is a terminal at a shell whose job has handed it over to a reader.
func lent(t *testing.T) (s *sitting, reader int, before *term.State) {
	t.Helper()
	s = sit(t, "host")
	line, err := s.out.ReadString('\n')
	s.must(err)
	reader, err = strconv.Atoi(strings.TrimSpace(strings.TrimPrefix(line, "reader ")))
	s.must(err)
	t.Cleanup(func() { _ = syscall.Kill(reader, syscall.SIGKILL) }) // it may have ended
	s.asked("first: ")
	s.waitEcho(false)
	return s, reader, s.fresh
}

func (s *sitting) tell(what byte) {
	s.Helper()
	_, err := s.in.Write([]byte{what})
	s.must(err)
	if what != readLine {
		s.says("done")
	}
}

func (s *sitting) state() term.State {
	s.Helper()
	now, err := term.GetState(int(s.seat.Fd()))
	s.must(err)
	return *now
}

// unread is what the terminal holds for whoever reads next.
func (s *sitting) unread() int {
	s.Helper()
	n, err := unix.IoctlGetInt(int(s.seat.Fd()), unix.TIOCINQ)
	s.must(err)
	return n
}

// half types half a passphrase, and gives the reader the time to take it.
func (s *sitting) half() {
	s.Helper()
	s.types("half a pass")
	time.Sleep(3 * look)
}

// TestNobodyReadsWhatIsTypedAtTheShellOfAStoppedJob: a stop that cannot be caught, what the shell has meanwhile, and fg.
func TestNobodyReadsWhatIsTypedAtTheShellOfAStoppedJob(t *testing.T) {
	s, _, before := lent(t)
	s.half()
	s.tell(stopJob)
	s.waitEcho(true) // the reader does it: the job cannot, and the shell does not
	s.types("for the shell\r")
	time.Sleep(3 * look) // a reader would have it by now
	s.tell(readLine)
	s.says(`"for the shell\n"`)
	s.says("done")
	s.shown.Reset()
	s.tell(continued)
	s.asked("first: ")
	s.waitEcho(false)
	s.types("tangle\r")
	s.says("6")
	s.tell(waitJob)
	if s.state() != *before {
		t.Error("the terminal is not as it was")
	}
}

// TestAKilledReaderLeavesTheTerminalInOrder: the one that handed it over sees to that.
func TestAKilledReaderLeavesTheTerminalInOrder(t *testing.T) {
	t.Setenv(fateMark, "kill")
	s, _, before := lent(t)
	s.half()
	s.tell(tellJob)
	s.tell(waitJob)
	if s.state() != *before {
		t.Error("the terminal is not as it was")
	}
}

// TestAKilledJobLeavesEchoOn: nobody but the reader is left to see to that.
func TestAKilledJobLeavesEchoOn(t *testing.T) {
	s, _, before := lent(t)
	s.tell(killJob)
	s.waitEcho(true)
	for limit := time.Now().Add(10 * time.Second); s.state() != *before; time.Sleep(time.Millisecond) {
		if time.Now().After(limit) {
			t.Fatal("the terminal is not as it was")
		}
	}
}

// TestAReaderThatWakesUpLateLeavesTheTerminalAlone: it was stopped while it asked, and the job has ended since.
func TestAReaderThatWakesUpLateLeavesTheTerminalAlone(t *testing.T) {
	t.Setenv(fateMark, "stop")
	s, reader, before := lent(t)
	s.tell(tellJob)
	s.tell(waitJob)
	if s.state() != *before {
		t.Error("the terminal is not as it was when the job has ended")
	}
	s.must(syscall.Kill(reader, syscall.SIGCONT))
	s.types("for the shell\r")
	time.Sleep(5 * look)
	if n := s.unread(); n != len("for the shell\n") {
		t.Errorf("%d bytes are left for the shell", n)
	}
	if s.state() != *before {
		t.Error("the reader has set the terminal")
	}
}

// TestATerminalIsHandedOverWithinADialogue: after a line with echo, and there is another question afterwards.
func TestATerminalIsHandedOverWithinADialogue(t *testing.T) {
	s := sit(t, "within")
	s.asked("sure: ")
	s.types("yes\r")
	s.says("3")
	s.asked("first: ")
	s.waitEcho(false)
	s.types("tangle\r")
	s.says("6")
	if s.says("back"); s.echo() {
		t.Error("echo is on before the dialogue is over")
	}
	s.goOn()
	s.must(s.job.Wait())
	if s.state() != *s.fresh {
		t.Error("the terminal is not as it was")
	}
}

func within() error {
	c := &Console{}
	defer c.Close()
	line, err := c.Line(context.Background(), "sure: ")
	if err != nil {
		return err
	}
	fmt.Println(len(line))
	tty, done, err := c.Terminal()
	if err != nil {
		return err
	}
	err = one(&Console{TTY: tty})
	done()
	fmt.Println("back")
	return errors.Join(err, pause())
}

// TestWhatIsTypedBeyondADialogueIsDropped: lines before its first question, and pasted ones beyond its last.
func TestWhatIsTypedBeyondADialogueIsDropped(t *testing.T) {
	for _, role := range []string{"once", "lends", "confirms"} {
		s := sit(t, role)
		s.types("early\r")
		s.asked("early")
		s.goOn()
		s.asked("first: ")
		if role != "confirms" {
			s.waitEcho(false)
		}
		s.types("tangle\rrm -r everything\r")
		s.says("6")
		s.says("over")
		if n := s.unread(); n != 0 {
			t.Errorf("%s: %d bytes are left for the shell", role, n)
		}
		if s.state() != *s.fresh {
			t.Errorf("%s: the terminal is not as it was", role)
		}
		s.goOn()
		s.must(s.job.Wait())
	}
}

// around waits for the test before and after a dialogue.
func around(dialogue func() error) error {
	for _, f := range []func() error{pause, dialogue, func() error { _, err := fmt.Println("over"); return err }, pause} {
		if err := f(); err != nil {
			return err
		}
	}
	return nil
}

func pause() error {
	_, err := os.Stdin.Read(make([]byte, 1))
	return err
}

func once() error {
	c := &Console{}
	defer c.Close()
	return one(c)
}

func one(c *Console) error {
	s, err := c.Secret(context.Background(), "first: ")
	if err != nil {
		return err
	}
	fmt.Println(len(s.Expose()))
	s.Wipe()
	return nil
}

func lends() error {
	tty, done, err := (&Console{}).Terminal()
	if err != nil {
		return err
	}
	defer done()
	return one(&Console{TTY: tty})
}

func confirms() error {
	c := &Console{}
	defer c.Close()
	line, err := c.Line(context.Background(), "first: ")
	fmt.Println(len(line))
	return err
}
