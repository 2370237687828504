package inject_test

// Clear keys: in which order, into whom, and what they do to the keys beside them.

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"poskey/internal/fault"
	"poskey/internal/secret"
	"poskey/pkg/device"
	"poskey/pkg/device/emulator"
	"poskey/pkg/hsm"
	"poskey/pkg/inject"
	"poskey/pkg/keys"
	"poskey/pkg/store"
)

// clearDialect is a terminal of family A that has nothing, and gets its KLK, a PIN key and an initial key in clear and a
// MAC key in a block under that KLK.
func clearDialect() dialect {
	d := visaDialect()
	d.klk = ""
	d.plans = func(s *shop) []inject.Plan {
		master := s.take(klk16(), keys.UsageKEK, 'D')
		inClear := func(slot device.Slot, key hsm.Key) inject.Plan {
			return inject.Plan{Slot: slot, Key: hsm.Accept(key, hsm.ByOperator), Clear: true, Why: "a test"}
		}
		ik := inClear("90", s.bdk)
		ik.Ref, ik.KeySet = s.bdkRef, keySet
		return []inject.Plan{s.block("C", s.mac), inClear("F", master), inClear("0", s.pin), ik}
	}
	return d
}

// withMode makes a terminal that takes clear keys in its key inject mode only.
func withMode(t testing.TB) func(*emulator.Config) {
	t.Helper()
	accounts, err := emulator.DefaultAccounts()
	must(t, err)
	return func(c *emulator.Config) { c.InjectModeOff, c.Accounts = true, accounts }
}

func (x *site) enter(t testing.TB) {
	t.Helper()
	a, b := secret.Copy([]byte(emulator.DefaultKeyLoaderA)), secret.Copy([]byte(emulator.DefaultKeyLoaderB))
	defer a.Wipe()
	defer b.Wipe()
	must(t, x.EnterInjectMode(a, b))
}

// heard keeps the kinds of events, in order.
type heard struct {
	mu  sync.Mutex
	all []emulator.EventKind
}

func (h *heard) listen() func(*emulator.Config) {
	return func(c *emulator.Config) {
		before := c.OnEvent
		c.OnEvent = func(e emulator.Event) {
			h.mu.Lock()
			h.all = append(h.all, e.Kind)
			h.mu.Unlock()
			before(e)
		}
	}
}

func TestClearKeysGoTogetherAndNothingIsAskedAmongThem(t *testing.T) {
	s := openShop(t)
	h := &heard{}
	x := s.place(t, clearDialect(), withMode(t), h.listen())
	x.enter(t)
	r, err := x.run(t.Context(), x.loader(), x.job())
	if err != nil || !r.Confirmed() {
		t.Fatalf("%v, %v", err, r.Err())
	}
	x.truth(t, &r)
	first, last, left := -1, -1, slices.Index(h.all, emulator.InjectLeft)
	for i, k := range h.all {
		if k == emulator.Stored {
			if first < 0 {
				first = i
			}
			last = i
		}
	}
	asked := slices.Index(h.all, emulator.Asked)
	if first < 0 || asked < first || left < first || left > last || asked < left {
		t.Errorf("the terminal saw %v", h.all)
	}
	again, err := x.run(t.Context(), x.loader(), x.job()) // nothing is left to do, and nothing is sent
	if err != nil || !again.Confirmed() || x.times("F") != 1 || x.times("90") != 1 {
		t.Errorf("%v, %v", err, again.Err())
	}
}

func TestClearLoadsThatAreCutAnywhereLoadNothingTwice(t *testing.T) {
	s := openShop(t)
	d := clearDialect()
	n, step := bytesOf(t, s, d), every
	t.Run("at", func(t *testing.T) {
		crowd(t, n/step+1, func(t *testing.T, i int) {
			x := s.place(t, d)
			x.line.set(step * i)
			r, _ := x.run(context.Background(), x.loader(), x.job())
			x.truth(t, &r)
			x.settled(t)
		})
	})
	s.verified(t)
}

