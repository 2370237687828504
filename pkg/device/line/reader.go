package line

import (
	"context"
	"io"
	"time"

	"poskey/internal/secret"
	"poskey/pkg/device"
)

// Reader is a line that is read byte by byte, for a dialect's decoder. What was read and not yet decoded is wiped as it
// goes, or when it is thrown away. It is used by one goroutine.
type Reader struct {
	*Line
	chunk []byte // not yet decoded from at on
	at    int
}

// NewReader makes a reader of a new line.
func NewReader(rw io.ReadWriteCloser, clock device.Clock) *Reader {
	return &Reader{Line: New(rw, clock)}
}

// Feed hands bytes to feed until it says that something is complete. The bytes behind that one stay for the next call.
// Errors are those of Read.
func (r *Reader) Feed(ctx context.Context, timer <-chan time.Time, feed func(c byte) (complete bool)) error {
	for {
		for r.at < len(r.chunk) {
			c := r.chunk[r.at]
			r.chunk[r.at] = 0
			r.at++
			if feed(c) {
				return nil
			}
		}
		chunk, err := r.Read(ctx, timer)
		if err != nil {
			return err
		}
		r.chunk, r.at = chunk, 0
	}
}

// Forget throws away what came and was not asked for.
func (r *Reader) Forget() {
	r.Drain()
	r.drop()
}

func (r *Reader) drop() {
	secret.Wipe(r.chunk)
	r.chunk, r.at = nil, 0
}

// Close closes the line, and wipes what was not decoded.
func (r *Reader) Close() error {
	err := r.Line.Close()
	r.drop()
	return err
}
