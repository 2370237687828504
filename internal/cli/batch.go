package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"runtime"
	"sync"

	"poskey/internal/console"
	"poskey/internal/fault"
	"poskey/internal/source"
	"poskey/pkg/audit"
)

// batchLine answers one line of a batch: the document to print, or an error.
type batchLine func(ctx context.Context, line []byte) (any, error)

// batchOf runs a batch whose lines are the fields of O: the command line's values are the defaults of every line. The
// sources among them (given) are of the command line, so its rules hold for them: each is read once, and may be a prompt.
func batchOf[O any](ctx context.Context, a *App, path, schema string, defaults O, given []string,
	one func(context.Context, *intake, O) (any, error),
) error {
	once, err := a.readOnce(ctx, given)
	if err != nil {
		return err
	}
	defer once.wipe()
	fields := plainFieldsOf[O]()
	return a.runBatch(ctx, path, schema, func() batchLine {
		in := a.batchIntake(once)
		return func(ctx context.Context, line []byte) (any, error) {
			mine := defaults
			if !readPlain(fields, line, &mine) {
				mine = defaults
				if err := decodeLine(line, &mine); err != nil {
					return nil, err
				}
			}
			return one(ctx, in, mine)
		}
	})
}

// batchError is the line that stands in the place of a bad one.
type batchError struct {
	Line  int             `json:"line"`
	Error batchErrorField `json:"error"`
}

type batchErrorField struct {
	Code    int    `json:"code"`
	Kind    string `json:"kind"`
	Message string `json:"message"`
}

// runBatch streams JSON Lines: all cores work, the order stays, memory stays flat, a bad line gives an error line and the
// run goes on. newWorker makes what one worker needs. Bad lines end the run with Partial. What was written when a run is
// stopped are the answers of the first lines, without a gap.
func (a *App) runBatch(ctx context.Context, path, schema string, newWorker func() batchLine) error {
	in, err := a.openBatch(ctx, path)
	if err != nil {
		return err
	}
	defer in.close()
	if _, err := a.hsm(ctx); err != nil { // the workers share boundary and reader: made before the first of them runs
		return err
	}
	a.sources()
	stopped := ctx // of the caller; the one below also ends when the output fails
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	workers := runtime.GOMAXPROCS(0)
	many := 4 * workers
	free, jobs, ordered := make(chan *chunk, many), make(chan *chunk, many), make(chan *chunk, many)
	for range many {
		free <- &chunk{done: make(chan struct{}, 1)}
	}
	readErr := make(chan error, 1)
	go func() { readErr <- (&cutter{in: in, line: 1}).send(ctx, free, jobs, ordered) }()
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			work := newWorker()
			for c := range jobs {
				c.answer(ctx, schema, work)
				c.done <- struct{}{}
			}
		})
	}
	t, err := a.writeAnswers(ordered, free, a.startProgress(in), cancel)
	wg.Wait()
	a.holding.outcome.Batch = t.batch()
	if rerr := <-readErr; err == nil {
		err = rerr
	}
	switch {
	case err != nil:
		return fault.Wrap(err, "batch")
	case stopped.Err() != nil: // all was read, but lines may be without an answer
		return fault.Wrap(context.Cause(stopped), "batch")
	case t.bad > 0:
		return fault.New(fault.Partial, "lines of the batch with errors: %d", t.bad)
	}
	return nil
}

// writeAnswers writes what the workers answer, in the order of the input, and counts the bad lines. It ends when ordered
// does; an output that fails stops the run.
func (a *App) writeAnswers(ordered <-chan *chunk, free chan<- *chunk, p *progress, stop func()) (t tally, err error) {
	defer p.close()
	if a.holding.named {
		t.digest = audit.NewDigester()
	}
	whole := true
	for c := range ordered {
		<-c.done
		if whole && err == nil {
			if _, err = a.Out.Write(c.out.Bytes()); err != nil {
				stop()
			}
		}
		whole = whole && !c.stopped
		t.add(c)
		p.add(c)
		c.wipe()
		free <- c
	}
	return t, err
}

// tally sums a batch up for its record.
type tally struct {
	answered, bad int
	digest        *audit.Digester // of the answers, and not of the lines: these may hold keys; nil where nothing is recorded
}

func (t *tally) add(c *chunk) {
	t.answered += c.answered
	t.bad += c.bad
	if t.digest != nil {
		_, _ = t.digest.Write(c.out.Bytes())
	}
}

func (t *tally) batch() audit.Batch {
	if t.digest == nil {
		return audit.Batch{}
	}
	return audit.Batch{Count: uint64(t.answered), OK: uint64(t.answered - t.bad), Failed: uint64(t.bad), Digest: t.digest.Digest()}
}

// batchInput is the input of a batch.
type batchInput struct {
	io.Reader
	size  int64 // bytes, where they can be known before
	typed bool  // at a terminal
	close func()
}

func (a *App) openBatch(ctx context.Context, path string) (batchInput, error) {
	if path == "-" {
		in, err := a.sources().TakeStdin()
		b := batchInput{Reader: source.Stream(ctx, in), close: func() {}}
		if f := a.Console.Stdin; f != nil {
			b.size, b.typed = sizeOf(f), console.IsTerminal(f)
		}
		if b.typed {
			a.Console.Close() // who types the lines wants to see them
		}
		return b, err
	}
	f, err := source.Open(ctx, path)
	if err != nil {
		return batchInput{}, fault.Wrap(err, "the batch")
	}
	return batchInput{Reader: source.Stream(ctx, f), size: sizeOf(f), close: func() { _ = f.Close() }}, nil
}

// answer answers the lines of a chunk. Blank lines are skipped; they count as lines. When the run is stopped, what is not
// answered stays so, and is none of the bad lines.
func (c *chunk) answer(ctx context.Context, schema string, work batchLine) {
	defer clear(c.in)
	if c.tooLong {
		c.answered = 1
		c.refuse(c.first, errTooLong())
		return
	}
	n := c.first
	for line := range bytes.Lines(c.in) {
		if !c.answerLine(ctx, n, line, schema, work) {
			c.stopped = true
			return
		}
		n++
	}
}

func errTooLong() error {
	return fault.New(fault.TooLarge, "the line has more than %d bytes", maxBatchLine)
}

// answerLine answers the n-th line of the input; false says that the run was stopped meanwhile.
func (c *chunk) answerLine(ctx context.Context, n int, line []byte, schema string, work batchLine) bool {
	long := len(line) > maxBatchLine
	line = bytes.TrimSpace(line)
	if len(line) == 0 && !long {
		return true
	}
	before := c.out.Len()
	var err error
	if long {
		err = errTooLong()
	} else {
		err = c.work(ctx, line, schema, work)
	}
	if ctx.Err() != nil {
		c.out.Truncate(before)
		return false
	}
	c.answered++
	if err != nil {
		c.out.Truncate(before)
		c.refuse(n, err)
	}
	return true
}

// work puts a line's answer into c.out. A panic becomes the line's error, without its value, which may hold a key.
func (c *chunk) work(ctx context.Context, line []byte, schema string, work batchLine) (err error) {
	defer func() {
		if recover() != nil {
			err = errBug()
		}
	}()
	doc, err := work(ctx, line)
	if err != nil {
		return err
	}
	return c.out.Add(schema, doc)
}

// refuse puts an error into the place of the n-th line's answer.
func (c *chunk) refuse(n int, err error) {
	c.bad++
	kind := fault.KindOf(err)
	out, _ := json.Marshal(batchError{n, batchErrorField{kind.Exit(), string(kind), err.Error()}})
	_, _ = c.out.Write(append(out, '\n'))
}
