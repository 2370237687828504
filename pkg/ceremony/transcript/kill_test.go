package transcript

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"poskey/internal/fault"
	"poskey/internal/testproc"
)

// writeForEver is the process that gets killed. It says on its standard output what was acknowledged.
func writeForEver(path string) int {
	o := Options{Now: time.Now, through: func(w io.Writer) io.Writer { return testproc.Crumbs{W: w} }}
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
		out := testproc.UntilKilled(t, childMark+"="+path, time.Duration(rnd.IntN(40_000))*time.Microsecond, func() {
			if _, _, err := Resume(path, fast(newClock())); !fault.Is(err, fault.Busy) {
				t.Errorf("opened beside another process: %v", err)
			}
		})
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
