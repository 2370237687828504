package cli

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"poskey/pkg/audit"
)

type unsynced struct{ audit.Sink }

func (unsynced) Sync() error { return nil }

// writtenLog makes a log that the test goes on to write.
func writtenLog(t *testing.T) (*audit.Log, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "store.audit")
	now := time.Date(2025, 3, 1, 8, 0, 0, 0, time.UTC)
	l, err := audit.Create(path, audit.Identity{Store: "TEST-STORE-0001", Environment: audit.Test}, audit.Options{
		Now:  func() time.Time { return now },
		Who:  audit.Actor{ID: "agent", Role: "agent"},
		Sink: func(s audit.Sink) audit.Sink { return unsynced{s} },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l, path
}

func addRecord(l *audit.Log, i int) error {
	_, err := l.Append(audit.Entry{Who: audit.Actor{ID: "officer.a", Role: "custodian"}, Operation: audit.KeyGenerate,
		Object: audit.Object{Kind: audit.KindKey, Label: fmt.Sprintf("ZMK-%d#1", i)}}, audit.OK())
	return err
}

// TestReadersDoNotWaitForTheWriter: while an agent writes record after record, readers see a whole log each time, which
// grows.
func TestReadersDoNotWaitForTheWriter(t *testing.T) {
	l, path := writtenLog(t)
	ctx, stop := context.WithCancel(context.Background())
	written := make(chan error, 1)
	go func() {
		for i := 0; i < 2000 && ctx.Err() == nil; i++ {
			if err := addRecord(l, i); err != nil {
				written <- err
				return
			}
		}
		written <- nil
	}()
	var last uint64
	for range 20 {
		log, err := openLog(ctx, path)
		if err != nil {
			t.Fatal(err)
		}
		r, err := audit.Verify(log.read(ctx), audit.Expect{})
		log.close()
		if err != nil || r.Records < last {
			t.Fatalf("%d records after %d: %v", r.Records, last, err)
		}
		last = r.Records
	}
	stop()
	if err := <-written; err != nil {
		t.Fatal(err)
	}
	if last < 2 {
		t.Errorf("only %d records were written meanwhile", last)
	}
}

// TestLineThatIsBeingWrittenIsWaitedFor: the second half of the last line comes a moment later.
func TestLineThatIsBeingWrittenIsWaitedFor(t *testing.T) {
	l, path := writtenLog(t)
	if err := addRecord(l, 1); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	copied := path + ".copy"
	if err := os.WriteFile(copied, whole[:len(whole)-40], 0o600); err != nil {
		t.Fatal(err)
	}
	half := make(chan error, 1)
	go func() {
		time.Sleep(30 * time.Millisecond)
		half <- os.WriteFile(copied, whole, 0o600)
	}()
	log, err := openLog(context.Background(), copied)
	if err != nil {
		t.Fatal(err)
	}
	defer log.close()
	if err := <-half; err != nil {
		t.Fatal(err)
	}
	if r, err := audit.Verify(log.read(context.Background()), audit.Expect{}); err != nil || r.Records != 2 {
		t.Errorf("%d records, %v", r.Records, err)
	}
}

func TestNewestRecordsAreKeptAndOperationsShownOnce(t *testing.T) {
	intent := func(seq uint64) audit.Record { return audit.Record{Seq: seq} }
	done := func(seq, of uint64) audit.Record { return audit.Record{Seq: seq, Of: of, Outcome: audit.OK()} }
	in := []audit.Record{done(1, 0), intent(2), intent(3), done(4, 2), done(5, 0), done(6, 3), intent(7)}
	for want, n := range map[string]newest{
		"[1 4 5 6 7]":     {once: true},
		"[1 2 3 4 5 6 7]": {},
		"[5 6 7]":         {once: true, limit: 3},
		"[7]":             {limit: 1},
	} {
		var got []uint64
		for _, r := range in {
			n.add(r)
		}
		for _, r := range n.records {
			got = append(got, r.Seq)
		}
		if fmt.Sprint(got) != want || n.matched != uint64(len(in)) {
			t.Errorf("got %v of %d, want %s", got, n.matched, want)
		}
	}
}
