//go:build unix

package cli

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/creack/pty"

	"poskey/internal/secret"
	"poskey/pkg/keys"
)

// seen collects what a terminal, or the other end of a pipe, shows.
type seen struct {
	mu    sync.Mutex
	text  strings.Builder
	ended chan struct{}
}

func watch(from io.Reader) *seen {
	s := &seen{ended: make(chan struct{})}
	go func() {
		defer close(s.ended)
		b := make([]byte, 4096)
		for {
			n, err := from.Read(b)
			s.mu.Lock()
			s.text.Write(b[:n])
			s.mu.Unlock()
			if err != nil {
				return
			}
		}
	}()
	return s
}

func (s *seen) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

func (s *seen) waitFor(t *testing.T, word string) {
	t.Helper()
	for end := time.Now().Add(patience); !strings.Contains(s.String(), word); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%q does not come: %q", word, s.String())
		}
	}
}

// left is what a terminal shows in the end: a cleared line takes what stood behind it with it.
func (s *seen) left() string {
	shown := s.String()
	if at := strings.LastIndex(shown, "\x1b[J"); at >= 0 {
		return shown[at+len("\x1b[J"):]
	}
	return shown
}

// atTerminal runs a batch whose stderr is a terminal, or a pipe, and whose input comes from ask.
type atTerminal struct {
	screen *seen
	ask    io.WriteCloser
	out    bytes.Buffer
	code   chan int
}

func startBatch(t *testing.T, show, stderr *os.File, env map[string]string, args ...string) *atTerminal {
	t.Helper()
	before := secret.Live()
	in, ask := io.Pipe()
	b := &atTerminal{screen: watch(show), ask: ask, code: make(chan int, 1)}
	a := &App{
		Env: keys.Env{Rand: rand.Reader, Now: time.Now}, In: in, Out: &b.out, Err: stderr,
		Getenv: func(name string) string { return env[name] },
	}
	go func() {
		code := a.Run(t.Context(), append(args, "kcv", "compute", "--alg", "tdes-128", "--batch", "-"))
		_ = stderr.Close()
		b.code <- code
	}()
	t.Cleanup(func() {
		if got := secret.Live(); got != before {
			t.Errorf("%d secrets live, %d before the test", got, before)
		}
	})
	return b
}

func (b *atTerminal) write(t *testing.T, lines string) {
	t.Helper()
	if _, err := io.WriteString(b.ask, lines); err != nil {
		t.Fatal(err)
	}
}

// end closes the input and gives the exit code, when all that was shown has come through.
func (b *atTerminal) end(t *testing.T) int {
	t.Helper()
	_ = b.ask.Close()
	select {
	case code := <-b.code:
		<-b.screen.ended
		return code
	case <-time.After(patience):
		t.Fatal("it does not end")
		return 0
	}
}

func terminal(t *testing.T) (show, tty *os.File) {
	t.Helper()
	show, tty, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = show.Close() })
	if err := pty.Setsize(tty, &pty.Winsize{Rows: 24, Cols: 100}); err != nil {
		t.Fatal(err)
	}
	return show, tty
}

const goodAndBad = `{"key":"hex:AD854CBABCAB08769B3E19D0B6982A5D"}` + "\n{}\n"

func TestProgressIsShownOnATerminalAndTakenAway(t *testing.T) {
	for _, c := range []struct{ lang, line, summary string }{
		{"en", "lines: 2  with errors: 1  per second: ", "lines of the batch with errors: 1"},
		{"zh", "行数：2  有误：1  每秒：", "批处理中"},
	} {
		show, tty := terminal(t)
		b := startBatch(t, show, tty, nil, "--lang", c.lang)
		b.write(t, goodAndBad)
		b.screen.waitFor(t, c.line)
		if code := b.end(t); code != 10 {
			t.Errorf("%s: exit %d", c.lang, code)
		}
		if left := b.screen.left(); strings.Contains(left, c.line) || !strings.Contains(left, c.summary) {
			t.Errorf("%s: the terminal shows %q in the end", c.lang, left)
		}
		if n := strings.Count(b.out.String(), "\n"); n != 2 {
			t.Errorf("%s: the output is %s", c.lang, b.out.String())
		}
	}
}