// The first clear key in the mode erases the master keys before it. So what an earlier run loaded in clear goes again
// with what is left, and a block that was erased for it as well.
func TestClearMasterKeysOfABrokenRunGoTogetherAgain(t *testing.T) {
	s := openShop(t)
	mode := withMode(t)
	t.Run("at", func(t *testing.T) {
		for at := 1; at <= 14; at++ {
			x := s.place(t, clearDialect(), mode)
			l := x.loader()
			l.Journal = &dying{Journal: l.Journal, at: at, ever: true}
			x.enter(t)
			r, _ := x.run(t.Context(), l, x.job())
			x.truth(t, &r)
			for turn := 0; turn < 3 && !r.Confirmed(); turn++ { // a question ends the mode: then once more
				l = x.loader()
				l.Again = turn > 0
				x.enter(t)
				var err error
				r, err = x.run(t.Context(), l, x.job())
				must(t, err)
				x.truth(t, &r)
			}
			if !r.Confirmed() {
				t.Errorf("step %d: %v", at, r.Err())
			}
			for _, slot := range []device.Slot{"F", "0", "C", "90"} {
				if !x.State(slot).Loaded {
					t.Errorf("step %d: slot %s is empty in the end", at, slot)
				}
			}
		}
	})
	s.verified(t)
}

// The cable is in another terminal than the one that was meant.
func TestClearKeysInAnotherTerminalAreNobodysUntilItIsAsked(t *testing.T) {
	s := openShop(t)
	d := clearDialect()
	meant, other := s.place(t, d), s.place(t, d)
	swap := func(job inject.Job, l *inject.Loader) inject.Report { // the cable is in the other terminal
		known, err := s.db.Device(t.Context(), meant.serial)
		must(t, err)
		job.Known = &known
		dev, done, err := other.open(t.Context())
		must(t, err)
		defer done()
		cleared, err := inject.Preflight(t.Context(), dev, nil, s.day(), job)
		must(t, err)
		r, err := l.Run(t.Context(), dev, cleared)
		must(t, err)
		return r
	}
	r := swap(meant.job(), meant.loader())
	wantKind(t, "the run", r.Err(), fault.NotPermitted, other.serial)
	for _, o := range r.Loads {
		if o.State == store.LoadConfirmed || o.Err == nil {
			t.Errorf("slot %s: %s, %v", o.Slot, o.State, o.Err)
		}
	}
	if other.times("C") != 0 {
		t.Error("a block went into the other terminal after it was known")
	}
	for _, x := range []*site{meant, other} {
		d := x.device(t)
		if d.State != store.QuarantinedDevice || len(d.Keys) != 0 {
			t.Errorf("device %s is %s with keys %v", d.Serial, d.State, d.Keys)
		}
		for _, l := range x.journal(t) {
			if l.State != store.LoadUnknown {
				t.Errorf("load %s is %s", l.ID, l.State)
			}
		}
		if n := len(x.journal(t)); n != 3 {
			t.Errorf("%d loads of %s", n, x.serial)
		}
	}
	x := meant
	number := newest(x.journal(t), "90").KSN
	r, err := x.run(t.Context(), x.loader(), x.job()) // now the right one: its slots are empty, slot 90 says nothing
	must(t, err)
	wantKind(t, "the right one", r.Err(), fault.OutcomeUnknown)
	x.truth(t, &r)
	for _, x := range []*site{meant, other} {
		l := x.loader()
		l.Again = true
		r, err = x.run(t.Context(), l, x.jobOf(meant))
		if err != nil || !r.Confirmed() {
			t.Errorf("%s: %v, %v", x.serial, err, r.Err())
		}
		if newest(x.journal(t), "90").KSN == number {
			t.Errorf("the number that went astray is used by %s", x.serial)
		}
		x.truth(t, &r)
	}
	s.verified(t)

	stranger := s.place(t, d) // and one that is in no inventory
	must(t, refusedAs(stranger.SetSerial("STRANGER1")))
	lost := s.place(t, d)
	known, err := s.db.Device(t.Context(), lost.serial)
	must(t, err)
	job := lost.job()
	job.Known = &known
	dev, done, err := stranger.open(t.Context())
	must(t, err)
	defer done()
	cleared, err := inject.Preflight(t.Context(), dev, nil, s.day(), job)
	must(t, err)
	r, err = lost.loader().Run(t.Context(), dev, cleared)
	must(t, err)
	wantKind(t, "a stranger", r.Err(), fault.NotPermitted, "STRANGER1", "the journal could not be told")
	lost.truth(t, nil)
}

