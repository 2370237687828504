//go:build unix

package audit

import (
	"bytes"
	"errors"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"testing"

	"poskey/internal/fault"
	"poskey/internal/testproc"
)

func TestFolderThatMayNotBeWrittenIsNamed(t *testing.T) {
	dir, child := testproc.InChild(t)
	if !child {
		return
	}
	testproc.BecomeNobody(t)
	locked := filepath.Join(dir, "locked")
	if err := os.Mkdir(locked, 0o700); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(locked, "audit.jsonl")
	chmod := func(path string, mode os.FileMode) {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
	}
	chmod(locked, 0o500)
	_, err := Create(path, testID, options(newClock()))
	wantKind(t, "a log in it", err, fault.NotPermitted)
	chmod(locked, 0o700)
	l, err := Create(path, testID, options(newClock()))
	if err != nil {
		t.Fatal(err)
	}
	chmod(locked, 0o500)
	add(t, l, "THE-FILE-IS-OURS")
	s, _ := officer(t, "alice")
	_, err = l.Checkpoint(bob, s)
	wantKind(t, "a checkpoint in it", err, fault.NotPermitted)
	add(t, l, "STILL-OPEN")
	closeLog(t, l)
	chmod(path, 0o400)
	_, err = Open(path, testID, options(newClock()))
	wantKind(t, "a file that may be read only", err, fault.NotPermitted)
	raw := read(t, path)
	if rep := verified(t, raw, Expect{}); rep.Records != 5 || !bytes.Contains(raw, []byte(`"result":"refused","fault":"not_permitted"`)) {
		t.Errorf("%d records", rep.Records)
	}
	chmod(locked, 0o700)
}

// TestFileAtItsLargestLosesNothing lets the kernel write part of a record: the limit on the size of files is a full disk
// that every system has.
func TestFileAtItsLargestLosesNothing(t *testing.T) {
	dir, child := testproc.InChild(t)
	if !child {
		return
	}
	signal.Ignore(syscall.SIGXFSZ)
	path := filepath.Join(dir, "audit.jsonl")
	l, err := Create(path, testID, Options{Now: newClock().now, Who: agent})
	if err != nil {
		t.Fatal(err)
	}
	var was syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &was); err != nil {
		t.Fatal(err)
	}
	limit := was
	limit.Cur = 5000
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		t.Fatal(err)
	}
	acknowledged := uint64(1)
	for err == nil {
		var got Receipt
		if got, err = l.Append(generate("ZMK"), OK()); err == nil {
			acknowledged = got.Seq
		}
	}
	if !errors.Is(err, syscall.EFBIG) || acknowledged < 5 {
		t.Fatalf("after record %d: %v", acknowledged, err)
	}
	closeLog(t, l)
	if info, err := os.Stat(path); err != nil || info.Size() != 5000 {
		t.Fatalf("the record was not torn: %v", err)
	}
	if _, err := Open(path, testID, Options{Now: newClock().now, Who: agent}); !errors.Is(err, syscall.EFBIG) {
		t.Fatalf("repaired without room: %v", err)
	}
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &was); err != nil {
		t.Fatal(err)
	}
	if l, err = Open(path, testID, Options{Now: newClock().now, Who: agent}); err != nil {
		t.Fatal(err)
	}
	closeLog(t, l)
	rep := verified(t, read(t, path), Expect{})
	if rep.Records != acknowledged+1 && rep.Records != acknowledged+2 { // the repair may have been torn as well
		t.Errorf("%d records, %d were acknowledged", rep.Records, acknowledged)
	}
}
