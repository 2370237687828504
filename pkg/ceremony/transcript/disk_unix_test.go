//go:build unix

package transcript

import (
	"errors"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"poskey/internal/fault"
	"poskey/internal/testproc"
)

// TestFileAtItsLargestLosesNothing lets the kernel write part of a line: the limit on the size of files is a full
// disk that every system has.
func TestFileAtItsLargestLosesNothing(t *testing.T) {
	dir, child := testproc.InChild(t)
	if !child {
		return
	}
	signal.Ignore(syscall.SIGXFSZ)
	path := filepath.Join(dir, "transcript.jsonl")
	o := Options{Now: newClock().now}
	l, err := Create(path, testHead(), o)
	must(t, err)
	var was syscall.Rlimit
	must(t, syscall.Getrlimit(syscall.RLIMIT_FSIZE, &was))
	limit := was
	limit.Cur = 5000
	must(t, syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit))
	acknowledged := 1
	for err == nil {
		var r Record
		if r, err = l.Write(step(1)); err == nil {
			acknowledged = r.N
		}
	}
	if !errors.Is(err, syscall.EFBIG) || acknowledged < 5 {
		t.Fatalf("after line %d: %v", acknowledged, err)
	}
	must(t, l.Abandon())
	if info, err := os.Stat(path); err != nil || info.Size() != 5000 {
		t.Fatalf("the line was not torn: %v", err)
	}
	if l, _, err = Resume(path, o); err != nil {
		t.Fatal(err)
	}
	_, err = l.Write(Entry{Kind: KindResumed})
	if !errors.Is(err, syscall.EFBIG) {
		t.Fatalf("resumed without room: %v", err)
	}
	must(t, l.Abandon())
	must(t, syscall.Setrlimit(syscall.RLIMIT_FSIZE, &was))
	l, doc, err := Resume(path, o)
	must(t, err)
	if doc.Lines != acknowledged || doc.Torn == 0 {
		t.Errorf("%d lines, %d were acknowledged, %d torn", doc.Lines, acknowledged, doc.Torn)
	}
	put(t, l, Entry{Kind: KindResumed})
	must(t, l.Abandon())
	verified(t, load(t, path))
}

func TestFolderAndFileThatMayNotBeWrittenAreNamed(t *testing.T) {
	dir, child := testproc.InChild(t)
	if !child {
		return
	}
	testproc.BecomeNobody(t)
	locked := filepath.Join(dir, "locked")
	must(t, os.Mkdir(locked, 0o500))
	_, err := Create(filepath.Join(locked, "transcript.jsonl"), testHead(), fast(newClock()))
	mustFail(t, err, fault.NotPermitted, locked)
	path := filepath.Join(dir, "transcript.jsonl")
	l, err := Create(path, testHead(), fast(newClock()))
	must(t, err)
	must(t, l.Abandon())
	must(t, os.Chmod(path, 0o400))
	_, _, err = Resume(path, fast(newClock()))
	mustFail(t, err, fault.NotPermitted)
	_, err = Create(dir+"/locked", testHead(), fast(newClock()))
	mustFail(t, err, fault.FileExists)
	if _, _, err = Resume(locked, fast(newClock())); err == nil || strings.Contains(err.Error(), "panic") {
		t.Errorf("a folder: %v", err)
	}
}
