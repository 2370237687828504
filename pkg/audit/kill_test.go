package audit

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"poskey/internal/fault"
	"poskey/internal/testproc"
)

// crumbs is a sink that is written to in pieces.
type crumbs struct {
	Sink
	by testproc.Crumbs
}

func (c crumbs) Write(p []byte) (int, error) { return c.by.Write(p) }

// appendForEver is the process that gets killed. It says on its standard output what was acknowledged.
func appendForEver(path string) int {
	o := Options{Now: time.Now, Who: agent, Sink: func(s Sink) Sink { return crumbs{s, testproc.Crumbs{W: s}} }}
	l, err := Open(path, testID, o)
	if errors.Is(err, fs.ErrNotExist) || fault.Is(err, fault.Partial) {
		l, err = Create(path, testID, o)
	}
	if err != nil {
		fmt.Println("error", err)
		return 1
	}
	for _, p := range l.Unfinished() {
		got, err := p.Done(NotKnown())
		say(got, err)
	}
	say(l.Head(), nil)
	for i := 0; ; i++ {
		p, err := l.Begin(generate(fmt.Sprint("ZMK-", i)))
		if err != nil {
			say(Receipt{}, err)
			return 1
		}
		say(p.Begun.receipt(), nil)
		say(l.Append(Entry{Who: bob, Operation: KeyCheck}, OK()))
		if i%5 > 0 {
			say(p.Done(OK()))
		}
	}
}

func say(r Receipt, err error) {
	if err != nil {
		fmt.Println("error", err)
		return
	}
	fmt.Println("ack", r.Seq, r.Hash)
}

// TestKilledWriterLosesNothingAcknowledged kills a writing process at random moments, again and again, on one log.
func TestKilledWriterLosesNothingAcknowledged(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	rnd := rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 1))
	acknowledged := map[string]bool{}
	for range 25 {
		out := testproc.UntilKilled(t, childMark+"="+path, time.Duration(rnd.IntN(40_000))*time.Microsecond, func() {
			if _, err := Open(path, testID, options(newClock())); !fault.Is(err, fault.Busy) {
				t.Errorf("opened beside another process: %v", err)
			}
		})
		for line := range strings.Lines(out) {
			word, rest, _ := strings.Cut(line, " ")
			switch {
			case word == "error":
				t.Fatalf("the writer failed: %s", line)
			case strings.HasSuffix(line, "\n"): // the kill can also cut the message
				acknowledged[strings.TrimSpace(rest)] = true
			}
		}
	}
	l, err := Open(path, testID, Options{Now: time.Now, Who: agent})
	if err != nil {
		t.Fatal(err)
	}
	closeLog(t, l)
	raw := read(t, path)
	verified(t, raw, Expect{Identity: testID})
	repaired := 0
	for _, r := range records(t, raw) {
		delete(acknowledged, fmt.Sprint(r.Seq, " ", r.Hash))
		if r.Torn != (Torn{}) {
			repaired++
		}
	}
	if len(acknowledged) > 0 {
		t.Errorf("acknowledged and gone: %v", acknowledged)
	}
	if repaired == 0 {
		t.Error("no kill tore a line; the test did not test")
	}
	t.Logf("%d bytes, %d torn lines repaired", len(raw), repaired)
}
