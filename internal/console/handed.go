package console

// Secrets from a terminal that another process handed over. There the reader must end when the asking does, and must not
// read while the terminal is a shell's: it would take what is typed next, at the shell or by the next officer.

import (
	"context"
	"errors"
	"io"
	"os"
	"sync"
	"syscall"
	"time"
	"unicode/utf8"

	"golang.org/x/term"

	"poskey/internal/fault"
	"poskey/internal/secret"
)

// longestSecret bounds a line that is typed.
const longestSecret = 4096

// The keys that mean something while a secret is typed. The terminal is in raw mode, so nobody else looks at them.
const (
	keyInterrupt = 0x03 // Ctrl-C
	keyEnd       = 0x04 // Ctrl-D
	keyBackspace = 0x08
	keyKillLine  = 0x15 // Ctrl-U
	keyDelete    = 0x7f
)

// look is how often a reader looks whether it is still wanted, and the terminal its own to read. What is typed makes it
// look at once.
const look = 50 * time.Millisecond

// hungUp is how often in a row there may be something to read and nothing is read: once it was dropped in between; a
// terminal that hung up goes on so.
const hungUp = 8

// settling is how long echo may be on before it is taken off again: who handed the terminal over does so itself when its
// job comes back, and has ended the dialogue if it does not.
const settling = time.Second

// errAway is the end of an asking at which the terminal went to somebody else.
var errAway = errors.New("the terminal is somebody else's")

// secretHanded asks at a terminal that was handed over. It returns when nothing reads any more, and the terminal is as
// it was. While the terminal is somebody else's it waits, and then asks once more from the beginning.
func (c *Console) secretHanded(ctx context.Context, prompt string) (*secret.Bytes, error) {
	if err := handable(); err != nil {
		return nil, err
	}
	s := &seat{tty: c.TTY}
	var err error
	if s.conn, err = c.TTY.SyscallConn(); err != nil {
		return nil, fault.WrapAs(fault.Failure, err, "ask at the terminal")
	}
	s.control(func(fd int) { s.owner = ownerOf(fd) })
	for {
		if err := s.await(ctx); err != nil {
			return nil, err
		}
		line, err := s.ask(ctx, prompt)
		if cause := context.Cause(ctx); err != nil && cause != nil {
			return nil, cause
		}
		if !errors.Is(err, errAway) {
			return line, err
		}
	}
}

// seat is a terminal that was handed over, as one who asks there sees it.
type seat struct {
	tty   *os.File
	conn  syscall.RawConn
	owner owner
	own   bool        // the terminal is this process's own: keys that send signals do so
	mode  *term.State // that it was put into
	modes sync.Locker // of who else sets the terminal's mode here; nil: nobody in this process does
}

// control does something with the descriptor. It reports false when the terminal is closed.
func (s *seat) control(f func(fd int)) bool {
	return s.conn.Control(func(fd uintptr) { f(int(fd)) }) == nil
}

// set is control for what looks at the mode and then sets it: nobody else does so in between.
func (s *seat) set(f func(fd int)) bool {
	if s.modes != nil {
		s.modes.Lock()
		defer s.modes.Unlock()
	}
	return s.control(f)
}

// await waits until the terminal is there to ask at.
func (s *seat) await(ctx context.Context) error {
	for lit := time.Duration(0); ; lit += look {
		mine, hidden := false, false
		open := s.control(func(fd int) { mine, hidden = s.owner.foreground(fd), dark(fd) })
		switch {
		case !mine:
			lit = 0
		case hidden, lit >= settling, !s.owner.known(), !open:
			return nil
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(look):
		}
	}
}

// ask asks once.
func (s *seat) ask(ctx context.Context, prompt string) (*secret.Bytes, error) {
	restore, err := s.raw(ctx)
	if err != nil {
		return nil, err
	}
	defer restore()
	if _, err := io.WriteString(s.tty, prompt); err != nil {
		return nil, fault.WrapAs(fault.Failure, err, "ask at the terminal")
	}
	return typed(reading{ctx: ctx, seat: s}, nil)
}

