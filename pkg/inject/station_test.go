package inject_test

import (
	"testing"
	"time"

	"poskey/internal/fault"
	"poskey/internal/secret"
	"poskey/pkg/device"
	"poskey/pkg/hsm"
	"poskey/pkg/keys"
	"poskey/pkg/store"
	"poskey/pkg/store/storetest"
)

// sentBy lets a station take slot C down and send it.
func (x *site) sentBy(t *testing.T, station string) {
	t.Helper()
	job := x.only("C")
	id := job.Run + "/" + job.Serial + "/C/1"
	_, failed, err := x.db.ReserveLoads(t.Context(), store.Change{}, []store.LoadRequest{{ID: id, Run: job.Run, Serial: job.Serial, Slot: "C",
		Station: station}})
	must(t, err)
	must(t, failed[0])
	_, failed, err = x.db.StepLoads(t.Context(), store.Change{}, []store.LoadStep{{ID: id, To: store.LoadSent, Check: job.Loads[0].Key.Key().Check,
		Device: store.Sent}})
	must(t, err)
	must(t, failed[0])
}

// The bytes of another station may be on their way to the terminal still: a verdict now could be overtaken by them.
func TestAnotherStationAtItsLoadIsNotOvertaken(t *testing.T) {
	s := openShop(t)
	x := s.place(t, visaDialect())
	x.sentBy(t, "bench-2")
	l := x.loader()
	l.Again = true
	r, err := x.run(t.Context(), l, x.only("C"))
	must(t, err)
	wantKind(t, "while the other station may be at it", r.Err(), fault.Busy, "bench-2")
	l.Now = func() time.Time { return time.Now().Add(time.Hour) }
	if r, err = x.run(t.Context(), l, x.only("C")); err != nil || !r.Confirmed() {
		t.Errorf("an hour later: %v, %+v", err, r)
	}
	x.truth(t, &r)
}

// A plan that lost a slot since the break settles nothing there, and does not look finished.
func TestAnOpenLoadBesideThePlanIsNotForgotten(t *testing.T) {
	s := openShop(t)
	x := s.place(t, visaDialect())
	x.sentBy(t, "line-1")
	r, err := x.run(t.Context(), x.loader(), x.only("0"))
	if err != nil || r.Confirmed() || len(r.Beside) != 1 || r.Beside[0].Slot != "C" {
		t.Errorf("%v, %+v", err, r)
	}
}

// What protects the loads is taken out of use while a run is at it: nothing goes out under it any more.
func TestNothingGoesOutUnderAKeyThatFell(t *testing.T) {
	s := openShop(t)
	x := s.place(t, visaDialect())
	_, err := s.db.Insert(t.Context(), store.Change{}, storetest.Key("KLK", 1))
	must(t, err)
	klk, err := s.boundary.Import(t.Context(), secret.Copy(klk16()), hsm.Attributes{Algorithm: keys.TDES128, Usage: keys.UsageKEK, Mode: 'B',
		Label: "KLK#1"}, hsm.Policy{AllowWeak: true})
	must(t, err)
	job := x.job()
	for i := range job.Loads {
		job.Loads[i].KLK = &klk
	}
	l := x.loader()
	l.Progress = func(slot device.Slot, to store.LoadState) {
		if slot == "0" && to == store.LoadConfirmed {
			must(t, s.db.Transition(t.Context(), store.Change{}, store.Ref{Label: "KLK", Version: 1}, store.Active, store.Compromised, ""))
		}
	}
	r, err := x.run(t.Context(), l, job)
	must(t, err)
	wantKind(t, "under a compromised key", r.Err(), fault.NotPermitted, "KLK#1", "compromised")
	for _, slot := range []device.Slot{"C", "90"} {
		if n := x.times(slot); n != 0 {
			t.Errorf("slot %s was loaded %d times", slot, n)
		}
	}
	if n := x.times("0"); n != 1 {
		t.Errorf("slot 0 was loaded %d times", n)
	}
	x.truth(t, &r)
}
