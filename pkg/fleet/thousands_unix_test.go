//go:build unix

package fleet_test

// Large runs with faults on the line and databases that go away.

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"poskey/internal/fault"
	"poskey/internal/testpg"
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

// TestTenThousandLoadsOnAServerThatCrashesTwice: emulators over TCP that misbehave in one exchange out of twenty, two
// stations with eight workers each.
func TestTenThousandLoadsOnAServerThatCrashesTwice(t *testing.T) {
	pg := server(t)
	f := open(t, onServer(t, pg))
	s := grow(t, manyDevices, "random=5%")
	f.crashTwice(pg, f.plant("R1", s), manyDevices)
	f.accountedFor(s, manyDevices)
}

// TestTenThousandLoadsOverAFileThatIsClosedTwice: the same over SQLite, whose store is closed under the station's feet.
func TestTenThousandLoadsOverAFileThatIsClosedTwice(t *testing.T) {
	f := open(t, onFile(t))
	s := grow(t, manyDevices, "random=5%")
	f.closeTwice(f.plant("R1", s), manyDevices)
	f.accountedFor(s, manyDevices)
}

func TestEveryMomentOfALoadMayFailWhileTheServerCrashes(t *testing.T) {
	t.Parallel() // it waits, most of the time
	pg := server(t)
	f := open(t, onServer(t, pg))
	s := newShelf(fewDevices)
	unlucky(t, s, fewDevices)
	f.begin("R1", fewDevices)
	f.crashTwice(pg, f.options("R1", "A", s), fewDevices)
	f.accountedFor(s, fewDevices)
}

func TestEveryMomentOfALoadMayFailWhileTheFileIsClosed(t *testing.T) {
	f := open(t, onFile(t))
	s := newShelf(fewDevices)
	unlucky(t, s, fewDevices)
	f.begin("R1", fewDevices)
	f.closeTwice(f.options("R1", "A", s), fewDevices)
	f.accountedFor(s, fewDevices)
}

// fewDevices is enough for every kind of fault to show.
const fewDevices = 150

// crashTwice lets two stations work on a run while the server crashes and is stopped.
func (f *facility) crashTwice(pg *testpg.Server, o fleet.Options, n int) {
	f.Helper()
	var stopped atomic.Int32
	var restarts, stations sync.WaitGroup
	var turn sync.Mutex // devices may be done so fast that the second stop comes before the first start
	restart := func(stop func() error) func() {
		return func() {
			restarts.Go(func() {
				turn.Lock()
				defer turn.Unlock()
				err := stop()
				time.Sleep(200 * time.Millisecond)
				if err = errors.Join(err, pg.Up()); err != nil {
					f.Error(err)
				}
				stopped.Add(1)
			})
		}
	}
	first, second := after(n/3, restart(pg.Crash)), after(2*n/3, restart(pg.Down))
	for _, name := range []string{"A", "B"} {
		stations.Go(func() {
			o := o
			o.Station, o.Workers, o.GiveUp, o.Patience = name, 8, 1000, time.Minute
			if name == "A" {
				o.Progress = func(e fleet.Event) { first(e); second(e) }
			}
			if _, err := fleet.Run(context.Background(), o); err != nil {
				f.Errorf("station %s: %v", name, err)
			}
		})
	}
	stations.Wait()
	restarts.Wait()
	if stopped.Load() != 2 {
		f.Fatalf("the server was stopped %d times", stopped.Load())
	}
}

// closeTwice lets a station work on a run while its store is closed, and starts it again.
func (f *facility) closeTwice(o fleet.Options, n int) {
	f.Helper()
	o.GiveUp, o.Patience = 1000, time.Second
	for _, upTo := range []int{n / 3, 2 * n / 3} {
		closed := make(chan error, 1)
		o.Store, o.Progress = f.db, after(upTo, func() { go func() { closed <- f.db.Close() }() })
		if _, err := fleet.Run(context.Background(), o); err == nil {
			f.Fatal("nothing was noticed")
		}
		must(f, <-closed)
		var err error
		f.db, err = store.Open(context.Background(), f.url, storeOptions())
		must(f, err)
	}
	o.Store, o.Progress = f.db, nil
	_, err := fleet.Run(context.Background(), o)
	must(f, err)
}

// accountedFor holds a large run to its promise: no KSN twice, no device unaccounted for, no key in a terminal that is
// neither confirmed nor burnt, and what is unknown is said to be.
func (f *facility) accountedFor(s terminals, n int) {
	f.Helper()
	a, err := fleet.Reconcile(context.Background(), f.db, "R1", fleet.Settings{Now: time.Now()})
	must(f, err)
	f.truth(&a, s, n)
	f.Logf("%+v", a.Counts)
	reasons := map[string]int{}
	for _, d := range a.Devices {
		if d.State == store.Failed {
			reasons[d.Reason]++
		}
	}
	f.Logf("of those that failed: %v", reasons)
	if !a.Balanced() || a.Counts.Left != 0 || a.InWork != 0 {
		f.Errorf("not all are accounted for: %+v, in work %d", a.Counts, a.InWork)
	}
	_, onPaper := s.(*shelf) // an emulator that misbehaves is seldom in doubt
	if a.Counts.Confirmed < n*7/10 || a.Counts.Quarantined == 0 && (onPaper || n >= 1000) {
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
