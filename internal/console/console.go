// Package console talks to the person at the terminal. It is the only user of x/term.
//
// Manners: questions and answers go through the controlling terminal, not through stdin and stdout, so that prompts work
// in pipes; stdin serves only when it is itself a terminal. Secrets are read without echo. From the first one on echo
// stays off, until a line is asked for or the dialogue ends: what is typed while a passphrase is checked is one too. What
// was typed before a dialogue or is left after it is dropped: it was meant for no shell. The terminal is put back in order
// on every way out, an interrupt included, and while the job is stopped. Where nobody can answer, or --no-input forbids to
// ask, the error says which flag would have answered.
//
// A terminal may be handed to a process of another session, which the system does not stop when the terminal belongs to
// somebody else. It looks for itself, before it reads: only while the one that handed the terminal over has it in the
// foreground and without echo.
package console

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"strings"
	"syscall"

	"golang.org/x/term"

	"poskey/internal/fault"
	"poskey/internal/secret"
)

// Console asks.
type Console struct {
	NoInput bool
	Stdin   *os.File // asked only when there is no controlling terminal
	TTY     *os.File // asked instead of the controlling terminal, where a process was handed one; stays the caller's

	hush hush
}

// Close ends the dialogue: the terminal is as it was found, and what nobody has read is dropped. It may be called twice,
// and the next question begins another one. Of a terminal that was handed over, who handed it over sees to that.
func (c *Console) Close() { c.hush.end() }

// terminal opens the controlling terminal, or falls back to stdin when that is one.
func (c *Console) terminal() (*os.File, func(), error) {
	if c.NoInput {
		return nil, nil, fault.New(fault.InputNeeded, "a person must answer here, and --no-input forbids to ask")
	}
	if c.TTY != nil {
		return c.TTY, func() {}, nil
	}
	if tty, err := openTTY(); err == nil {
		return tty, func() { _ = tty.Close() }, nil
	}
	if c.Stdin != nil && term.IsTerminal(int(c.Stdin.Fd())) {
		return c.Stdin, func() {}, nil
	}
	return nil, nil, fault.New(fault.InputNeeded, "a person must answer here, and there is no terminal")
}

// CanAsk reports whether somebody can be asked.
func (c *Console) CanAsk() bool {
	_, done, err := c.terminal()
	if err != nil {
		return false
	}
	done()
	return true
}

// Terminal gives the terminal where people are asked, to be handed to another process that asks for secrets. Echo is off
// until the caller calls done: this process is the one that a shell stops, and that can put the terminal back then.
func (c *Console) Terminal() (tty *os.File, done func(), err error) {
	if tty, done, err = c.terminal(); err != nil {
		return nil, nil, err
	}
	claim(int(tty.Fd())) // Fd also makes it wait for what is typed: another process would find it in the mode that it has here
	began, err := c.hush.begin(tty, done)
	switch {
	case err != nil:
		done()
		return nil, nil, err
	case began:
		return tty, c.hush.end, nil
	}
	release := done // not done itself: that is what is being made
	return tty, func() {
		c.hush.renew()
		release()
	}, nil
}

// Show writes to the terminal and not to a stream: what only the person who sits there is to see.
func (c *Console) Show(lines string) error {
	tty, done, err := c.terminal()
	if err != nil {
		return err
	}
	defer done()
	if _, err := io.WriteString(tty, lines); err != nil {
		return fault.WrapAs(fault.Failure, err, "write to the terminal")
	}
	return nil
}

// Clear takes everything from the screen, and from the lines above it where the terminal keeps them (ECMA-48 ED, and the
// ED 3 of xterm).
func (c *Console) Clear() error { return c.Show("\x1b[H\x1b[2J\x1b[3J") }

// Secret asks for a secret without echo. The text comes as typed, without the line end.
func (c *Console) Secret(ctx context.Context, prompt string) (*secret.Bytes, error) {
	if c.TTY != nil && !c.NoInput {
		return c.secretHanded(ctx, prompt)
	}
	tty, done, err := c.terminal()
	if err != nil {
		return nil, err
	}
	began, err := c.hush.begin(tty, done)
	if err != nil || !began { // the one that the dialogue began with stays open until its end
		defer done()
	}
	if err != nil {
		return nil, err
	}
	fd := int(tty.Fd())
	if _, err := io.WriteString(tty, prompt); err != nil {
		return nil, fault.WrapAs(fault.Failure, err, "ask at the terminal")
	}
	line, err := secretFrom(ctx, fd)
	_, _ = io.WriteString(tty, "\n")
	switch cause := context.Cause(ctx); {
	case err != nil && cause != nil:
		c.Close() // the shell shall not stay without echo
		return nil, cause
	case err != nil:
		return nil, fault.WrapAs(fault.InputNeeded, err, "nothing was typed")
	}
	return line, nil
}

