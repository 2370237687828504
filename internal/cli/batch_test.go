package cli

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/iotest"
	"time"

	"poskey/internal/console"
	"poskey/internal/fault"
	"poskey/internal/i18n"
	"poskey/internal/render"
	"poskey/pkg/keys"
)

// patience is for what must happen and may take its time on a busy machine.
const patience = 30 * time.Second

// batchApp is an App as a batch needs it.
func batchApp(t testing.TB, in io.Reader, out io.Writer) *App {
	t.Helper()
	say := i18n.New(i18n.English)
	a := &App{
		Env: keys.Env{Rand: rand.Reader, Now: time.Now}, In: in, Out: out, Err: io.Discard,
		Getenv: func(string) string { return "" }, Console: &console.Console{NoInput: true}, Say: say,
		render: &render.Renderer{Out: out, Err: io.Discard, Say: say, Format: render.JSON},
	}
	t.Cleanup(a.close)
	return a
}

// echoDoc is the answer of echo: the line itself.
type echoDoc struct {
	Echo string `json:"echo"`
}

// echo answers a line with itself; some words in it make it do something else.
func echo() batchLine {
	return func(_ context.Context, line []byte) (any, error) {
		switch {
		case bytes.Contains(line, []byte("bad")):
			return nil, fault.New(fault.NotFound, "this one is bad")
		case bytes.Contains(line, []byte("panic")):
			panic("with the line: " + string(line))
		}
		return echoDoc{string(line)}, nil
	}
}

func echoed(line string) string {
	return fmt.Sprintf("{\"schema\":\"poskey.test/v1\",\"echo\":%q}\n", line)
}

func refused(n, code int, kind, message string) string {
	return fmt.Sprintf("{\"line\":%d,\"error\":{\"code\":%d,\"kind\":%q,\"message\":%q}}\n", n, code, kind, message)
}

// within fails the test when do takes for ever, with the stacks of all.
func within(t *testing.T, do func()) {
	t.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		do()
	}()
	select {
	case <-done:
	case <-time.After(patience):
		buf := make([]byte, 1<<20)
		t.Fatalf("it does not end\n%s", buf[:runtime.Stack(buf, true)])
	}
}

// TestABatchAnswersEveryLineInItsPlace: over many chunks, with bad, blank and endless lines among the others, however the
// input comes in pieces.
func TestABatchAnswersEveryLineInItsPlace(t *testing.T) {
	var in, want strings.Builder
	bad := 0
	for n := 1; n <= 30_000; n++ {
		line := fmt.Sprintf("line %d%s", n, strings.Repeat("x", n%211))
		switch {
		case n%997 == 0:
			in.WriteString(" \t\r\n")
			continue
		case n == 7_001 || n == 7_002 || n == 25_000:
			line = strings.Repeat("y", maxBatchLine)
			want.WriteString(refused(n, 3, "too_large", "the line has more than 1048576 bytes"))
			bad++
		case n == 12_345:
			line = strings.Repeat("z", maxBatchLine-1)
			want.WriteString(echoed(line))
		case n%89 == 0:
			line = "bad"
			want.WriteString(refused(n, 4, "not_found", "this one is bad"))
			bad++
		default:
			want.WriteString(echoed(line))
		}
		in.WriteString(line + "\n")
	}
	in.WriteString("  the last one, without an end ")
	want.WriteString(echoed("the last one, without an end"))
	for name, pieces := range map[string]func(io.Reader) io.Reader{
		"whole": func(r io.Reader) io.Reader { return r }, "half": iotest.HalfReader, "end with data": iotest.DataErrReader,
	} {
		var out bytes.Buffer
		within(t, func() {
			err := batchApp(t, pieces(strings.NewReader(in.String())), &out).runBatch(t.Context(), "-", "test", echo)
			if !fault.Is(err, fault.Partial) || err.Error() != fmt.Sprintf("lines of the batch with errors: %d", bad) {
				t.Errorf("%s: ended with %v, want %d bad lines", name, err, bad)
			}
		})
		if out.String() != want.String() {
			got, want := strings.SplitAfter(out.String(), "\n"), strings.SplitAfter(want.String(), "\n")
			for i := range min(len(got), len(want)) {
				if got[i] != want[i] {
					t.Fatalf("%s: answer %d is %.100q, want %.100q", name, i+1, got[i], want[i])
				}
			}
			t.Fatalf("%s: %d answers, want %d", name, len(got), len(want))
		}
	}
}

