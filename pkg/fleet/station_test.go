package fleet_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"poskey/internal/fault"
	"poskey/internal/text"
	"poskey/pkg/device"
	"poskey/pkg/fleet"
	"poskey/pkg/store"
)

// whole fails when the account of a run is not what the counts say, or when a device holds what it should not.
func (f *facility) whole(run string, s terminals, n int, want fleet.Counts) fleet.Account {
	f.Helper()
	a, err := fleet.Reconcile(context.Background(), f.db, run, fleet.Settings{Now: time.Now()})
	must(f, err)
	if a.Counts != want {
		f.Errorf("the account is %+v, want %+v", a.Counts, want)
	}
	f.truth(&a, s, n)
	return a
}

// terminals are what a test loads.
type terminals interface {
	// stored tells which keys a terminal ever stored in a slot, the newest last.
	stored(i int, slot device.Slot) []held
	// clashed reports that two loaders were at a terminal at once.
	clashed(i int) bool
}

// truth holds the journal against what the terminals really hold: no number in two terminals, no key in a terminal that
// is neither confirmed nor burnt nor in quarantine, nothing confirmed that is not there.
func (f *facility) truth(a *fleet.Account, s terminals, n int) {
	f.Helper()
	where := map[string]string{} // terminals by KSN
	numbers := map[string]store.Load{}
	for _, d := range a.Devices {
		for _, l := range d.Loads {
			if other, twice := numbers[l.KSN]; twice && l.KSN != "" {
				f.Errorf("KSN %s was given to %s and %s", l.KSN, other.ID, l.ID)
			}
			numbers[l.KSN] = l
		}
	}
	for i := range n {
		serial, d := serialOf(i), a.Devices[i]
		if s.clashed(i) || d.Serial != serial {
			f.Errorf("%s was used by two workers at once, or is not where it should be: %s", serial, d.Serial)
		}
		all := s.stored(i, "90")
		for _, h := range all {
			if other, twice := where[h.ksn]; twice && other != serial {
				f.Errorf("KSN %s was loaded into %s and %s", h.ksn, other, serial)
			}
			where[h.ksn] = serial
			l, known := numbers[h.ksn]
			if !known || l.Serial != serial || l.State == store.LoadReserved || h.check != "" && l.Check.Digits != h.check {
				f.Errorf("%s holds the key of KSN %s (%s), and the journal says %+v", serial, h.ksn, h.check, l)
			}
		}
		if d.State == store.Confirmed && (len(all) == 0 || len(s.stored(i, "0")) == 0 ||
			numbers[all[len(all)-1].ksn].State != store.LoadConfirmed) {
			f.Errorf("%s is confirmed and holds %+v", serial, all)
		}
	}
}

// once lets a failure show at one moment, so many times.
func once(at moment, times int, err error) func(moment) error {
	return func(m moment) error {
		if m != at || times == 0 {
			return nil
		}
		times--
		return err
	}
}

// refusal is an answer of the terminal: no.
func refusal(meaning string) error {
	return &device.CodeError{Dialect: "visa", Answer: "02?7",
		CodeInfo: device.CodeInfo{Code: "7", Meaning: text.Raw(meaning), Action: text.Raw("look")}}
}

func link() error { return fault.New(fault.DeviceLink, "the line broke") }

func TestARunLoadsEveryDeviceOnce(t *testing.T) {
	f := open(t, onFile(t))
	f.begin("R1", 50)
	s := newShelf(50)
	got, err := fleet.Run(t.Context(), f.options("R1", "A", s))
	must(t, err)
	if got.Settled != 50 {
		t.Errorf("%+v", got)
	}
	a := f.whole("R1", s, 50, fleet.Counts{Listed: 50, Confirmed: 50})
	if a.Open() != 0 || !a.Balanced() || a.Proofs["commit"] != 100 {
		t.Errorf("open %d, balanced %t, proofs %v: %+v", a.Open(), a.Balanced(), a.Proofs, a.Findings)
	}
	again, err := fleet.Run(t.Context(), f.options("R1", "A", s))
	must(t, err)
	if again.Settled != 0 || s.of(7).opens != 1 {
		t.Errorf("a second time: %+v, %d connections", again, s.of(7).opens)
	}
}

