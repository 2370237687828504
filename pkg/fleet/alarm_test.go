package fleet_test

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"poskey/internal/fault"
	"poskey/pkg/fleet"
	"poskey/pkg/hsm"
	"poskey/pkg/keyblock"
	"poskey/pkg/store"
)

// in does something when the third of the devices is reached, before anything goes into it.
func in(s *shelf, n int, do func()) {
	var reached atomic.Int32
	for i := range n {
		s.of(i).fails = func(m moment) error {
			if m == atOpen && reached.Add(1) == 3 {
				do()
				time.Sleep(150 * time.Millisecond) // longer than the last look counts
			}
			return nil
		}
	}
}

// broken is a boundary that answers with an error when it is told to.
type broken struct {
	hsm.Boundary
	derive, wrap atomic.Pointer[error]
}

func (b *broken) Derive(ctx context.Context, base hsm.Key, d hsm.Derivation, p hsm.Policy) (hsm.Key, error) {
	if err := b.derive.Load(); err != nil {
		return hsm.Key{}, *err
	}
	return b.Boundary.Derive(ctx, base, d, p)
}

func (b *broken) Wrap(ctx context.Context, k, kbpk hsm.Key, h keyblock.Header, o keyblock.WrapOptions) (hsm.Wrapped, error) {
	if err := b.wrap.Load(); err != nil {
		return hsm.Wrapped{}, *err
	}
	return b.Boundary.Wrap(ctx, k, kbpk, h, o)
}

func TestWhatEveryDeviceWouldMeetStopsTheStationAndBlamesNoDevice(t *testing.T) {
	t.Parallel() // it waits, most of the time
	move := func(ref store.Ref, from, to store.State) func(*facility, *broken) {
		return func(f *facility, _ *broken) {
			must(f, f.db.Transition(context.Background(), store.Change{}, ref, from, to, "test"))
		}
	}
	freeze := func(is bool) func(*facility, *broken) {
		return func(f *facility, _ *broken) { must(f, f.db.Freeze(context.Background(), store.Change{}, "SET", is)) }
	}
	fail := func(where func(*broken) *atomic.Pointer[error], err error) func(*facility, *broken) {
		return func(_ *facility, b *broken) { where(b).Store(&err) }
	}
	derive := func(b *broken) *atomic.Pointer[error] { return &b.derive }
	wrap := func(b *broken) *atomic.Pointer[error] { return &b.wrap }
	mend := func(_ *facility, b *broken) { b.derive.Store(nil); b.wrap.Store(nil) }
	sealed := fault.New(fault.Sealed, "the store is sealed")
	for name, c := range map[string]struct {
		kind      fault.Kind
		says      string
		begin, by func(*facility, *broken)
	}{
		"the KLK is suspended": {fault.NotPermitted, "key KLK#1 is suspended", move(klkRow().Ref(), store.Active, store.Suspended),
			move(klkRow().Ref(), store.Suspended, store.Active)},
		"the BDK is suspended": {fault.NotPermitted, "key BDK#1 is suspended", move(bdkRow().Ref(), store.Active, store.Suspended),
			move(bdkRow().Ref(), store.Suspended, store.Active)},
		"the key set is frozen":          {fault.NotPermitted, "frozen", freeze(true), freeze(false)},
		"the store is sealed":            {fault.Sealed, "sealed", fail(derive, sealed), mend},
		"sealed when the key is wrapped": {fault.Sealed, "sealed", fail(wrap, sealed), mend},
		"the agent was killed":           {fault.DeviceLink, "gone", fail(derive, fault.New(fault.DeviceLink, "gone")), mend},
	} {
		t.Run(name, func(t *testing.T) {
			const n = 12
			f := open(t, onFile(t))
			f.begin("R1", n)
			s := newShelf(n)
			b := &broken{Boundary: f.boundary}
			in(s, n, func() { c.begin(f, b) })
			o := f.options("R1", "A", s)
			o.Workers, o.Boundary = 1, b
			got, err := fleet.Run(t.Context(), o)
			wantKind(t, "the station", err, c.kind)
			if err == nil || !strings.Contains(err.Error(), c.says) || !strings.Contains(err.Error(), "no device is to blame") {
				t.Errorf("it says %v, want %q", err, c.says)
			}
			f.whole("R1", s, n, fleet.Counts{Listed: n, Confirmed: 2, Left: n - 2})
			if got.Counts.Confirmed != 2 {
				t.Errorf("%+v", got.Counts)
			}
			c.by(f, b)
			_, err = fleet.Run(t.Context(), o)
			must(t, err)
			a := f.whole("R1", s, n, fleet.Counts{Listed: n, Confirmed: n})
			if a.KeySets[0].Burnt != 0 {
				t.Errorf("%d numbers are burnt, and nothing was sent", a.KeySets[0].Burnt)
			}
		})
	}
}