func TestAPanicIsTheErrorOfItsLineAndDoesNotTellIt(t *testing.T) {
	var out bytes.Buffer
	err := batchApp(t, strings.NewReader("one\npanic 0123456789ABCDEF\nthree\n"), &out).runBatch(t.Context(), "-", "test", echo)
	got := strings.SplitAfter(out.String(), "\n")
	if !fault.Is(err, fault.Partial) || len(got) != 4 || got[0] != echoed("one") || got[2] != echoed("three") {
		t.Fatalf("ended with %v: %s", err, out.String())
	}
	if !strings.HasPrefix(got[1], `{"line":2,"error":{"code":70,"kind":"bug"`) || strings.Contains(got[1], "0123456789ABCDEF") {
		t.Errorf("the line with the panic is %s", got[1])
	}
}

// TestALineIsAnsweredBeforeTheNextOneIsThere: who asks line by line over a pipe gets every answer before the next question.
func TestALineIsAnsweredBeforeTheNextOneIsThere(t *testing.T) {
	in, ask := io.Pipe()
	answers, out := io.Pipe()
	a := batchApp(t, in, out)
	ended := make(chan error, 1)
	go func() { ended <- a.runBatch(t.Context(), "-", "test", echo) }()
	within(t, func() {
		buf := make([]byte, 1000)
		for n := range 50 {
			line := fmt.Sprintf("question %d", n)
			if _, err := io.WriteString(ask, line+"\n"); err != nil {
				t.Error(err)
			}
			if got, err := answers.Read(buf); err != nil || string(buf[:got]) != echoed(line) {
				t.Errorf("answer %q, %v", buf[:got], err)
			}
		}
		_, _ = io.WriteString(ask, "half a li") // waits for the rest of it, and is one line then
		_, _ = io.WriteString(ask, "ne\n")
		if got, err := answers.Read(buf); err != nil || string(buf[:got]) != echoed("half a line") {
			t.Errorf("answer %q, %v", buf[:got], err)
		}
		_ = ask.Close()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

// endless gives lines for ever and counts what was taken.
type endless struct{ taken atomic.Int64 }

func (e *endless) Read(p []byte) (int, error) {
	const line = "another line of some length, and one more after it\n"
	n := 0
	for n+len(line) <= len(p) {
		n += copy(p[n:], line)
	}
	e.taken.Add(int64(n))
	return n, nil
}

// gate is an output that takes nothing until it is opened.
type gate struct{ opened chan struct{} }

func (g *gate) Write(p []byte) (int, error) {
	<-g.opened
	return len(p), nil
}

// TestABatchReadsNoFurtherThanItsAnswersGo: an output that takes nothing holds the input up, after a few chunks.
func TestABatchReadsNoFurtherThanItsAnswersGo(t *testing.T) {
	in, out := &endless{}, &gate{make(chan struct{})}
	ctx, cancel := context.WithCancel(t.Context())
	a := batchApp(t, in, out)
	ended := make(chan error, 1)
	go func() { ended <- a.runBatch(ctx, "-", "test", echo) }()
	var before int64
	for {
		time.Sleep(50 * time.Millisecond)
		now := in.taken.Load()
		if now > 0 && now == before {
			break
		}
		before = now
	}
	if most := int64(5*runtime.GOMAXPROCS(0)+2) * chunkSize; before > most {
		t.Errorf("%d bytes were read ahead, want at most %d", before, most)
	}
	cancel()
	close(out.opened)
	within(t, func() {
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("ended with %v", err)
		}
	})
}

// watcher looks at the heap while answers are written.
type watcher struct {
	lines int
	peak  uint64
	since int
}

func (w *watcher) Write(p []byte) (int, error) {
	w.lines += bytes.Count(p, []byte{'\n'})
	if w.since++; w.since%16 == 0 {
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		w.peak = max(w.peak, m.HeapInuse)
	}
	return len(p), nil
}

// TestMemoryStaysFlatOverManyLines: 300,000 lines and their answers are 60 MB; what is in use never comes near that.
func TestMemoryStaysFlatOverManyLines(t *testing.T) {
	const lines = 300_000
	var before runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	in := &cycle{lines: linesOf(100, func() string { return "a line: " + randomHex(36) }), n: lines}
	w := &watcher{}
	within(t, func() {
		if err := batchApp(t, in, w).runBatch(t.Context(), "-", "test", echo); err != nil {
			t.Error(err)
		}
	})
	if w.lines != lines {
		t.Errorf("%d lines were answered", w.lines)
	}
	if w.peak == 0 || w.peak > before.HeapInuse+24<<20 {
		t.Errorf("the heap grew from %d to %d bytes", before.HeapInuse, w.peak)
	}
}

// TestABatchThatIsStoppedNeverEndsAsDone: lines that were read and not answered must not look answered, also when the
// whole input was read before the stop.
func TestABatchThatIsStoppedNeverEndsAsDone(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	var out bytes.Buffer
	a := batchApp(t, strings.NewReader(strings.Repeat("{}\n", 3)), &out)
	err := a.runBatch(ctx, "-", "test", func() batchLine {
		return func(context.Context, []byte) (any, error) {
			cancel(fault.New(fault.Interrupted, "interrupted"))
			return struct{}{}, nil
		}
	})
	if !fault.Is(err, fault.Interrupted) {
		t.Errorf("the stopped batch ended with %v", err)
	}
	if out.Len() != 0 {
		t.Errorf("lines were answered after the stop: %s", out.String())
	}
}

// TestAStoppedBatchLeavesNoGap: workers are at different places when the stop comes; what is written are the first lines.
func TestAStoppedBatchLeavesNoGap(t *testing.T) {
	const stopAt = 20_011
	ctx, cancel := context.WithCancelCause(t.Context())
	var in strings.Builder
	for n := range 60_000 {
		fmt.Fprintf(&in, "line %d\n", n)
	}
	var out bytes.Buffer
	a := batchApp(t, strings.NewReader(in.String()), &out)
	within(t, func() {
		err := a.runBatch(ctx, "-", "test", func() batchLine {
			answer := echo()
			return func(ctx context.Context, line []byte) (any, error) {
				if string(line) == fmt.Sprintf("line %d", stopAt) {
					cancel(fault.New(fault.Terminated, "terminated"))
				}
				return answer(ctx, line)
			}
		})
		if !fault.Is(err, fault.Terminated) {
			t.Errorf("the stopped batch ended with %v", err)
		}
	})
	n := 0
	for line := range strings.Lines(out.String()) {
		if want := echoed(fmt.Sprintf("line %d", n)); line != want {
			t.Fatalf("answer %d is %q, want %q", n, line, want)
		}
		n++
	}
	if n > stopAt {
		t.Errorf("%d lines were answered, the stop came at %d", n, stopAt)
	}
}

// failing is an output with room for so many writes.
type failing struct{ room int }

var errNoRoom = errors.New("no room")

func (f *failing) Write(p []byte) (int, error) {
	if f.room--; f.room < 0 {
		return 0, errNoRoom
	}
	return len(p), nil
}

func TestAnOutputThatFailsEndsTheRun(t *testing.T) {
	for room := range 4 {
		within(t, func() {
			err := batchApp(t, &endless{}, &failing{room}).runBatch(t.Context(), "-", "test", echo)
			if !errors.Is(err, errNoRoom) || fault.KindOf(err) != fault.Failure || err.Error() != "batch: no room" {
				t.Errorf("after %d writes: ended with %v", room, err)
			}
		})
	}
}

func TestAnInputThatFailsEndsTheRunAfterItsLines(t *testing.T) {
	broken := errors.New("broken")
	var out bytes.Buffer
	in := io.MultiReader(strings.NewReader("one\ntwo\nthr"), iotest.ErrReader(broken))
	err := batchApp(t, in, &out).runBatch(t.Context(), "-", "test", echo)
	if !errors.Is(err, broken) || out.String() != echoed("one")+echoed("two") {
		t.Errorf("ended with %v and %s", err, out.String())
	}
}

// TestNothingOfALineStaysInItsChunk: lines hold keys, and so may answers.
func TestNothingOfALineStaysInItsChunk(t *testing.T) {
	const lines = "a key: 0123456789ABCDEF\nbad: 0123456789ABCDEF\n"
	c := &chunk{}
	r := cutter{in: strings.NewReader(lines + "half a line: 0123456789ABCDEF"), line: 1}
	if err := r.fill(c); err != nil || string(c.in) != lines {
		t.Fatalf("got %q, %v", c.in, err)
	}
	in := c.in[:cap(c.in)]
	if bytes.Contains(in, []byte("half")) {
		t.Error("a line of the next chunk stays behind the lines of this one")
	}
	c.answer(t.Context(), "test", echo())
	if slices.ContainsFunc(in, func(b byte) bool { return b != 0 }) {
		t.Errorf("the lines stay after they were answered: %q", bytes.Trim(in, "\x00"))
	}
	out := c.out.Bytes()
	if !bytes.Contains(out, []byte("0123456789ABCDEF")) || c.answered != 2 || c.bad != 1 {
		t.Fatalf("answered %d, bad %d: %q", c.answered, c.bad, out)
	}
	c.wipe()
	if slices.ContainsFunc(out, func(b byte) bool { return b != 0 }) {
		t.Errorf("the answers stay after they were written: %q", out)
	}
}

// TestChunksAreUsedAgainAndGiantsAreNotKept: a long line makes its chunk grow for itself alone.
func TestChunksAreUsedAgainAndGiantsAreNotKept(t *testing.T) {
	c := &chunk{}
	for n, long := range []int{10, maxBatchLine / 2, maxBatchLine - 1, 10} {
		r := cutter{in: strings.NewReader(strings.Repeat("x", long) + "\n"), line: 1}
		if err := r.fill(c); err != nil || len(c.in) != long+1 {
			t.Fatalf("%d: %d bytes, %v", n, len(c.in), err)
		}
		c.answer(t.Context(), "test", echo())
		c.wipe()
		if cap(c.in) > maxKept || c.out.Cap() > maxKept {
			t.Errorf("%d: the chunk keeps %d and %d bytes", n, cap(c.in), c.out.Cap())
		}
	}
}

// TestBatchesOfOneAppMayRunAtTheSameTime is for the race detector: workers of two runs share boundary and reader.
func TestBatchesOfOneAppMayRunAtTheSameTime(t *testing.T) {
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() {
			var out bytes.Buffer
			lines := linesOf(50, func() string { return fmt.Sprintf(`{"key":"hex:%s"}`, randomHex(16)) })
			runApp(t, &cycle{lines: lines, n: 2_000}, &out, "kcv", "compute", "--alg", "tdes-128", "--batch", "-")
			if n := strings.Count(out.String(), `"kcv":"`); n != 2_000 {
				t.Errorf("%d lines were answered", n)
			}
		})
	}
	wg.Wait()
}

