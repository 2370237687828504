//go:build unix

package store_test

import (
	"context"
	"database/sql"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the bare statement

	"poskey/internal/testpg"
	"poskey/pkg/dukpt"
	"poskey/pkg/store"
	"poskey/pkg/store/storetest"
)

// BenchmarkNumbers compares, on one PostgreSQL server that syncs every commit: a bare UPDATE … RETURNING of the
// counter of a key set, single allocations, and leases of a thousand, by one client and by sixteen. Turns are taken in
// short rounds, so that whatever else the machine does falls on all alike. ratio is numbers a second against the bare
// statement.
func BenchmarkNumbers(b *testing.B) {
	server, err := testpg.Start()
	must(b, err)
	defer func() { must(b, server.Remove()) }()
	ctx := context.Background()
	s, err := store.Create(ctx, parse(b, server.URL("")), storetest.Identity("bench"), nil, benchOptions())
	must(b, err)
	defer func() { must(b, s.Close()) }()
	_, err = s.Insert(ctx, store.Change{}, bdk())
	must(b, err)
	must(b, s.AddKeySet(ctx, store.Change{}, store.KeySet{ID: "A", BDK: bdk().Ref(), Scheme: dukpt.AES, KSI: "12345678",
		From: 0, To: 1 << 32}))
	bare, err := sql.Open("pgx", server.URL("poskey"))
	must(b, err)
	defer func() { must(b, bare.Close()) }()
	bare.SetMaxIdleConns(16)
	must(b, s.AddKeySet(ctx, store.Change{}, store.KeySet{ID: "BARE", BDK: bdk().Ref(), Scheme: dukpt.AES,
		KSI: "00000001", From: 0, To: 1 << 32}))
	var request atomic.Int64
	ways := []struct {
		name    string
		numbers int
		take    func() (from, to uint64, err error)
	}{
		{"bare", 1, func() (uint64, uint64, error) {
			var n int64
			err := bare.QueryRowContext(ctx, "UPDATE key_sets SET next = next + 1 WHERE id = $1 RETURNING next - 1",
				"BARE").Scan(&n)
			return uint64(n), uint64(n) + 1, err
		}},
		{"single", 1, func() (uint64, uint64, error) {
			id := request.Add(1)
			a, err := s.Allocate(ctx, store.Change{Mark: store.Mark{Seq: uint64(id), Hash: hash64}},
				store.AllocateRequest{KeySet: "A", RequestID: fmt.Sprint("r", id), Serial: fmt.Sprint("SN", id)})
			return a.Number, a.Number + 1, err
		}},
		{"lease", 1000, func() (uint64, uint64, error) {
			id := request.Add(1)
			l, err := s.Lease(ctx, store.Change{Mark: store.Mark{Seq: uint64(id), Hash: hash64}},
				store.LeaseRequest{ID: fmt.Sprint("L", id), KeySet: "A", Station: "s", Count: 1000,
					Until: storetest.Birth().AddDate(1, 0, 0)})
			return l.From, l.To, err
		}},
	}
	for _, clients := range []int{1, 16} {
		b.Run(fmt.Sprint("clients=", clients), func(b *testing.B) {
			taken, spent := make([]int, len(ways)), make([]time.Duration, len(ways))
			seen := sync.Map{}
			for b.Loop() {
				for i, w := range ways {
					begin := time.Now()
					taken[i] += crowd(b, clients, 100*time.Millisecond, func() {
						from, to, err := w.take()
						if err != nil {
							b.Error(err)
						}
						if _, twice := seen.LoadOrStore(fmt.Sprint(w.name == "bare", from), to); twice {
							b.Errorf("%s: number %d twice", w.name, from)
						}
					})
					spent[i] += time.Since(begin)
				}
			}
			rate := func(i int) float64 { return float64(taken[i]*ways[i].numbers) / spent[i].Seconds() }
			for i, w := range ways {
				b.ReportMetric(rate(i), w.name+"/s")
			}
			b.ReportMetric(rate(1)/rate(0), "single-ratio")
			b.ReportMetric(rate(2)/rate(1), "lease-ratio")
		})
	}
}

const hash64 = "ABABABABABABABABABABABABABABABABABABABABABABABABABABABABABABABAB"

// crowd lets clients do something for a while and counts how often.
func crowd(b *testing.B, clients int, d time.Duration, do func()) int {
	b.Helper()
	var done atomic.Int64
	var all sync.WaitGroup
	end := time.Now().Add(d)
	for range clients {
		all.Go(func() {
			for time.Now().Before(end) && !b.Failed() {
				do()
				done.Add(1)
			}
		})
	}
	all.Wait()
	return int(done.Load())
}
