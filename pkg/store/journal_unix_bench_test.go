//go:build unix

package store_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"poskey/internal/testpg"
	"poskey/pkg/dukpt"
	"poskey/pkg/store"
	"poskey/pkg/store/storetest"
)

// BenchmarkJournal writes whole loads, reserved, sent and confirmed, with 64 on their way at any time. Each of the three
// is acknowledged after its commit is on the disk; the server syncs every commit. The devices are there before.
func BenchmarkJournal(b *testing.B) {
	b.Run("sqlite", func(b *testing.B) { journalSpeed(b, newFile(b)) })
	b.Run("postgresql", func(b *testing.B) {
		server, err := testpg.Start()
		must(b, err)
		defer func() { must(b, server.Remove()) }()
		s, err := store.Create(context.Background(), parse(b, server.URL("")), storetest.Identity("bench"), nil, benchOptions())
		must(b, err)
		defer func() { must(b, s.Close()) }()
		journalSpeed(b, s)
	})
}

func journalSpeed(b *testing.B, s *store.Store) {
	ctx := context.Background()
	_, err := s.Insert(ctx, store.Change{}, bdk())
	must(b, err)
	must(b, s.AddKeySet(ctx, store.Change{}, store.KeySet{ID: "A", BDK: bdk().Ref(), Scheme: dukpt.AES, KSI: "12345678",
		From: 0, To: 1 << 32}))
	const inFlight, loads = 64, 20_000
	round := 0
	for b.Loop() {
		b.StopTimer()
		for i := range loads {
			must(b, s.AddDevice(ctx, store.Change{}, store.Device{Serial: fmt.Sprintf("SN-%d-%06d", round, i)}))
		}
		b.StartTimer()
		begin := time.Now()
		j := store.NewJournal(s, store.Change{Mark: store.Mark{Seq: uint64(round + 1), Hash: hash64}})
		var next atomic.Int64
		var all sync.WaitGroup
		for range inFlight {
			all.Go(func() {
				for i := next.Add(1) - 1; i < loads && !b.Failed(); i = next.Add(1) - 1 {
					wholeLoad(b, j, round, int(i))
				}
			})
		}
		all.Wait()
		must(b, j.Close())
		b.ReportMetric(loads/time.Since(begin).Seconds(), "loads/s")
		round++
	}
}

func wholeLoad(b *testing.B, j *store.Journal, round, i int) {
	ctx := b.Context()
	id, serial := fmt.Sprintf("run-%d/%06d/90/1", round, i), fmt.Sprintf("SN-%d-%06d", round, i)
	_, err := j.Reserve(ctx, store.LoadRequest{ID: id, Run: fmt.Sprint("run-", round), Serial: serial, Slot: "90",
		KeySet: "A", Station: "line-1"})
	if err == nil {
		_, err = j.Step(ctx, store.LoadStep{ID: id, To: store.LoadSent, Check: storetest.Check(i), Device: store.Sent})
	}
	if err == nil {
		_, err = j.Step(ctx, store.LoadStep{ID: id, To: store.LoadConfirmed, Proof: "check value", Device: store.Confirmed})
	}
	if err != nil {
		b.Error(err)
	}
}
