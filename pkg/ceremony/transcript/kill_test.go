package transcript

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"poskey/internal/fault"
)

// crumbs writes a line in pieces and takes its time, so that a kill can fall between two of them.
type crumbs struct{ w io.Writer }

func (c crumbs) Write(p []byte) (int, error) {
	n := 0
	for n < len(p) {
		m, err := c.w.Write(p[n:min(len(p), n+9)])
		if n += m; err != nil {
			return n, err
		}
		if n%4 == 0 {
			time.Sleep(time.Microsecond)
		}
	}
	return n, nil
}

// writeForEver is the process that gets killed. It says on its standard output what was acknowledged.
func writeForEver(path string) int {
	o := Options{Now: time.Now, through: func(w io.Writer) io.Writer { return crumbs{w} }}
	l, doc, err := Resume(path, o)
	switch {
	case errors.Is(err, fs.ErrNotExist), fault.Is(err, fault.Partial):
		_ = os.Remove(path)
		l, err = Create(path, testHead(), o)
	case err == nil:
		fmt.Println("torn", doc.Torn)
		say(l.Write(Entry{Kind: KindResumed}))
	}
	if err != nil {
		fmt.Println("error", err)
		return 1
	}
	say(l.Head(), nil)
	for i := 1; ; i++ {
		r, err := l.Write(Entry{Kind: KindDone, Step: 1 + i%100, Details: map[string]string{"text": strings.Repeat("x",
			i%500)}})
		say(r, err)
		if err != nil {
			return 1
		}
	}
}

func say(r Record, err error) {
	if err != nil {
		fmt.Println("error", err)
		return
	}
	fmt.Println("ack", r.N, r.Hash)
}

// TestKilledWriterLosesNothingAcknowledged kills a writing process at random moments, again and again, on one record.
func TestKilledWriterLosesNothingAcknowledged(t *testing.T) {
	path := filepath.Join(t.TempDir(), "transcript.jsonl")
	rnd := rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 1))
	acknowledged := map[string]bool{}
	torn := 0
	for range 25 {
		out := writeUntilKilled(t, path, time.Duration(rnd.IntN(40_000))*time.Microsecond)
		for line := range strings.Lines(out) {
			word, rest, _ := strings.Cut(line, " ")
			switch {
			case word == "error":
				t.Fatalf("the writer failed: %s", line)
			case word == "torn" && rest != "0\n":
				torn++
			case word == "ack" && strings.HasSuffix(line, "\n"): // the kill can also cut the message
				acknowledged[strings.TrimSpace(rest)] = true
			}
		}
	}
	l, doc := resumed(t, path, newClock())
	put(t, l, Entry{Kind: KindResumed})
	d := verified(t, load(t, path))
	breaks := 0
	for _, r := range d.Records {
		delete(acknowledged, fmt.Sprint(r.N, " ", r.Hash))
		if r.Kind == KindResumed {
			breaks++
		}
	}
	if len(acknowledged) > 0 {
		t.Errorf("acknowledged and gone: %v", acknowledged)
	}
	if torn == 0 || breaks < 15 || d.State != Open {
		t.Errorf("%d torn lines, %d breaks, state %s; the test did not test", torn, breaks, d.State)
	}
	t.Logf("%d lines, %d torn, %d breaks, %d torn at last", d.Lines, torn, breaks, doc.Torn)
}

// writeUntilKilled runs a writer and kills it some time after its first line.
func writeUntilKilled(t *testing.T, path string, after time.Duration) string {
	t.Helper()
	c := exec.Command(os.Args[0])
	c.Env = append(os.Environ(), childMark+"="+path, "GORACE=atexit_sleep_ms=0")
	out, err := c.StdoutPipe()
	must(t, err)
	must(t, c.Start())
	killed := time.AfterFunc(20*time.Second, func() { _ = c.Process.Kill() })
	defer killed.Stop()
	r := bufio.NewReader(out)
	var all bytes.Buffer
	first, err := r.ReadString('\n')
	if err != nil {
		t.Fatalf("the writer did not begin: %q, %v", first, err)
	}
	all.WriteString(first)
	if _, _, err := Resume(path, fast(newClock())); !fault.Is(err, fault.Busy) {
		t.Errorf("opened beside another process: %v", err)
	}
	killed.Reset(after)
	_, _ = all.ReadFrom(r)
	if err := c.Wait(); err == nil {
		t.Fatal("the writer ended by itself")
	}
	return all.String()
}