// raw takes the terminal out of its line mode, without echo.
func (s *seat) raw(ctx context.Context) (restore func(), err error) {
	var before *term.State
	open := s.set(func(fd int) {
		if before, err = term.GetState(fd); err != nil {
			return
		}
		if err = rawMode(fd, s.own); err == nil {
			s.mode, err = term.GetState(fd)
		}
	})
	if err == nil && !open {
		err = os.ErrClosed
	}
	if err != nil {
		return nil, fault.WrapAs(fault.Failure, err, "ask at the terminal")
	}
	return func() {
		left := false
		s.set(func(fd int) { left = s.leave(fd, before, ctx.Err() != nil) })
		if left {
			_, _ = io.WriteString(s.tty, "\n")
		}
	}, nil
}

// leave puts the terminal back, unless somebody else has set it since. Where nobody may be left to put echo on again,
// that is done here: the asking was given up because its owner is going, or the terminal is not the owner's any more. It
// reports whether the terminal is still there to write to.
func (s *seat) leave(fd int, before *term.State, givenUp bool) bool {
	mine := s.owner.foreground(fd)
	if now, err := term.GetState(fd); err != nil || *now != *s.mode {
		return mine
	}
	_ = term.Restore(fd, before)
	if !mine || givenUp && s.owner.known() {
		echoOn(fd)
	}
	return mine
}

// mine reports whether what is typed is typed for this reader.
func (s *seat) mine(fd int) bool {
	now, err := term.GetState(fd)
	return err == nil && *now == *s.mode && s.owner.foreground(fd)
}

// reading reads from a seat for as long as a context lives.
type reading struct {
	ctx context.Context //nolint:containedctx // a reader has no other place for it
	*seat
	idle time.Duration // how long nobody may type; 0: for ever
	now  func() time.Time
}

// Read gives what was typed here. Errors: errAway, before anything is read that was typed for somebody else;
// device_timeout.
func (r reading) Read(p []byte) (n int, err error) {
	quiet := r.quiet()
	for empty := 0; ; {
		if r.ctx.Err() != nil {
			return 0, context.Cause(r.ctx)
		}
		if quiet() {
			return 0, fault.New(fault.DeviceTimeout, "nobody typed anything for %s", r.idle)
		}
		there := false
		open := r.control(func(fd int) {
			there = readable(fd, look) // before the look at whose it is: what comes after that may be somebody else's
			switch {
			case !r.mine(fd):
				err = errAway
			case there:
				n, err = readNow(fd, p)
			}
			if errors.Is(err, syscall.EINTR) || errors.Is(err, syscall.EAGAIN) {
				there, err = false, nil
			}
		})
		switch {
		case !open:
			return 0, os.ErrClosed
		case err != nil:
			return 0, err
		case n > 0:
			return n, nil
		case !there:
			empty = 0
		case empty == hungUp:
			return 0, io.EOF
		default:
			empty++
		}
	}
}

// quiet tells when nobody has typed for too long, counted from now.
func (r reading) quiet() func() bool {
	if r.idle == 0 {
		return func() bool { return false }
	}
	since := r.now()
	return func() bool { return r.now().Sub(since) >= r.idle }
}

// typed reads a line key by key, into locked memory. show, where there is one, is told how the line stands after each key.
func typed(from io.Reader, show func(line []byte)) (*secret.Bytes, error) {
	buf, one := secret.New(longestSecret), secret.New(1)
	defer buf.Wipe()
	defer one.Wipe()
	line := buf.Expose()[:0]
	for {
		if _, err := io.ReadFull(from, one.Expose()); errors.Is(err, errAway) || fault.Is(err, fault.DeviceTimeout) {
			return nil, err
		} else if err != nil {
			return nil, fault.WrapAs(fault.InputNeeded, err, "nothing was typed")
		}
		switch key := one.Expose()[0]; key {
		case '\r', '\n':
			return secret.Copy(line), nil
		case keyInterrupt:
			return nil, fault.New(fault.Interrupted, "interrupted")
		case keyEnd:
			if len(line) == 0 {
				return nil, fault.New(fault.InputNeeded, "nothing was typed")
			}
		case keyBackspace, keyDelete:
			line = line[:len(line)-lastRune(line)]
		case keyKillLine:
			line = line[:0]
		default:
			if len(line) == cap(line) {
				return nil, fault.New(fault.TooLarge, "more than %d characters were typed", longestSecret)
			}
			line = append(line, key)
		}
		if show != nil {
			show(line)
		}
	}
}

// lastRune is the length of the last character in bytes.
func lastRune(line []byte) int {
	if len(line) == 0 {
		return 0
	}
	_, n := utf8.DecodeLastRune(line)
	return n
}
