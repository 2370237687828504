package console

// Hidden lines typed key by key, at a terminal of its own.

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"poskey/internal/fault"
)

// types a component, a passphrase and a line with echo.
func component() error {
	c := &Console{}
	defer c.Close()
	for _, prompt := range []string{"row: ", "passphrase: "} {
		s, err := c.Hidden(context.Background(), prompt, Typing{Group: 4})
		if err != nil {
			return err
		}
		fmt.Printf("%q\n", s.Expose()) // what the test typed is no secret
		s.Wipe()
	}
	line, err := c.Line(context.Background(), "name: ")
	fmt.Printf("%q\n", line)
	return err
}

// leaves asks, and nobody types: the clock goes on when the test says so.
func leaves() error {
	c := &Console{}
	defer c.Close()
	var late atomic.Bool
	go func() {
		if _, err := io.ReadFull(os.Stdin, make([]byte, 1)); err == nil {
			late.Store(true)
		}
	}()
	now := time.Now()
	_, err := c.Hidden(context.Background(), "row: ", Typing{Idle: time.Minute, Now: func() time.Time {
		if late.Load() {
			now = now.Add(time.Minute)
		}
		return now
	}})
	if !fault.Is(err, fault.DeviceTimeout) {
		return fmt.Errorf("nobody typed for a minute: %w", err)
	}
	line, err := c.Line(context.Background(), "still there: ")
	fmt.Println(line)
	return err
}

// interrupts asks, is interrupted, and asks what that means.
func interrupts() error {
	c := &Console{}
	defer c.Close()
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt)
	for _, hidden := range []bool{true, false} {
		ctx, cancel := context.WithCancelCause(context.Background())
		go func() { <-signals; cancel(fault.New(fault.Interrupted, "interrupted")) }()
		var err error
		if hidden {
			_, err = c.Hidden(ctx, "row: ", Typing{Group: 4})
		} else {
			_, err = c.Line(ctx, "name: ")
		}
		if !fault.Is(err, fault.Interrupted) {
			return fmt.Errorf("interrupted: %w", err)
		}
		line, err := c.Line(context.WithoutCancel(ctx), "really: ")
		if err != nil {
			return err
		}
		fmt.Println(line)
	}
	return nil
}

// ahead asks after the test has typed too early.
func ahead() error {
	c := &Console{}
	defer c.Close()
	if _, err := c.Line(context.Background(), "first: "); err != nil {
		return err
	}
	fmt.Println("busy")
	if _, err := io.ReadFull(os.Stdin, make([]byte, 1)); err != nil {
		return err
	}
	c.Discard()
	line, err := c.Line(context.Background(), "second: ")
	fmt.Println(line)
	return errors.Join(err, c.Clear())
}

func TestHiddenRowsAreCountedAndNotShown(t *testing.T) {
	s := sit(t, "component")
	s.asked("row: ")
	s.waitEcho(false)
	s.types("0123 4567-89AB")
	s.asked("...")
	s.types("\x7f\x7f\x7f\x7f") // Backspace
	s.asked("\b \b")
	s.types("89AB CDEF\r")
	s.says(`"0123 4567-89AB CDEF"`)
	s.asked("passphrase: ")
	before := s.shown.Len()
	s.types("wrong\x15TEST face feed beef\r") // Ctrl-U
	s.says(`"TEST face feed beef"`)
	s.asked("name: ")
	s.waitEcho(true)
	s.types("li.na\r")
	s.says(`"li.na"`)
	s.must(s.job.Wait())
	s.drain()
	if !s.echo() {
		t.Error("no echo afterwards")
	}
	shown := s.shown.String()
	if strings.ContainsAny(shown[:before], "0123456789ABCDEF") || strings.Contains(shown, "face") {
		t.Errorf("the screen has %q", shown)
	}
	if strings.Contains(shown[before:], ".\b") || strings.Contains(shown[before:], "..") {
		t.Errorf("dots of a passphrase: %q", shown[before:])
	}
}

func TestAHiddenQuestionEndsWhenNobodyTypes(t *testing.T) {
	s := sit(t, "leaves")
	s.asked("row: ")
	s.waitEcho(false)
	s.types("01")
	s.goOn()
	s.asked("still there: ")
	s.waitEcho(true)
	s.types("yes\r")
	s.says("yes")
	s.must(s.job.Wait())
}

// TestAnInterruptedQuestionLeavesTheTerminalToTheNext: nothing of the first still reads.
func TestAnInterruptedQuestionLeavesTheTerminalToTheNext(t *testing.T) {
	s := sit(t, "interrupts")
	for _, prompt := range []string{"row: ", "name: "} {
		s.asked(prompt)
		s.waitEcho(prompt == "name: ")
		s.types("0123")
		s.types("\x03")
		s.asked("really: ")
		s.waitEcho(true)
		s.types("abort\r")
		s.says("abort")
		s.shown.Reset()
	}
	s.must(s.job.Wait())
	if !s.echo() {
		t.Error("no echo afterwards")
	}
}

func TestWhatIsTypedAheadIsNoAnswer(t *testing.T) {
	s := sit(t, "ahead")
	s.asked("first: ")
	s.types("one\r")
	s.says("busy")
	s.types("too early\r")
	time.Sleep(20 * time.Millisecond) // the terminal has it
	s.goOn()
	s.asked("second: ")
	s.types("two\r")
	s.says("two")
	s.must(s.job.Wait())
	s.drain()
	if !strings.Contains(s.shown.String(), "\x1b[3J") {
		t.Errorf("what lies above the screen is still there: %q", s.shown.String())
	}
}

// drain takes what is still to be shown.
func (s *sitting) drain() {
	for {
		select {
		case b := <-s.seen:
			s.shown.Write(b)
		case <-time.After(50 * time.Millisecond):
			return
		}
	}
}

func TestDigitsAreCountedUntilSomethingElseIsTyped(t *testing.T) {
	for line, want := range map[string]int{"": 0, "0123": 4, "01 23-aF": 6, "0O": -1, "TEST": -1, "12\x1b": -1} {
		n, whole := countDigits([]byte(line))
		if !whole {
			n = -1
		}
		if n != want {
			t.Errorf("%q: %d, want %d", line, n, want)
		}
	}
}
