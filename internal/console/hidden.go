package console

// Lines that nobody may see, typed by people who need to know how far they are.

import (
	"context"
	"errors"
	"io"
	"strings"
	"time"

	"poskey/internal/fault"
	"poskey/internal/secret"
)

// Typing says how a hidden line is typed.
type Typing struct {
	Idle  time.Duration    // the question ends when nobody types for so long; 0: it waits
	Now   func() time.Time // the clock of Idle
	Group int              // a dot is shown for so many digits, as long as nothing but digits is typed; 0: nothing is shown
}

// Hidden asks for a line that nobody may see, and reads it key by key into locked memory: Backspace takes a character back,
// Ctrl-U all of them. What was typed before the question is dropped. Errors: device_timeout when nobody typed for a while,
// interrupted, input_needed.
//
// Dots are for the digits of a component, which count anyway: they end with the first character that is no hex digit, blank
// or dash, so that of a passphrase nothing is told, and that somebody who typed an O for a zero sees it at once.
func (c *Console) Hidden(ctx context.Context, prompt string, t Typing) (*secret.Bytes, error) {
	tty, done, err := c.terminal()
	if err != nil {
		return nil, err
	}
	began, err := c.hush.begin(tty, done)
	if err != nil || !began {
		defer done()
	}
	if err != nil {
		return nil, err
	}
	c.hush.discard()
	s := &seat{tty: tty, own: true, modes: &c.hush.mu}
	if s.conn, err = tty.SyscallConn(); err != nil {
		return nil, fault.WrapAs(fault.Failure, err, "ask at the terminal")
	}
	for {
		line, err := c.askHidden(ctx, s, prompt, t)
		if err != nil {
			c.hush.discard() // the rest of a component must not be shown at the next question
		}
		if cause := context.Cause(ctx); err != nil && cause != nil {
			c.Close()
			return nil, cause
		}
		if !errors.Is(err, errAway) { // somebody else had the terminal, such as the shell while the job was stopped
			return line, err
		}
		c.hush.renew()
	}
}

func (c *Console) askHidden(ctx context.Context, s *seat, prompt string, t Typing) (*secret.Bytes, error) {
	if _, err := io.WriteString(s.tty, prompt); err != nil { // before the mode in which a line feed is no more than that
		return nil, fault.WrapAs(fault.Failure, err, "ask at the terminal")
	}
	restore, err := s.raw(ctx)
	if err != nil {
		return nil, err
	}
	defer restore()
	dots := &dots{to: s.tty, group: t.Group}
	return typed(reading{ctx: ctx, seat: s, idle: t.Idle, now: t.Now}, dots.show)
}

// dots tell how many groups of digits were typed.
type dots struct {
	to           io.Writer
	group, shown int
}

func (d *dots) show(line []byte) {
	n, whole := countDigits(line)
	if d.group == 0 || !whole {
		return
	}
	want := n / d.group
	for ; d.shown < want; d.shown++ {
		_, _ = io.WriteString(d.to, ".")
	}
	for ; d.shown > want; d.shown-- {
		_, _ = io.WriteString(d.to, "\b \b")
	}
}

// countDigits counts hex digits; whole is false when there is anything beside them, blanks and dashes.
func countDigits(line []byte) (n int, whole bool) {
	for _, c := range line {
		switch {
		case strings.IndexByte("0123456789abcdefABCDEF", c) >= 0:
			n++
		case c != ' ' && c != '-':
			return n, false
		}
	}
	return n, true
}

// Discard drops what was typed and not read: it was no answer to the question that comes.
func (c *Console) Discard() { c.hush.discard() }

// Width gives the columns of the terminal where people are asked, or 0.
func (c *Console) Width() int {
	tty, done, err := c.terminal()
	if err != nil {
		return 0
	}
	defer done()
	return WidthOf(tty)
}
