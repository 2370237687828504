package storetest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"poskey/internal/fault"
	"poskey/pkg/store"
)

// journal: sixteen workers of two stations write whole loads, some of which fail, are lost, or are asked for twice. No
// number is given twice, and every load is where its worker left it.
func (s suite) journal(t *testing.T) {
	u := s.place(t)
	b := s.create(t, u)
	const workers, each = 16, 40
	b.floor(workers * each)
	other, err := store.Open(b.ctx, u, b.options())
	b.must(err)
	defer func() { b.ok("closing", other.Close()) }()
	journals := []*store.Journal{store.NewJournal(b.Store, store.Change{Mark: mark(40)}),
		store.NewJournal(other, store.Change{Mark: mark(41)})}
	var all sync.WaitGroup
	for w := range workers {
		all.Go(func() {
			for i := range each {
				b.wholeLoad(journals[w%2], journals[(w+1)%2], w*each+i)
			}
		})
	}
	all.Wait()
	for _, j := range journals {
		b.ok("closing", j.Close())
		_, err := j.Reserve(b.ctx, load("late", "SN0"))
		b.refused("a journal that is closed", err, fault.Bug)
	}
	owner := map[uint64]string{}
	for _, l := range take(b, b.Loads(b.ctx, store.LoadFilter{Run: "run-1"})) {
		if before, twice := owner[l.Number]; twice {
			t.Errorf("number %d is that of %s and %s", l.Number, before, l.ID)
		}
		owner[l.Number] = l.ID
	}
	counts := b.loadCounts("run-1")
	if n := workers * each; counts[store.LoadFailed] != n/8 || counts[store.LoadUnknown] != n/8 ||
		counts[store.LoadConfirmed] != n-n/4 || len(owner) != n || b.next("T") != uint64(n)+1 {
		t.Errorf("%v; %d numbers, the next is %d", counts, len(owner), b.next("T"))
	}
	if m, err := b.Mark(b.ctx); err != nil || m != mark(41) {
		t.Errorf("the mark is %+v, %v", m, err)
	}
	b.verified(0)
}

// wholeLoad takes a load from its reservation to its end. Every fourth is asked for at another station too.
func (b *bench) wholeLoad(j, other *store.Journal, i int) {
	r := load(fmt.Sprint("l-", i), fmt.Sprint("SN", i))
	l, err := j.Reserve(b.ctx, r)
	if err == nil && i%4 == 0 {
		var again store.Load
		if again, err = other.Reserve(b.ctx, r); err == nil && (!again.Again || again.Number != l.Number) {
			b.Errorf("asked again: %+v after %+v", again, l)
		}
	}
	if err == nil {
		_, err = j.Step(b.ctx, store.LoadStep{ID: r.ID, To: store.LoadSent, Check: Check(i), Device: store.Sent})
	}
	last := store.LoadStep{ID: r.ID, To: store.LoadConfirmed, Proof: "check value", Device: store.Confirmed}
	switch i % 8 {
	case 3:
		last = store.LoadStep{ID: r.ID, To: store.LoadFailed, Reason: "it said no", Device: store.Failed}
	case 5:
		last = store.LoadStep{ID: r.ID, To: store.LoadUnknown, Reason: "silence", Device: store.QuarantinedDevice}
	case 7:
		_, refused := j.Step(b.ctx, store.LoadStep{ID: "nobody", To: store.LoadFailed})
		b.refused("among others, a load that is not there", refused, fault.NotFound)
	}
	if err == nil {
		_, err = j.Step(b.ctx, last)
	}
	b.ok(r.ID, err)
}

// race: many stations ask for loads of the same slots under names of their own, and for the same ones; of each slot one
// gets through, and a load goes out once.
func (s suite) race(t *testing.T) {
	u := s.place(t)
	b := s.create(t, u)
	const stations, devices = 4, 12
	b.floor(devices)
	var all sync.WaitGroup
	var mu sync.Mutex
	won, out := map[string]int{}, map[string]int{}
	for n := range stations {
		other, err := store.Open(b.ctx, u, b.options())
		b.must(err)
		defer func() { b.ok("closing", other.Close()) }()
		all.Go(func() {
			j := store.NewJournal(other, store.Change{Mark: mark(uint64(50 + n))})
			for i := range devices {
				serial := fmt.Sprint("SN", (i+3*n)%devices)
				if _, err := j.Reserve(b.ctx, load(fmt.Sprint(n, "-", serial), serial)); err == nil {
					mu.Lock()
					won[serial]++
					mu.Unlock()
				} else {
					b.refused("a slot that is taken", err, fault.NotPermitted)
				}
				shared := load("shared-"+serial, serial)
				shared.Slot, shared.KeySet, shared.Key = "1", "", ref("ZPK#1")
				_, err := j.Reserve(b.ctx, shared)
				b.ok("a load that all ask for", err)
				if _, err = j.Step(b.ctx, store.LoadStep{ID: shared.ID, To: store.LoadSent, Check: Check(i)}); err == nil {
					mu.Lock()
					out[serial]++
					mu.Unlock()
				} else {
					b.refused("a load that went out", err, fault.NotPermitted)
				}
			}
			b.ok("closing", j.Close())
		})
	}
	all.Wait()
	for i := range devices {
		if serial := fmt.Sprint("SN", i); won[serial] != 1 || out[serial] != 1 {
			t.Errorf("%s: %d got the slot, %d sent the load", serial, won[serial], out[serial])
		}
	}
	if next := b.next("T"); next != devices+1 {
		t.Errorf("the next number is %d", next)
	}
	b.verified(0)
}

// patience: who gives up takes nobody with him.
func (s suite) patience(t *testing.T) {
	b := s.open(t)
	b.floor(40)
	j := store.NewJournal(b.Store, store.Change{})
	gone, cancel := context.WithCancel(b.ctx)
	cancel()
	_, err := j.Reserve(gone, load("never", "SN39"))
	b.refused("given up before it began", err, fault.Interrupted)
	_, err = b.Load(b.ctx, "never")
	b.refused("what was given up", err, fault.NotFound)
	var all sync.WaitGroup
	for i := range 39 {
		ctx, stop := context.WithCancel(b.ctx)
		defer stop()
		all.Go(func() {
			if i%3 == 0 {
				go stop()
			}
			l, err := j.Reserve(ctx, load(fmt.Sprint("l", i), fmt.Sprint("SN", i)))
			switch {
			case err == nil && l.Number == 0:
				t.Errorf("a load without a number: %+v", l)
			case err == nil || i%3 == 0 && (fault.Is(err, fault.Interrupted) || fault.Is(err, fault.OutcomeUnknown)):
			default:
				t.Errorf("load %d: %v", i, err)
			}
			if err != nil && !errors.Is(err, context.Canceled) {
				t.Errorf("load %d: no word of who gave up: %v", i, err)
			}
		})
	}
	all.Wait()
	b.must(j.Close())
	for i := range 39 {
		l, err := b.Load(b.ctx, fmt.Sprint("l", i))
		if i%3 != 0 && (err != nil || l.State != store.LoadReserved) {
			t.Errorf("load %d: %+v, %v", i, l, err)
		}
	}
	b.verified(0)
}
