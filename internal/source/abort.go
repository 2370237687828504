package source

import (
	"context"
	"io"

	"poskey/internal/secret"
)

// Abortable gives a reader that stops waiting when ctx ends. A pipe that nobody writes to blocks for ever, and the signal
// that should end the command only ends ctx.
func Abortable(ctx context.Context, r io.Reader) io.Reader { return &abortable{ctx, r} }

type abortable struct {
	ctx context.Context
	r   io.Reader
}

// maxRead bounds what is asked for at once, since it passes through locked memory.
const maxRead = 16 << 10

// Read reads into bytes of its own: given up, the read goes on behind, and must not write into the caller's.
func (a *abortable) Read(p []byte) (int, error) {
	type result struct {
		n   int
		err error
	}
	own := secret.New(min(len(p), maxRead))
	done := make(chan result, 1)
	go func() {
		n, err := a.r.Read(own.Expose())
		done <- result{n, err}
	}()
	select {
	case <-a.ctx.Done(): // own stays: the read may still write to it
		return 0, context.Cause(a.ctx)
	case got := <-done:
		defer own.Wipe()
		copy(p, own.Expose()[:got.n])
		return got.n, got.err
	}
}

// Stream is [Abortable] for input that is read for long, such as the lines of a batch. What it reads passes through ordinary
// memory, where lines lie anyway, and is cleared there.
func Stream(ctx context.Context, r io.Reader) io.Reader {
	if a, ok := r.(*abortable); ok { // one is enough
		r = a.r
	}
	return &stream{ctx: ctx, r: r}
}

type stream struct {
	ctx context.Context
	r   io.Reader
	own []byte // given up with the read that may still write to it
}

func (s *stream) Read(p []byte) (int, error) {
	if err := context.Cause(s.ctx); err != nil {
		return 0, err
	}
	if s.own == nil {
		s.own = make([]byte, maxRead)
	}
	type result struct {
		n   int
		err error
	}
	own := s.own[:min(len(p), maxRead)]
	done := make(chan result, 1)
	go func() {
		n, err := s.r.Read(own)
		done <- result{n, err}
	}()
	select {
	case <-s.ctx.Done():
		s.own = nil
		return 0, context.Cause(s.ctx)
	case got := <-done:
		copy(p, own[:got.n])
		clear(own[:got.n])
		return got.n, got.err
	}
}
