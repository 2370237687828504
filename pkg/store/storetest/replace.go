package storetest

import (
	"testing"
	"time"

	"poskey/internal/fault"
	"poskey/pkg/store"
)

// replaced: a device gets another number of a set for the same slot, and the old one is burnt with it or not at all.
func (s suite) replaced(t *testing.T) {
	b := s.open(t)
	b.floor(4)
	anew := func(id, serial string) store.LoadRequest {
		r := load(id, serial)
		r.Replace = true
		return r
	}
	b.sent(load("old", "SN0"))
	_, err := b.reserve(anew("early", "SN0"))
	b.refused("replacing a number whose slot has an open load", err, fault.NotPermitted)
	elsewhere := anew("early", "SN0")
	elsewhere.Slot = "94"
	_, err = b.reserve(elsewhere)
	b.refused("replacing a number whose load is open", err, fault.NotPermitted)
	b.stands("old", store.LoadSent, store.Allotted, store.Sent)
	_, err = b.step(store.LoadStep{ID: "old", To: store.LoadConfirmed, Proof: "answer", Device: store.Confirmed})
	b.must(err)

	_, err = b.reserve(load("new", "SN0"))
	b.refused("another number without saying that it replaces", err, fault.NotPermitted)
	elsewhere.ID = "new"
	_, err = b.reserve(elsewhere)
	b.refused("replacing the number of another slot", err, fault.NotPermitted)
	next := b.next("T")
	b.must(b.Freeze(b.ctx, store.Change{}, "T", true))
	_, err = b.reserve(anew("new", "SN0"))
	b.refused("replacing where there is no number", err, fault.NotPermitted)
	b.stands("old", store.LoadConfirmed, store.Injected, store.Confirmed)
	b.must(b.Freeze(b.ctx, store.Change{}, "T", false))

	b.now = b.now.Add(time.Minute)
	got, err := b.reserve(anew("new", "SN0"))
	if err != nil || got.Number != next || got.Replace {
		t.Errorf("got %+v, %v, want number %d", got, err, next)
	}
	b.stands("old", store.LoadConfirmed, store.Burnt, store.Reserved)
	b.stands("new", store.LoadReserved, store.Allotted, store.Reserved)
	again, err := b.reserve(anew("new", "SN0"))
	if err != nil || !again.Again || again.Number != next || b.next("T") != next+1 {
		t.Errorf("asked again: %+v, %v", again, err)
	}
	b.allocate("T", "bare", "SN1")
	if _, err = b.reserve(anew("over-bare", "SN1")); err != nil {
		t.Errorf("replacing a number without a load: %v", err)
	}
	if a, err := b.Allocation(b.ctx, "bare"); err != nil || a.State != store.Burnt {
		t.Errorf("the number without a load: %+v, %v", a, err)
	}
	if _, err = b.reserve(anew("first", "SN2")); err != nil {
		t.Errorf("replacing nothing: %v", err)
	}

	// Two at once: one of them replaces, the other one finds its number.
	all, failed, err := b.ReserveLoads(b.ctx, store.Change{}, []store.LoadRequest{anew("twin-1", "SN3"), anew("twin-2", "SN3")})
	b.must(err)
	if failed[0] != nil || all[0].Number == 0 {
		t.Errorf("the first of two: %+v, %v", all[0], failed[0])
	}
	b.refused("the second of two", failed[1], fault.NotPermitted)
	b.verified(0)
}