func TestAKeyThatGoesOutOfUseIsFoundWhileADeviceIsSilent(t *testing.T) {
	t.Parallel() // it waits, most of the time
	f := open(t, onFile(t))
	f.begin("R1", 2)
	s := newShelf(2)
	stop := make(chan struct{})
	var first atomic.Bool
	for i := range 2 {
		s.of(i).fails = func(m moment) error {
			if m == beforeStore && first.CompareAndSwap(false, true) {
				must(f, f.db.Transition(context.Background(), store.Change{}, klkRow().Ref(), store.Active, store.Compromised, "test"))
				<-stop
			}
			return nil
		}
	}
	time.AfterFunc(2*time.Second, func() { close(stop) })
	o := f.options("R1", "A", s)
	o.Workers = 1
	got, err := fleet.Run(t.Context(), o)
	wantKind(t, "the station", err, fault.NotPermitted)
	if got.Counts.Confirmed > 0 || got.Counts.Failed > 0 || s.of(0).opens+s.of(1).opens > 1 {
		t.Errorf("%+v, %d connections", got.Counts, s.of(0).opens+s.of(1).opens)
	}
}

func TestADeviceThatAnotherStationMayBeAtIsWaitedFor(t *testing.T) {
	t.Parallel() // it waits, most of the time
	f := open(t, onFile(t))
	f.begin("R1", 3)
	f.step(serialOf(1), "90", "SET", "AAAAAA", store.LoadSent) // by station A, just now
	ctx, stop := context.WithTimeout(t.Context(), 1500*time.Millisecond)
	defer stop()
	o := f.options("R1", "B", newShelf(3))
	o.Tries = 2
	got, err := fleet.Run(ctx, o)
	wantKind(t, "the station", err, fault.Interrupted)
	if want := (fleet.Counts{Listed: 3, Confirmed: 2, Left: 1}); got.Counts != want {
		t.Errorf("%+v, want %+v", got.Counts, want)
	}
}

func TestALeaseThatEndedIsFollowedByAnotherOne(t *testing.T) {
	f := open(t, onFile(t))
	f.begin("R1", 10)
	s := newShelf(10)
	in(s, 10, func() {
		behind, err := sql.Open("sqlite", f.url.Path())
		must(t, err)
		_, err = behind.Exec("UPDATE leases SET until = at + 1")
		must(t, err)
		must(t, behind.Close())
	})
	o := f.options("R1", "A", s)
	o.Workers = 1
	_, err := fleet.Run(t.Context(), o)
	must(t, err)
	f.whole("R1", s, 10, fleet.Counts{Listed: 10, Confirmed: 10})
	leases, err := f.db.Leases(t.Context(), "SET")
	must(t, err)
	if len(leases) != 2 {
		t.Errorf("%d leases", len(leases))
	}
}

func TestAQueueThatGivesNothingOutIsNotWaitedForWithoutEnd(t *testing.T) {
	for name, gone := range map[string]bool{"it does not answer": true, "it gives nothing out": false} {
		t.Run(name, func(t *testing.T) {
			f := open(t, onFile(t))
			f.begin("R1", 3)
			o := f.options("R1", "A", newShelf(3))
			o.Patience = 300 * time.Millisecond
			err := fleet.Stands(t.Context(), o, gone)
			wantKind(t, "the station", err, fault.DeviceLink)
		})
	}
}

func TestOneAddressIsOneHoweverItIsWritten(t *testing.T) {
	list := "serial,device\nA,visa+tcp://127.0.0.1:7000\nB,visa+tcp://localhost:7000?timeout=3s\nC,visa+tcp://LOCALHOST:7001\n"
	m, err := fleet.ParseManifest(strings.NewReader(list))
	must(t, err)
	if len(m.Warnings) != 1 || !strings.Contains(m.Warnings[0].String(), "devices A and B") {
		t.Errorf("%v", m.Warnings)
	}
}

func TestWarningsOfAListAreCountedWhenThereAreMany(t *testing.T) {
	var list strings.Builder
	list.WriteString("serial,device\n")
	for i := range 500 {
		fmt.Fprintf(&list, "A%d,visa+tcp://127.0.0.1:7000\n", i)
	}
	m, err := fleet.ParseManifest(strings.NewReader(list.String()))
	must(t, err)
	if last := m.Warnings[len(m.Warnings)-1].String(); len(m.Warnings) != 11 || !strings.Contains(last, "489 devices more") {
		t.Errorf("%d warnings, the last one %q", len(m.Warnings), last)
	}
}

func TestAListIsHeldToWhatTheStoreTakes(t *testing.T) {
	list := "serial,device,note\nA,visa+tcp://127.0.0.1:7000," + strings.Repeat("n ", 600) + "\n"
	_, err := fleet.ParseManifest(strings.NewReader(list))
	wantKind(t, "a note that is too long", err, fault.Malformed)
	p := fleet.Plan{Run: "R1", Loads: templates(), Stations: []string{"bench 1"}}
	wantKind(t, "a plan with a station that cannot be", p.Check(), fault.Usage)
}