func TestWhatBecomesOfADeviceDependsOnWhatFailed(t *testing.T) {
	t.Parallel() // it waits, most of the time
	for name, c := range map[string]struct {
		fails func(moment) error
		state store.DeviceState
		opens int // 0: any
		held  int // keys that were stored in slot 90
	}{
		"nobody there twice, then well":     {once(atOpen, 2, link()), store.Confirmed, 3, 1},
		"busy once":                         {once(atOpen, 1, fault.New(fault.Busy, "busy")), store.Confirmed, 2, 1},
		"never anybody there":               {once(atOpen, -1, link()), store.Failed, 5, 0},
		"silent when asked its serial":      {once(atSerial, 1, link()), store.Confirmed, 2, 1},
		"line broke before the commit":      {once(beforeStore, 1, link()), store.Confirmed, 2, 1},
		"slot empty after the commit":       {once(beforeStore, 1, fault.New(fault.DeviceFailed, "empty")), store.Confirmed, 2, 1},
		"refused by the terminal":           {once(beforeStore, 1, refusal("code 7")), store.Failed, 1, 0},
		"line broke, nothing stored":        {once(lostBefore, 2, link()), store.QuarantinedDevice, 1, 0},
		"line broke, stored":                {once(lostAfter, 2, link()), store.QuarantinedDevice, 1, 1},
		"no answer to the question after":   {once(atConfirm, 1, link()), store.QuarantinedDevice, 1, 1},
		"driver with a bug":                 {once(panics, 1, link()), store.QuarantinedDevice, 1, 0},
		"not allowed by rules of the house": {once(atSerial, 1, fault.New(fault.NotPermitted, "no")), store.Failed, 1, 0},
	} {
		t.Run(name, func(t *testing.T) {
			f := open(t, onFile(t))
			f.begin("R1", 3)
			s := newShelf(3)
			s.of(1).fails = c.fails
			_, err := fleet.Run(t.Context(), f.options("R1", "A", s))
			must(t, err)
			want := fleet.Counts{Listed: 3, Confirmed: 2}
			switch c.state {
			case store.Confirmed:
				want.Confirmed = 3
			case store.Failed:
				want.Failed = 1
			case store.QuarantinedDevice:
				want.Quarantined = 1
			}
			a := f.whole("R1", s, 3, want)
			p := s.of(1)
			if p.opens != c.opens || len(p.slots["90"]) != c.held {
				t.Errorf("%d connections and %d keys, want %d and %d", p.opens, len(p.slots["90"]), c.opens, c.held)
			}
			if (c.state == store.QuarantinedDevice) != (a.Open() > 0) {
				t.Errorf("open findings: %+v", a.Findings)
			}
			if d := a.Devices[1]; d.State != c.state || (d.State != store.Confirmed) != (d.Reason != "") {
				t.Errorf("%+v", d.RunDevice)
			}
		})
	}
}

func TestAnotherDeviceAtTheLineGetsNothing(t *testing.T) {
	f := open(t, onFile(t))
	f.begin("R1", 3)
	s := newShelf(3)
	s.of(1).told = "SN999999"
	_, err := fleet.Run(t.Context(), f.options("R1", "A", s))
	must(t, err)
	a := f.whole("R1", s, 3, fleet.Counts{Listed: 3, Confirmed: 2, Rejected: 1})
	if len(s.of(1).slots) != 0 || a.Devices[1].Told != "SN999999" || !raised(&a, fleet.FindSerial, true) {
		t.Errorf("%+v, findings %+v", a.Devices[1], a.Findings)
	}
}

func raised(a *fleet.Account, kind fleet.FindingKind, open bool) bool {
	for _, f := range a.Findings {
		if f.Kind == kind && f.Open == open {
			return true
		}
	}
	return false
}

func TestDevicesThatFailedAreTriedAgainWhenAsked(t *testing.T) {
	f := open(t, onFile(t))
	f.begin("R1", 3)
	s := newShelf(3)
	s.of(1).fails = once(beforeStore, 1, refusal("code 7"))
	o := f.options("R1", "A", s)
	_, err := fleet.Run(t.Context(), o)
	must(t, err)
	f.whole("R1", s, 3, fleet.Counts{Listed: 3, Confirmed: 2, Failed: 1})
	_, err = fleet.Run(t.Context(), o)
	must(t, err)
	f.whole("R1", s, 3, fleet.Counts{Listed: 3, Confirmed: 2, Failed: 1})
	o.Failed = true
	_, err = fleet.Run(t.Context(), o)
	must(t, err)
	a := f.whole("R1", s, 3, fleet.Counts{Listed: 3, Confirmed: 3})
	numbers := map[string]bool{}
	for _, l := range a.Devices[1].Loads {
		numbers[l.KSN] = l.KSN != ""
	}
	if len(numbers) != 3 { // the burnt one, the new one, none for the PIN key
		t.Errorf("the second try took no number of its own: %+v", a.Devices[1].Loads)
	}
}