// secretFrom reads a line from a terminal whose echo is off. It sets nothing there: a reader that did would race with
// whoever puts the terminal back when the job is interrupted or stopped. It ends with the context, and then nothing reads
// any more. The end of input ends a line that is not empty.
func secretFrom(ctx context.Context, fd int) (*secret.Bytes, error) {
	if handable() != nil { // this system cannot look whether there is anything to read
		return secretBlind(ctx, fd)
	}
	buf := secret.New(longestSecret)
	defer buf.Wipe()
	line, err := lineInto(ctx, fd, buf.Expose()[:0])
	switch {
	case errors.Is(err, io.EOF) && len(line) > 0:
	case err != nil:
		return nil, err
	case len(line) == longestSecret && line[longestSecret-1] != '\n':
		return nil, fault.New(fault.TooLarge, "more than %d characters were typed", longestSecret)
	}
	return secret.Copy(bytes.TrimRight(line, "\r\n")), nil
}

func secretBlind(ctx context.Context, fd int) (*secret.Bytes, error) {
	type answer struct {
		typed []byte
		err   error
	}
	got := make(chan answer, 1)
	go func() {
		typed, err := term.ReadPassword(fd)
		got <- answer{typed, err}
	}()
	select {
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	case a := <-got:
		if a.err != nil && (!errors.Is(a.err, io.EOF) || len(a.typed) == 0) {
			secret.Wipe(a.typed)
			return nil, a.err
		}
		return secret.Take(a.typed), nil
	}
}

// Line asks for a line with echo: for confirmations, never for secrets.
func (c *Console) Line(ctx context.Context, prompt string) (string, error) {
	tty, done, err := c.terminal()
	if err != nil {
		return "", err
	}
	began, err := c.hush.begin(tty, done)
	if err != nil || !began {
		defer done()
	}
	if err != nil {
		return "", err
	}
	c.hush.rest()
	c.hush.asks(prompt) // before it stands there: somebody who sees it may press Ctrl-Z at once
	defer c.hush.asks("")
	if _, err := io.WriteString(tty, prompt); err != nil {
		return "", fault.WrapAs(fault.Failure, err, "ask at the terminal")
	}
	line, err := lineFrom(ctx, tty)
	switch cause := context.Cause(ctx); {
	case err != nil && cause != nil:
		return "", cause
	case err != nil && line == "":
		return "", fault.WrapAs(fault.InputNeeded, err, "nothing was typed")
	}
	return strings.TrimSpace(line), nil
}

// longestLine bounds a line that is typed with echo.
const longestLine = 4096

// lineFrom reads a line. It ends with the context, and then nothing reads any more: the next question is answered by who
// types next.
func lineFrom(ctx context.Context, tty *os.File) (string, error) {
	if handable() != nil { // this system cannot look whether there is anything to read
		return lineBlind(ctx, tty)
	}
	line, err := lineInto(ctx, int(tty.Fd()), make([]byte, 0, longestLine))
	return string(line), err
}

// lineInto reads into line until a line feed is there or no room is left.
func lineInto(ctx context.Context, fd int, line []byte) ([]byte, error) {
	for !bytes.HasSuffix(line, []byte{'\n'}) && len(line) < cap(line) {
		switch {
		case ctx.Err() != nil:
			return line[:0], context.Cause(ctx)
		case !readable(fd, look):
			continue
		}
		n, err := readNow(fd, line[len(line):cap(line)])
		line = line[:len(line)+n]
		switch {
		case errors.Is(err, syscall.EINTR), errors.Is(err, syscall.EAGAIN):
		case err != nil:
			return line, err
		case n == 0:
			return line, io.EOF
		}
	}
	return line, nil
}

func lineBlind(ctx context.Context, tty *os.File) (string, error) {
	type answer struct {
		line string
		err  error
	}
	got := make(chan answer, 1)
	go func() {
		line, err := bufio.NewReader(io.LimitReader(tty, longestLine)).ReadString('\n')
		got <- answer{line, err}
	}()
	select {
	case <-ctx.Done():
		return "", context.Cause(ctx)
	case a := <-got:
		return a.line, a.err
	}
}

// IsTerminal reports whether a stream is a terminal.
func IsTerminal(stream any) bool {
	f, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// WidthOf gives the width of a terminal in columns, or 0.
func WidthOf(stream any) int {
	f, ok := stream.(*os.File)
	if !ok {
		return 0
	}
	w, _, err := term.GetSize(int(f.Fd()))
	if err != nil {
		return 0
	}
	return w
}