// TestAPlainLineIsReadAsAnyOther: fields that a batch has, in the forms that lines have.
func TestAPlainLineIsReadAsAnyOther(t *testing.T) {
	fields := plainFieldsOf[oddOpts]()
	for line, plain := range map[string]bool{
		`{}`: true, `{ } `: true, `{"text":"x"}`: true, `{"text":""}`: false, `{"text" : "a b" , "n":12,"yes":true }`: true,
		`{"n":0}`: true, `{"n":999999999}`: true, `{"yes":false}`: true, `{"expect":"08D7B4"}`: true, `{"expected":"08D7B4"}`: true,
		`{"n":-1}`: false, `{"n":01}`: false, `{"n":1.0}`: false, `{"n":1e3}`: false, `{"n":1234567890}`: false, `{"n":""}`: false, `{"n":}`: false,
		`{"text":"\u0041"}`: false, `{"text":"é"}`: false, "{\"text\":\"\t\"}": false, `{"text":null}`: false, `{"text":"x"`: false,
		`{"TEXT":"x"}`: false, `{"other":"x"}`: false, `{"hidden":"x"}`: false, `{"list":"x"}`: false, `{"":"x"}`: false,
		`{"text":"x","text":"y"}`: false, `{"expect":"08D7B4","expected":"08D7B4"}`: false, `{"text":"x"}{}`: false, `{"text":"x"},`: false,
		`{"text":"x",}`: false, `{,}`: false, `{`: false, `[]`: false, `"x"`: false, `null`: false, `{"yes":truefalse}`: false, `{"yes":tru}`: false,
		`{"yes":True}`: false, `{text:"x"}`: false,
	} {
		var got oddOpts
		if is := readPlain(fields, []byte(line), &got); is != plain {
			t.Errorf("%s: plain is %v", line, is)
		}
		samePlain(t, fields, line)
	}
}