func TestAStationStopsItselfAfterManyFailuresInARow(t *testing.T) {
	f := open(t, onFile(t))
	f.begin("R1", 60)
	s := newShelf(60)
	for i := range 60 {
		s.of(i).fails = once(beforeStore, -1, refusal("code 7"))
	}
	o := f.options("R1", "A", s)
	o.Workers, o.GiveUp = 4, 6
	got, err := fleet.Run(t.Context(), o)
	wantKind(t, "the station", err, fault.Partial)
	if err == nil || !strings.Contains(err.Error(), "code 7") || !strings.Contains(err.Error(), "6 failures in a row") {
		t.Errorf("it says %v", err)
	}
	if got.Counts.Failed < 6 || got.Counts.Failed > 10 || got.Counts.Left != 60-got.Counts.Failed {
		t.Errorf("%+v", got.Counts)
	}
}

func TestAStationThatIsToldToStopBringsItsDevicesToTheEnd(t *testing.T) {
	f := open(t, onFile(t))
	f.begin("R1", 40)
	s := newShelf(40)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var tell sync.Once
	for i := range 40 {
		s.of(i).fails = func(m moment) error {
			if m == beforeStore {
				tell.Do(stop)
				time.Sleep(5 * time.Millisecond)
			}
			return nil
		}
	}
	o := f.options("R1", "A", s)
	o.Workers = 4
	got, err := fleet.Run(ctx, o)
	wantKind(t, "the station", err, fault.Interrupted)
	if got.Counts.Confirmed == 0 || got.Counts.Left == 0 || got.Counts.Done() != got.Counts.Confirmed {
		t.Fatalf("%+v", got.Counts)
	}
	a := f.whole("R1", s, 40, got.Counts)
	if a.InWork != 0 || a.Untouched != got.Counts.Left {
		t.Errorf("in work %d, untouched %d, left %d", a.InWork, a.Untouched, got.Counts.Left)
	}
	_, err = fleet.Run(t.Context(), o)
	must(t, err)
	f.whole("R1", s, 40, fleet.Counts{Listed: 40, Confirmed: 40})
}

func TestASQLiteStoreHasOneStation(t *testing.T) {
	f := open(t, onFile(t))
	f.begin("R1", 4)
	s := newShelf(4)
	inside, leave := make(chan struct{}), make(chan struct{})
	var first sync.Once
	s.of(0).fails = func(m moment) error {
		if m == atOpen {
			first.Do(func() { close(inside); <-leave })
		}
		return nil
	}
	done := make(chan error)
	go func() {
		_, err := fleet.Run(context.Background(), f.options("R1", "A", s))
		done <- err
	}()
	<-inside
	_, err := fleet.Run(t.Context(), f.options("R1", "B", s))
	wantKind(t, "a second station", err, fault.Busy)
	close(leave)
	must(t, <-done)
	f.whole("R1", s, 4, fleet.Counts{Listed: 4, Confirmed: 4})
}

func TestRunsAndStationsThatMayNotWorkAreRefused(t *testing.T) {
	f := open(t, onFile(t))
	f.begin("R1", 2, func(p *fleet.Plan, _ *fleet.Manifest) { p.Stations = []string{"A"} })
	s := newShelf(2)
	_, err := fleet.Run(t.Context(), f.options("R1", "B", s))
	wantKind(t, "a station that is not in the plan", err, fault.NotPermitted)
	_, err = fleet.Run(t.Context(), f.options("R2", "A", s))
	wantKind(t, "a run that is not there", err, fault.NotFound)
	_, err = fleet.Run(t.Context(), f.options("R1", "A", s))
	must(t, err)
	_, err = fleet.Close(t.Context(), f.db, store.Change{}, "R1", fleet.Settings{Now: time.Now()})
	must(t, err)
	_, err = fleet.Run(t.Context(), f.options("R1", "A", s))
	wantKind(t, "a closed run", err, fault.NotPermitted)
	_, err = fleet.Close(t.Context(), f.db, store.Change{}, "R1", fleet.Settings{Now: time.Now()})
	wantKind(t, "closing twice", err, fault.NotPermitted)
}

