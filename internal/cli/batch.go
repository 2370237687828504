package cli

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"runtime"
	"strings"
	"sync"

	"poskey/internal/fault"
	"poskey/internal/render"
	"poskey/internal/source"
	"poskey/internal/text"
)

// maxBatchLine bounds one line: a block of 9,999 characters and its keys fit many times.
const maxBatchLine = 1 << 20

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
	return a.runBatch(ctx, path, schema, func() batchLine {
		in := a.batchIntake(once)
		return func(ctx context.Context, line []byte) (any, error) {
			mine := defaults
			if err := decodeLine(line, &mine); err != nil {
				return nil, err
			}
			return one(ctx, in, mine)
		}
	})
}

// answer works on one line. A panic becomes the line's error, without its value, which may hold a key.
func (work batchLine) answer(ctx context.Context, j job) (doc any, err error) {
	defer func() {
		if recover() != nil {
			doc, err = nil, errBug()
		}
	}()
	if j.tooLong {
		return nil, fault.New(fault.TooLarge, "the line has more than %d bytes", maxBatchLine)
	}
	defer clear(j.line)
	return work(ctx, j.line)
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

// job is one line on its way; its answer is waited for in the order of the input.
type job struct {
	n       int
	line    []byte
	tooLong bool
	answer  chan []byte
}

// runBatch streams JSON Lines: all cores work, the order stays, memory stays flat, a bad line gives an error line and the
// run goes on. newWorker makes what one worker needs. Bad lines end the run with Partial.
func (a *App) runBatch(ctx context.Context, path, schema string, newWorker func() batchLine) error {
	in, done, err := a.openBatch(ctx, path)
	if err != nil {
		return err
	}
	defer done()
	if _, err := a.hsm(); err != nil { // the workers share boundary and reader: made before the first of them runs
		return err
	}
	a.sources()
	stopped := ctx // of the caller; the one below also ends when the output fails
	workers := runtime.GOMAXPROCS(0)
	jobs, ordered := make(chan job, 4*workers), make(chan job, 64*workers)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	readErr := make(chan error, 1)
	go func() { readErr <- readLines(ctx, in, jobs, ordered) }()
	var wg sync.WaitGroup
	var bad counter
	for range workers {
		wg.Go(func() {
			work := newWorker()
			for j := range jobs {
				j.answer <- a.answerLine(ctx, j, schema, work, &bad)
			}
		})
	}
	out := bufio.NewWriterSize(a.Out, 1<<16)
	var writeErr error
	for j := range ordered {
		line := <-j.answer
		if writeErr == nil {
			if _, writeErr = out.Write(line); writeErr != nil {
				cancel()
			}
		}
	}
	wg.Wait()
	if err := <-readErr; err != nil {
		writeErr = errors.Join(writeErr, err)
	}
	if err := errors.Join(writeErr, out.Flush()); err != nil {
		return fault.Wrap(err, "batch")
	}
	if stopped.Err() != nil { // all was read, but lines may be without an answer
		return fault.Wrap(context.Cause(stopped), "batch")
	}
	if n := bad.value(); n > 0 {
		return fault.New(fault.Partial, "lines of the batch with errors: %d", n)
	}
	return nil
}

func (a *App) openBatch(ctx context.Context, path string) (io.Reader, func(), error) {
	if path == "-" {
		in, err := a.sources().TakeStdin()
		return in, func() {}, err
	}
	f, err := source.Open(ctx, path)
	if err != nil {
		return nil, nil, fault.Wrap(err, "the batch")
	}
	return source.Abortable(ctx, f), func() { _ = f.Close() }, nil
}

// readLines cuts the input into jobs. Blank lines are skipped; they count as lines.
func readLines(ctx context.Context, in io.Reader, jobs, ordered chan<- job) error {
	defer close(ordered)
	defer close(jobs)
	lines := bufio.NewReaderSize(in, 1<<16)
	for n := 1; ; n++ {
		line, tooLong, err := readLine(lines)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if len(line) == 0 && !tooLong {
			continue
		}
		j := job{n, line, tooLong, make(chan []byte, 1)}
		select {
		case jobs <- j:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		ordered <- j
	}
}

// readLine reads one line without the blanks around it. Of a line that is too long nothing is kept, but all is read, so
// that the run can go on behind it.
func readLine(in *bufio.Reader) (line []byte, tooLong bool, err error) {
	for {
		piece, err := in.ReadSlice('\n')
		if tooLong = tooLong || len(line)+len(piece) > maxBatchLine; !tooLong {
			line = append(line, piece...)
		}
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
		case errors.Is(err, io.EOF) && (len(line) > 0 || tooLong), err == nil:
			return bytes.TrimSpace(line), tooLong, nil
		default:
			return nil, false, err
		}
	}
}

func (a *App) answerLine(ctx context.Context, j job, schema string, work batchLine, bad *counter) []byte {
	var out []byte
	doc, err := work.answer(ctx, j)
	if err == nil {
		out, err = render.Document(schema, doc)
	}
	if ctx.Err() != nil { // the run was stopped: this line has no answer, and is none of the bad ones
		return nil
	}
	if err != nil {
		bad.add()
		kind := fault.KindOf(err)
		out, _ = json.Marshal(batchError{j.n, batchErrorField{kind.Exit(), string(kind), err.Error()}})
	}
	return append(out, '\n')
}

// decodeLine reads a line into options that already hold the command line's values as defaults. An unknown field is an
// error; its value, which may be a secret, is not repeated.
func decodeLine(line []byte, into any) error {
	if line[0] != '{' { // null would be taken for an object without fields
		return fault.New(fault.Malformed, "the line is not a JSON object")
	}
	line, err := oneExpect(line)
	if err != nil {
		return err
	}
	d := json.NewDecoder(bytes.NewReader(line))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		const unknown = "json: unknown field "
		var kind *json.UnmarshalTypeError
		switch {
		case errors.As(err, &kind):
			return fault.New(fault.Usage, "field %s has a value of the wrong type", kind.Field)
		case strings.HasPrefix(err.Error(), unknown):
			return fault.New(fault.Usage, "unknown field %s", text.Redact(strings.TrimPrefix(err.Error(), unknown)))
		}
		return fault.New(fault.Malformed, "the line is not a JSON object")
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return fault.New(fault.Malformed, "more follows after the JSON object")
	}
	return nil
}

// oneExpect makes the field expected the field expect: they are one flag, and the line's value goes before a default.
func oneExpect(line []byte) ([]byte, error) {
	if !bytes.Contains(line, []byte(`"expected"`)) {
		return line, nil
	}
	var fields map[string]json.RawMessage
	if json.Unmarshal(line, &fields) != nil || fields["expected"] == nil {
		return line, nil // whoever decodes it says what is wrong
	}
	if fields["expect"] != nil {
		return nil, fault.New(fault.Usage, "expect and expected are the same field; give one")
	}
	fields["expect"] = fields["expected"]
	delete(fields, "expected")
	return json.Marshal(fields)
}

// counter counts over goroutines.
type counter struct {
	mu sync.Mutex
	n  int
}

func (c *counter) add()       { c.mu.Lock(); c.n++; c.mu.Unlock() }
func (c *counter) value() int { c.mu.Lock(); defer c.mu.Unlock(); return c.n }