// jobOf is the same run for another device.
func (x *site) jobOf(y *site) inject.Job {
	job := x.job()
	job.Run = y.job().Run
	return job
}

// The line is cut when the last clear key is over.
func TestClearKeysOfWhichNobodyKnowsWhoTookThemAreUnknown(t *testing.T) {
	s := openShop(t)
	x := s.place(t, clearDialect())
	l := x.loader()
	l.Progress = func(slot device.Slot, to store.LoadState) {
		if slot == "90" && to == store.LoadSent {
			x.line.set(57 + 1 + 6 + 1) // the frame with its answer and their ACKs, and not the question after it
		}
	}
	r, err := x.run(t.Context(), l, x.job())
	must(t, err)
	if r.Err() == nil {
		t.Fatal("no error")
	}
	for _, o := range r.Loads {
		if o.Slot != "C" && o.State != store.LoadUnknown {
			t.Errorf("slot %s is %s: %v", o.Slot, o.State, o.Err)
		}
		if o.Slot == "C" && (o.State != "" || o.Err == nil) {
			t.Errorf("slot C is %s: %v", o.State, o.Err)
		}
	}
	x.truth(t, &r)
	x.settled(t)
	s.verified(t)
}

// day is one on which a device of POI version 4 may take clear keys.
func (s *shop) day() time.Time { return time.Now() }

func refusedAs(r emulator.Refusal) error {
	if r != emulator.Accepted {
		return fault.New(fault.DeviceFailed, "refused: %s", string(r))
	}
	return nil
}

// A load that failed says nothing about another one beside it of which nobody knows: the device stays in quarantine.
func TestAFailureBesideAnUnknownLoadLeavesTheDeviceInQuarantine(t *testing.T) {
	s := openShop(t)
	d := clearDialect()
	meant, other := s.place(t, d), s.place(t, d)
	other.direct(t, "5", tdes(16), double(), keys.UsagePIN, 'E') // slot 0 gets the same key, which is refused
	known := meant.device(t)
	job := meant.job()
	job.Known, job.Loads = &known, job.Loads[1:3]
	dev, done, err := other.open(t.Context())
	must(t, err)
	defer done()
	cleared, err := inject.Preflight(t.Context(), dev, nil, s.day(), job)
	must(t, err)
	r, err := meant.loader().Run(t.Context(), dev, cleared)
	must(t, err)
	states := map[device.Slot]store.LoadState{}
	for _, o := range r.Loads {
		states[o.Slot] = o.State
	}
	if states["F"] != store.LoadUnknown || states["0"] != store.LoadFailed || meant.device(t).State != store.QuarantinedDevice {
		t.Errorf("loads %v, the device is %s", states, meant.device(t).State)
	}
}

// Nobody is asked about what an earlier run left before it is known that he is the one.
func TestAnotherTerminalDoesNotAnswerForTheOneThatWasMeant(t *testing.T) {
	s := openShop(t)
	d := clearDialect()
	meant, other := s.place(t, d), s.place(t, d)
	l := meant.loader()
	l.Journal = &dying{Journal: l.Journal, at: 2, after: true, ever: true} // written as sent, and never sent
	_, err := meant.run(t.Context(), l, meant.job())
	must(t, err)
	known := meant.device(t)
	job := meant.job()
	job.Known = &known
	dev, done, err := other.open(t.Context())
	must(t, err)
	defer done()
	cleared, err := inject.Preflight(t.Context(), dev, nil, s.day(), job)
	must(t, err)
	r, err := meant.loader().Run(t.Context(), dev, cleared)
	must(t, err)
	wantKind(t, "the run", r.Err(), fault.NotPermitted, other.serial)
	if all := meant.journal(t); len(all) != 1 || all[0].State != store.LoadSent || other.times("F") != 0 {
		t.Errorf("%+v, stored %d times", all, other.times("F"))
	}
}