func TestADeviceIsInOneOpenRunOnly(t *testing.T) {
	f := open(t, onFile(t))
	f.begin("R1", 3)
	p := fleet.Plan{Run: "R2", Loads: templates()}
	_, err := fleet.Begin(t.Context(), f.db, store.Change{}, p, manifest(t, 2))
	wantKind(t, "a second run", err, fault.NotPermitted)
	p.Run = "R1"
	_, err = fleet.Begin(t.Context(), f.db, store.Change{}, p, manifest(t, 2))
	wantKind(t, "the same name", err, fault.FileExists)
	_, err = fleet.Run(t.Context(), f.options("R1", "A", newShelf(3)))
	must(t, err)
	_, err = fleet.Close(t.Context(), f.db, store.Change{}, "R1", fleet.Settings{Now: time.Now()})
	must(t, err)
	p.Run = "R2"
	_, err = fleet.Begin(t.Context(), f.db, store.Change{}, p, manifest(t, 2))
	wantKind(t, "devices that have a number", err, fault.NotPermitted)
	f.begin("R2", 3, func(p *fleet.Plan, _ *fleet.Manifest) { p.Replace = true })
	s := newShelf(3)
	_, err = fleet.Run(t.Context(), f.options("R2", "A", s))
	must(t, err)
	a := f.whole("R2", s, 3, fleet.Counts{Listed: 3, Confirmed: 3})
	if a.Devices[0].Loads[0].Number < 3 {
		t.Errorf("the number of the first run was given again: %+v", a.Devices[0].Loads[0])
	}
}

func TestLeasesComeBackAndTheirRestIsBurnt(t *testing.T) {
	f := open(t, onFile(t))
	f.begin("R1", 30)
	o := f.options("R1", "A", newShelf(30))
	o.Lease = 8
	_, err := fleet.Run(t.Context(), o)
	must(t, err)
	leases, err := f.db.Leases(t.Context(), "SET")
	must(t, err)
	if len(leases) != 4 {
		t.Errorf("%d leases", len(leases))
	}
	for _, l := range leases {
		if l.Returned.IsZero() || l.Station != "A" {
			t.Errorf("%+v", l)
		}
	}
	set, err := f.db.KeySet(t.Context(), "SET")
	must(t, err)
	if set.Next != 32 {
		t.Errorf("the next number is %d", set.Next)
	}
}

func TestProgressIsTold(t *testing.T) {
	f := open(t, onFile(t))
	f.begin("R1", 20)
	o := f.options("R1", "A", newShelf(20))
	var mu sync.Mutex
	var last fleet.Event
	serials := map[string]bool{}
	o.Progress = func(e fleet.Event) {
		mu.Lock()
		defer mu.Unlock()
		if e.Serial != "" {
			serials[e.Serial] = true
			last = e
		}
	}
	_, err := fleet.Run(t.Context(), o)
	must(t, err)
	if len(serials) != 20 || last.Counts.Confirmed+last.Counts.Left != 20 || last.Rate <= 0 {
		t.Errorf("%d devices, last %+v", len(serials), last)
	}
	status, err := fleet.ReadStatus(t.Context(), f.db, "R1")
	must(t, err)
	if got := fmt.Sprint(status.Counts, status.Stations[0].Station, status.Stations[0].Confirmed); got != "{20 20 0 0 0 0}A20" {
		t.Errorf("status %s", got)
	}
}

// What a device says of itself is a matter of that device: the others have their results.
func TestADeviceMaySayAnything(t *testing.T) {
	f := open(t, onFile(t))
	f.begin("R1", 4)
	s := newShelf(4)
	s.of(1).told = strings.Repeat("\u5e8f", 64)
	s.of(2).told = "SN\u202e000002\x85"
	_, err := fleet.Run(t.Context(), f.options("R1", "A", s))
	must(t, err)
	a := f.account("R1", time.Now())
	if c := a.Counts; c.Confirmed != 2 || c.Rejected != 2 {
		t.Errorf("%+v", c)
	}
	for _, i := range []int{1, 2} {
		if d := a.Devices[i]; d.State != store.Rejected || d.Told == "" || len(s.of(i).slots) != 0 {
			t.Errorf("%+v", d)
		}
	}
}

// A number is given up for another one, and not because somebody meant to load.
func TestADeviceThatIsNotReachedKeepsItsNumber(t *testing.T) {
	f := open(t, onFile(t))
	f.begin("R1", 2)
	_, err := fleet.Run(t.Context(), f.options("R1", "A", newShelf(2)))
	must(t, err)
	_, err = fleet.Close(t.Context(), f.db, store.Change{}, "R1", fleet.Settings{Now: time.Now()})
	must(t, err)
	f.begin("R2", 2, func(p *fleet.Plan, _ *fleet.Manifest) { p.Replace = true })
	s := newShelf(2)
	s.of(0).fails = once(atOpen, -1, link())
	_, err = fleet.Run(t.Context(), f.options("R2", "A", s))
	must(t, err)
	for i, want := range []store.AllocationState{store.Injected, store.Burnt} {
		a, err := f.db.Allocation(t.Context(), "R1/"+serialOf(i)+"/90/1")
		if err != nil || a.State != want {
			t.Errorf("device %d: the number of the first run is %s, not %s, %v", i, a.State, want, err)
		}
	}
}