// FuzzPlainLine: what is read as a plain line, the strict reader reads the same.
func FuzzPlainLine(f *testing.F) {
	for _, seed := range []string{
		`{}`, `{"text":"hex:0123","n":7,"yes":true}`, `{"expected":"08D7B4"}`, `{"expect":"","n":0}`, `{ "yes" : false , "text" : "" }`,
		`{"text":"\n"}`, `{"n":00}`, `{"n":12]`, `{"text":"x"}}`, `{"text":"x" "n":1}`, `{"Text":"x"}`, "{\"text\":\"\x7f\"}",
	} {
		f.Add(seed)
	}
	fields := plainFieldsOf[oddOpts]()
	f.Fuzz(func(t *testing.T, line string) { samePlain(t, fields, strings.TrimSpace(line)) })
}

// oddOpts has what the options of batches have.
type oddOpts struct {
	Text   string  `json:"text"`
	N      int     `json:"n"`
	Yes    bool    `json:"yes"`
	Expect string  `json:"expect"`
	List   optList `json:"list"`
	Tail   string  `json:"tail,omitempty"`
	hidden string
}

func samePlain(t *testing.T, fields plainFields, line string) {
	t.Helper()
	if line == "" { // no line of a batch
		return
	}
	defaults := oddOpts{Text: "default", N: 5, Yes: true, Expect: "AAAA", Tail: "tail", hidden: "hidden"}
	fast, strict := defaults, defaults
	if !readPlain(fields, []byte(line), &fast) {
		return
	}
	err := decodeLine([]byte(line), &strict)
	a, _ := json.Marshal(fast)
	b, _ := json.Marshal(strict)
	if err != nil || string(a) != string(b) || fast.hidden != strict.hidden {
		t.Fatalf("%q: read as %s, strictly as %s, %v", line, a, b, err)
	}
}
