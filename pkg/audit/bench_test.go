package audit

import (
	"bufio"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"poskey/internal/chained"
)

func benchLog(b *testing.B, sink func(Sink) Sink) *Log {
	b.Helper()
	o := Options{Now: newClock().now, Who: agent, Sink: sink}
	l, err := Create(filepath.Join(b.TempDir(), "audit.jsonl"), testID, o)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = l.Close() })
	return l
}

// BenchmarkAppend is one record with its fsync; BenchmarkBareSync is the same bytes and the fsync alone.
func BenchmarkAppend(b *testing.B) {
	l := benchLog(b, nil)
	for b.Loop() {
		add(b, l, "ZMK-2026")
	}
}

func BenchmarkBareSync(b *testing.B) {
	l := benchLog(b, nil)
	line := make([]byte, 330)
	for b.Loop() {
		if err := chained.WriteAll(l.appender, line); err != nil {
			b.Fatal(err)
		}
		if err := l.appender.Sync(); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkAppendUnsynced is what this package adds to the disk.
func BenchmarkAppendUnsynced(b *testing.B) {
	l := benchLog(b, fast)
	b.ReportAllocs()
	for b.Loop() {
		add(b, l, "ZMK-2026")
	}
}

// million writes a log of a million records, once for all benchmarks that read it.
func million(b *testing.B) string {
	b.Helper()
	path := filepath.Join(b.TempDir(), "audit.jsonl")
	f, err := os.Create(path)
	if err != nil {
		b.Fatal(err)
	}
	w := bufio.NewWriterSize(f, 1<<20)
	if _, err := io.Copy(w, endless(b, 1_000_000)); err != nil {
		b.Fatal(err)
	}
	if err := w.Flush(); err != nil {
		b.Fatal(err)
	}
	if err := f.Close(); err != nil {
		b.Fatal(err)
	}
	return path
}

// BenchmarkMillion verifies a log of a million records, and opens it for the next record.
func BenchmarkMillion(b *testing.B) {
	path := million(b)
	b.Run("Verify", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			f, err := os.Open(path)
			if err != nil {
				b.Fatal(err)
			}
			rep, err := Verify(f, Expect{Identity: testID})
			if err != nil || rep.Records != 1_000_000 {
				b.Fatal(err)
			}
			if err := f.Close(); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("Open", func(b *testing.B) {
		for b.Loop() {
			l, err := Open(path, testID, Options{Now: time.Now, Who: agent})
			if err != nil {
				b.Fatal(err)
			}
			if err := l.Close(); err != nil {
				b.Fatal(err)
			}
		}
	})
}
