package console

// Secrets from a terminal that another process handed over. There the reader must end when the asking does: one that went
// on would take what is typed next, at the shell or by the next officer.

import (
	"context"
	"io"
	"os"
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

// secretHanded asks at a terminal that was handed over. It returns when nothing reads any more, and the terminal is as
// it was.
func (c *Console) secretHanded(ctx context.Context, prompt string) (*secret.Bytes, error) {
	tty, done, err := handedOver(c.TTY)
	if err != nil {
		return nil, err
	}
	defer done()
	restore, err := raw(tty)
	if err != nil {
		return nil, err
	}
	defer func() {
		restore()
		_, _ = io.WriteString(tty, "\n")
	}()
	if _, err := io.WriteString(tty, prompt); err != nil {
		return nil, fault.WrapAs(fault.Failure, err, "ask at the terminal")
	}
	stop := context.AfterFunc(ctx, func() { _ = tty.SetReadDeadline(time.Unix(1, 0)) }) // long ago: the read gives up
	defer stop()
	line, err := typed(tty)
	if cause := context.Cause(ctx); err != nil && cause != nil {
		err = cause
	}
	return line, err
}

// raw takes a terminal out of its line mode, without echo. The file keeps its way of waiting (Fd would change it).
func raw(tty *os.File) (restore func(), err error) {
	conn, err := tty.SyscallConn()
	if err != nil {
		return nil, fault.WrapAs(fault.Failure, err, "ask at the terminal")
	}
	var before *term.State
	if cerr := conn.Control(func(fd uintptr) { before, err = term.MakeRaw(int(fd)) }); cerr != nil {
		err = cerr
	}
	if err != nil {
		return nil, fault.WrapAs(fault.Failure, err, "ask at the terminal")
	}
	return func() { _ = conn.Control(func(fd uintptr) { _ = term.Restore(int(fd), before) }) }, nil
}

// typed reads a line key by key, into locked memory.
func typed(from io.Reader) (*secret.Bytes, error) {
	buf, one := secret.New(longestSecret), secret.New(1)
	defer buf.Wipe()
	defer one.Wipe()
	line := buf.Expose()[:0]
	for {
		if _, err := io.ReadFull(from, one.Expose()); err != nil {
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
