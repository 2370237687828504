//go:build unix

package fleet_test

// Large runs with faults on the line and databases that go away.

import (
	"context"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"poskey/internal/fault"
	"poskey/pkg/fleet"
	"poskey/pkg/store"
)

// unlucky makes terminals fail at random moments: about one load in twenty, with a seed that the log tells.
func unlucky(t testing.TB, s *shelf, n int) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	for i := range n {
		r := rand.New(rand.NewPCG(seed, uint64(i)))
		fated := moment("")
		s.of(i).fails = func(m moment) error {
			if m == panics { // the first moment of a load
				fated = ""
				if r.IntN(20) == 0 {
					fated = []moment{beforeStore, lostBefore, lostAfter, atConfirm}[r.IntN(4)]
				}
			}
			switch m {
			case atOpen, atSerial, atRead:
				if r.IntN(100) == 0 {
					return link()
				}
			case fated:
				return link()
			}
			return nil
		}
	}
}

// after calls f once, when so many devices are done.
func after(n int, f func()) func(fleet.Event) {
	var once sync.Once
	return func(e fleet.Event) {
		if e.Counts.Done() >= n {
			once.Do(f)
		}
	}
}

func TestTenThousandLoadsOnAServerThatCrashesTwice(t *testing.T) {
	pg := server(t)
	f := open(t, onServer(t, pg))
	f.begin("R1", manyDevices)
	s := newShelf(manyDevices)
	unlucky(t, s, manyDevices)
	var stopped atomic.Int32
	var restarts sync.WaitGroup
	restart := func(stop func() error) func() {
		return func() {
			restarts.Go(func() {
				if err := stop(); err != nil {
					t.Error(err)
				}
				time.Sleep(200 * time.Millisecond)
				if err := pg.Up(); err != nil {
					t.Error(err)
				}
				stopped.Add(1)
			})
		}
	}
	first, second := after(manyDevices/3, restart(pg.Crash)), after(2*manyDevices/3, restart(pg.Down))
	var stations sync.WaitGroup
	for _, name := range []string{"A", "B"} { // two stations with eight workers each
		stations.Go(func() {
			o := f.options("R1", name, s)
			o.Workers, o.GiveUp, o.Patience = 8, 1000, time.Minute
			if name == "A" {
				o.Progress = func(e fleet.Event) { first(e); second(e) }
			}
			if _, err := fleet.Run(context.Background(), o); err != nil {
				t.Errorf("station %s: %v", name, err)
			}
		})
	}
	stations.Wait()
	restarts.Wait()
	if stopped.Load() != 2 {
		t.Fatalf("the server was stopped %d times", stopped.Load())
	}
	f.accountedFor(s)
}

func TestTenThousandLoadsOverAFileThatIsClosedTwice(t *testing.T) {
	f := open(t, onFile(t))
	f.begin("R1", manyDevices)
	s := newShelf(manyDevices)
	unlucky(t, s, manyDevices)
	for _, upTo := range []int{manyDevices / 3, 2 * manyDevices / 3} {
		o := f.options("R1", "A", s)
		o.GiveUp, o.Patience = 1000, time.Second
		closed := make(chan error, 1)
		o.Progress = after(upTo, func() { go func() { closed <- f.db.Close() }() }) // under the station's feet
		if _, err := fleet.Run(context.Background(), o); err == nil {
			t.Fatal("nothing was noticed")
		}
		must(t, <-closed)
		var err error
		f.db, err = store.Open(context.Background(), f.url, storeOptions())
		must(t, err)
	}
	o := f.options("R1", "A", s)
	o.GiveUp = 1000
	_, err := fleet.Run(context.Background(), o)
	must(t, err)
	f.accountedFor(s)
}

// accountedFor holds a large run to its promise: no KSN twice, no device unaccounted for, no key in a terminal that is
// neither confirmed nor burnt, and what is unknown is said to be.
func (f *facility) accountedFor(s terminals) {
	f.Helper()
	a, err := fleet.Reconcile(context.Background(), f.db, "R1", fleet.Settings{Now: time.Now()})
	must(f, err)
	f.truth(&a, s, manyDevices)
	f.Logf("%+v", a.Counts)
	if !a.Balanced() || a.Counts.Left != 0 || a.InWork != 0 {
		f.Errorf("not all are accounted for: %+v, in work %d", a.Counts, a.InWork)
	}
	if a.Counts.Confirmed < manyDevices*8/10 || a.Counts.Quarantined == 0 {
		f.Errorf("faults were not what the test meant: %+v", a.Counts)
	}
	report, err := f.db.Verify(context.Background(), nil)
	must(f, err)
	for _, finding := range report.Findings {
		if !finding.Warning && !fault.Is(finding.Err, fault.NotFound) {
			f.Errorf("the store: %s: %v", finding.Where, finding.Err)
		}
	}
}
