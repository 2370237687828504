package store_test

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"poskey/pkg/keys"
	"poskey/pkg/store"
	"poskey/pkg/store/storetest"
)

func benchOptions() store.Options { return store.Options{Now: storetest.Birth} }

func newFile(tb testing.TB) *store.Store {
	tb.Helper()
	u, err := store.SQLite(filepath.Join(tb.TempDir(), "store.db"))
	if err != nil {
		tb.Fatal(err)
	}
	s, err := store.Create(context.Background(), u, storetest.Identity("bench"), nil, benchOptions())
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := s.Close(); err != nil {
			tb.Error(err)
		}
	})
	return s
}

// BenchmarkInsert fills one transaction; rows/s is what the goal is about.
func BenchmarkInsert(b *testing.B) {
	const rows = 100_000
	for range b.N {
		b.StopTimer()
		s := newFile(b)
		b.StartTimer()
		begin := time.Now()
		done, err := s.InsertMany(context.Background(), store.Change{}, storetest.Many(rows))
		if err != nil || done.Count != rows {
			b.Fatal(done.Count, err)
		}
		b.ReportMetric(rows/time.Since(begin).Seconds(), "rows/s")
	}
}

// BenchmarkMillion asks a store of a million keys the questions of the goal. It is filled once.
func BenchmarkMillion(b *testing.B) {
	ctx, s := context.Background(), newFile(b)
	begin := time.Now()
	if _, err := s.InsertMany(ctx, store.Change{}, storetest.Many(1_000_000)); err != nil {
		b.Fatal(err)
	}
	b.Logf("a million rows in %s", time.Since(begin))
	list := func(f store.Filter, want int) func(*testing.B) {
		return func(b *testing.B) {
			for range b.N {
				n := 0
				for _, err := range s.List(ctx, f) {
					if err != nil {
						b.Fatal(err)
					}
					n++
				}
				if n != want {
					b.Fatalf("%d keys, want %d", n, want)
				}
			}
		}
	}
	b.Run("ListUsage", list(store.Filter{Usage: keys.UsageKEK, Limit: 100}, 100))
	b.Run("ListCommonUsage", list(store.Filter{Usage: keys.UsageIK, Limit: 100}, 100))
	b.Run("ListRareUsage", list(store.Filter{Usage: keys.UsageData, State: store.Active, Limit: 100}, 10))
	b.Run("ListState", list(store.Filter{State: store.Active, Limit: 100}, 100))
	b.Run("ListNoState", list(store.Filter{State: store.Compromised, Limit: 100}, 0))
	b.Run("ListPrefix", list(store.Filter{Prefix: "T-09", Limit: 100}, 100))
	b.Run("ListParent", list(store.Filter{Parent: store.Ref{Label: "T-0500000", Version: 1}, Limit: 100}, 100))
	b.Run("ListAlgorithm", list(store.Filter{Algorithm: keys.TDES128, Limit: 100}, 0))
	b.Run("ListCheck", list(store.Filter{Check: storetest.Check(777_777), Limit: 100}, 1))
	b.Run("Expiring", list(store.Filter{ExpiringBefore: storetest.Birth().AddDate(0, 0, 60), Limit: 1000}, 1000))
	b.Run("Show", func(b *testing.B) {
		for i := range b.N {
			if _, err := s.Get(ctx, store.Ref{Label: fmt.Sprintf("T-%07d", i*7919%1_000_000), Version: 1}); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("Count", func(b *testing.B) {
		for range b.N {
			if n, err := s.Count(ctx, store.Filter{State: store.Active}); err != nil || n != 1_000_000 {
				b.Fatal(n, err)
			}
		}
	})
}
