package cli

import (
	"bytes"
	"context"
	"errors"
	"io"

	"poskey/internal/render"
)

const (
	// maxBatchLine bounds one line with its end: a block of 9,999 characters and its keys fit many times.
	maxBatchLine = 1 << 20
	// chunkSize is what is asked of the input at once: about a millisecond of work, so that handing over costs nothing
	// against it and few lines wait for each other.
	chunkSize = 16 << 10
	// maxKept bounds the buffers of a chunk between two uses; one that a long line made grow beyond is let go.
	maxKept = maxBatchLine
)

// chunk is a piece of the input cut at the ends of lines, on its way to one worker and back; its answers are waited for in
// the order of the input. Chunks are used again and again, so there are never more than a few.
type chunk struct {
	first    int           // number of its first line
	in       []byte        // whole lines; of the last line of the input, the end may be missing
	tooLong  bool          // it stands for one line that is too long, of which nothing was kept
	end      int64         // bytes of the input up to its end
	out      render.Lines  // the answers
	answered int           // lines that are not blank
	bad      int           // of them, those whose answer is an error
	stopped  bool          // the run was stopped before all its lines were answered
	done     chan struct{} // the worker's word that it is answered
}

// wipe forgets what was in it: lines may hold keys, and so may answers.
func (c *chunk) wipe() {
	out := c.out.Bytes()
	clear(c.in[:cap(c.in)])
	clear(out[:cap(out)]) // also what was taken back
	c.in = c.in[:0]
	c.out.Reset()
	if cap(c.in) > maxKept {
		c.in = nil
	}
	if c.out.Cap() > maxKept {
		c.out = render.Lines{}
	}
	c.tooLong, c.stopped, c.answered, c.bad = false, false, 0, 0
}

// cutter cuts the input into chunks.
type cutter struct {
	in    io.Reader
	rest  []byte // was read behind the end of a line: the beginning of the next one
	line  int    // number of the next line
	bytes int64  // given out so far
	err   error  // ended the input
}

// send cuts the input and hands every chunk to the workers and to the one who waits for them in order.
func (r *cutter) send(ctx context.Context, free <-chan *chunk, jobs, ordered chan<- *chunk) error {
	defer close(ordered)
	defer close(jobs)
	defer func() { clear(r.rest[:cap(r.rest)]) }()
	for {
		var c *chunk
		select {
		case c = <-free:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		switch err := r.fill(c); {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
		jobs <- c // all chunks have room there
		ordered <- c
	}
}

// fill gives a chunk the lines that the input has now. It waits only while there is no whole line: who writes one line and
// waits for its answer gets it.
func (r *cutter) fill(c *chunk) error {
	c.first = r.line
	c.in = append(c.in[:0], r.rest...)
	clear(r.rest)
	r.rest = r.rest[:0]
	for looked := 0; ; {
		if end := bytes.LastIndexByte(c.in[looked:], '\n'); end >= 0 {
			r.rest = append(r.rest, c.in[looked+end+1:]...)
			return r.give(c, looked+end+1)
		}
		looked = len(c.in)
		switch {
		case looked > maxBatchLine:
			return r.skip(c)
		case errors.Is(r.err, io.EOF) && looked > 0:
			return r.give(c, looked)
		case r.err != nil:
			return r.err
		}
		r.read(c)
	}
}

// give settles that the first n bytes of c.in are its lines.
func (r *cutter) give(c *chunk, n int) error {
	clear(c.in[n:])
	c.in = c.in[:n]
	r.bytes += int64(n)
	r.line += bytes.Count(c.in, []byte{'\n'})
	c.end = r.bytes
	return nil
}

// read reads once into the room behind c.in.
func (r *cutter) read(c *chunk) {
	if cap(c.in)-len(c.in) < chunkSize/2 {
		grown := make([]byte, len(c.in), max(chunkSize, 2*cap(c.in)))
		copy(grown, c.in)
		clear(c.in)
		c.in = grown
	}
	var n int
	n, r.err = r.in.Read(c.in[len(c.in):cap(c.in)])
	c.in = c.in[:len(c.in)+n]
}

// skip reads to the end of a line of which nothing is kept, so that the run can go on behind it.
func (r *cutter) skip(c *chunk) error {
	for {
		end := bytes.IndexByte(c.in, '\n')
		if end >= 0 {
			r.rest = append(r.rest, c.in[end+1:]...)
			r.bytes -= int64(len(r.rest))
		}
		r.bytes += int64(len(c.in))
		clear(c.in)
		c.in = c.in[:0]
		if end >= 0 || r.err != nil {
			break
		}
		r.read(c)
	}
	c.tooLong, c.end = true, r.bytes
	r.line++
	return nil
}