// TestABarShowsHowMuchOfAFileIsDone: the size of a file is known, so there is a bar, with the part and the time left.
func TestABarShowsHowMuchOfAFileIsDone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lines.jsonl")
	if err := os.WriteFile(path, bytes.Repeat([]byte(goodAndBad), 15_000), 0o600); err != nil {
		t.Fatal(err)
	}
	show, tty := terminal(t)
	screen := watch(show)
	var out bytes.Buffer
	a := &App{
		Env: keys.Env{Rand: rand.Reader, Now: time.Now}, In: strings.NewReader(""), Out: &slow{&out}, Err: tty,
		Getenv: func(string) string { return "" },
	}
	within(t, func() {
		if code := a.Run(t.Context(), []string{"kcv", "compute", "--alg", "tdes-128", "--batch", path}); code != 10 {
			t.Errorf("exit %d", code)
		}
	})
	_ = tty.Close()
	<-screen.ended
	for _, word := range []string{"[=", "-]", " % ", "  left: "} {
		if !strings.Contains(screen.String(), word) {
			t.Errorf("%q is not shown: %.2000q", word, screen.String())
		}
	}
	if left := screen.left(); strings.Contains(left, "[=") {
		t.Errorf("the terminal shows %q in the end", left)
	}
}

// slow takes its time for every write.
type slow struct{ to io.Writer }

func (s *slow) Write(p []byte) (int, error) {
	time.Sleep(20 * time.Millisecond)
	return s.to.Write(p)
}

// TestNoProgressIsShownWhereItWouldDisturb: in a pipe, under -q, and on a terminal that knows no cursor.
func TestNoProgressIsShownWhereItWouldDisturb(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	quietShow, quietTTY := terminal(t)
	dumbShow, dumbTTY := terminal(t)
	for _, c := range []struct {
		name         string
		show, stderr *os.File
		env          map[string]string
		args         []string
	}{
		{"pipe", r, w, nil, nil},
		{"quiet", quietShow, quietTTY, nil, []string{"-q"}},
		{"dumb", dumbShow, dumbTTY, map[string]string{"TERM": "dumb"}, nil},
	} {
		b := startBatch(t, c.show, c.stderr, c.env, c.args...)
		b.write(t, goodAndBad)
		time.Sleep(600 * time.Millisecond) // a bar would be there
		if code := b.end(t); code != 10 {
			t.Errorf("%s: exit %d", c.name, code)
		}
		if shown := b.screen.String(); strings.Contains(shown, "lines: ") || strings.Contains(shown, "\x1b[") {
			t.Errorf("%s: stderr shows %q", c.name, shown)
		}
	}
}

// TestEventsTellTheProgressToPrograms: under -o json, one line a second.
func TestEventsTellTheProgressToPrograms(t *testing.T) {
	var said bytes.Buffer
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	path := filepath.Join(t.TempDir(), "lines.jsonl")
	if err := os.WriteFile(path, bytes.Repeat([]byte(goodAndBad), 1_000), 0o600); err != nil {
		t.Fatal(err)
	}
	a := &App{
		Env: keys.Env{Rand: rand.Reader, Now: func() time.Time { at = at.Add(time.Second / 2); return at }}, In: strings.NewReader(""),
		Out: io.Discard, Err: &said, Getenv: func(string) string { return "" },
	}
	if code := a.Run(t.Context(), []string{"-o", "json", "kcv", "compute", "--alg", "tdes-128", "--batch", path}); code != 10 {
		t.Errorf("exit %d", code)
	}
	lines := strings.Split(strings.TrimSpace(said.String()), "\n")
	last := len(lines) - 1
	if last < 1 || !strings.HasPrefix(lines[0], `{"schema":"poskey.progress/v1","lines":`) || !strings.Contains(lines[last], "poskey.error/v1") {
		t.Fatalf("stderr: %s", said.String())
	}
	for _, line := range lines[:last] {
		var lines, bad, rate, percent int
		if _, err := fmt.Sscanf(line, `{"schema":"poskey.progress/v1","lines":%d,"bad":%d,"per_second":%d,"percent":%d}`, &lines, &bad, &rate, &percent); err != nil ||
			lines < 2*bad-1 || lines > 2*bad+1 || rate <= 0 || percent < 1 || percent > 100 {
			t.Errorf("%s: %v", line, err)
		}
	}
}
