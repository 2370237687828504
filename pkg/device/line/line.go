// Package line makes a byte stream with time-outs out of anything that reads and writes, and opens the lines that a
// device URI can name: TCP, serial ports and pseudo-terminals.
//
// A serial port or pseudo-terminal is taken by one program at a time: a second one, of whichever user, is told so
// (kind busy), until the first has closed it or has died. Speed and mode are the URI's and can be changed while it is
// open, see [SpeedChanger].
//
// It knows bytes and time, no protocol. A goroutine reads ahead, so that waiting can end by the injected clock or a
// context whatever the stream is, and so that two parties on an unbuffered pipe never block each other. Buffers that
// bytes went through are wiped: any of them may have been a key.
//
// Limits: reading ahead stops after some chunks, so a peer that floods is held back and not stored; a read of no bytes
// without an error (serial ports answer so when their own time runs out) is nothing at all.
package line

import (
	"context"
	"errors"
	"io"
	"sync"
	"time"

	"poskey/internal/secret"
	"poskey/pkg/device"
)

// ErrTimeout says that the time given had passed.
var ErrTimeout = errors.New("nothing came in time")

const (
	chunkSize  = 512
	chunksHeld = 32
)

// Line is a byte stream with time-outs. One goroutine may read from it and one write to it.
type Line struct {
	rw      io.ReadWriteCloser
	clock   device.Clock
	in      chan []byte // closed when reading ended; readErr then says why
	readErr error
	closing chan struct{}
	once    sync.Once
	closed  error
}

// New starts reading from rw, which belongs to the line from now on. A nil clock is the machine's.
func New(rw io.ReadWriteCloser, clock device.Clock) *Line {
	if clock == nil {
		clock = device.RealClock{}
	}
	l := &Line{rw: rw, clock: clock, in: make(chan []byte, chunksHeld), closing: make(chan struct{})}
	go l.readAhead()
	return l
}

func (l *Line) readAhead() {
	defer close(l.in)
	buf := make([]byte, chunkSize)
	for {
		n, err := l.rw.Read(buf)
		if n > 0 && !l.pass(append([]byte(nil), buf[:n]...)) {
			err = io.ErrClosedPipe
		}
		secret.Wipe(buf[:n])
		if err != nil {
			l.readErr = err
			return
		}
	}
}

func (l *Line) pass(chunk []byte) bool {
	select {
	case l.in <- chunk:
		return true
	case <-l.closing:
		secret.Wipe(chunk)
		return false
	}
}

// Read gives the next bytes; the caller wipes them. It ends with ErrTimeout when timer fires (a nil timer never does),
// with the context's error, or with the stream's: io.EOF where the peer closed it.
func (l *Line) Read(ctx context.Context, timer <-chan time.Time) ([]byte, error) {
	select { // a peer that never pauses must not outrun the clock
	case <-timer:
		return nil, ErrTimeout
	case <-ctx.Done():
		return nil, ctx.Err()
	default:
	}
	select {
	case chunk, ok := <-l.in:
		if !ok {
			return nil, l.readErr
		}
		return chunk, nil
	case <-timer:
		return nil, ErrTimeout
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Write writes all of b. A peer that takes nothing for so long ends it with ErrTimeout, and the line is closed: half a
// frame cannot be taken back. A stream that took all of b and failed then has sent it: that is no error here, since a
// caller would take what is on its way for unsent; what is read next has the stream's error.
func (l *Line) Write(b []byte, limit time.Duration) error {
	timer, stop := l.clock.After(limit)
	defer stop()
	done := make(chan error, 1)
	go func() {
		n, err := l.rw.Write(b)
		if n == len(b) {
			err = nil
		}
		done <- err
	}()
	select {
	case err := <-done:
		return err
	case <-timer:
		_ = l.rw.Close()
		if <-done == nil { // it was through in the same moment
			return nil
		}
		return ErrTimeout // b is not used any more
	}
}

// Speed gives the stream's speed and mode to change; false where it has none, as over TCP, where the terminal server at
// the far end has them.
func (l *Line) Speed() (SpeedChanger, bool) {
	c, ok := l.rw.(SpeedChanger)
	return c, ok
}

// Drain throws away what has been read ahead and was not asked for.
func (l *Line) Drain() {
	for {
		select {
		case chunk, ok := <-l.in:
			if !ok {
				return
			}
			secret.Wipe(chunk)
		default:
			return
		}
	}
}

// Close closes the stream and waits until nothing reads from it any more.
func (l *Line) Close() error {
	l.once.Do(func() {
		close(l.closing)
		l.closed = l.rw.Close()
		for chunk := range l.in {
			secret.Wipe(chunk)
		}
	})
	return l.closed
}
