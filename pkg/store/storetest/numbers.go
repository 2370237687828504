package storetest

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"poskey/internal/fault"
	"poskey/pkg/dukpt"
	"poskey/pkg/store"
)

func (b *bench) allocate(set, request, serial string) store.Allocation {
	b.Helper()
	a, err := b.Allocate(b.ctx, store.Change{}, store.AllocateRequest{KeySet: set, RequestID: request, Serial: serial})
	if err != nil {
		b.Fatal(err)
	}
	return a
}

func (b *bench) noNumber(what, set, request, serial string, kind fault.Kind) {
	b.Helper()
	_, err := b.Allocate(b.ctx, store.Change{}, store.AllocateRequest{KeySet: set, RequestID: request, Serial: serial})
	b.refused(what, err, kind)
}

func (b *bench) next(set string) uint64 {
	b.Helper()
	k, err := b.KeySet(b.ctx, set)
	b.must(err)
	return k.Next
}

func (s suite) numbers(t *testing.T) {
	b := s.open(t)
	b.family()
	b.keySets()
	first := b.allocate("T", "r1", "SN1")
	want := store.Allocation{RequestID: "r1", KeySet: "T", Number: 1, KSN: "FFFF9876540000200000", Serial: "SN1",
		State: store.Allotted,
		At:    b.now, Changed: b.now}
	if first != want {
		t.Errorf("got %+v, want %+v", first, want)
	}
	again := b.allocate("T", "r1", "SN1")
	if want.Again = true; again != want {
		t.Errorf("the second answer to a request is %+v", again)
	}
	b.noNumber("a request of another device", "T", "r1", "SN2", fault.NotPermitted)
	b.noNumber("a request of another set", "A", "r1", "SN1", fault.NotPermitted)
	b.noNumber("a second live number", "T", "r2", "SN1", fault.NotPermitted)
	b.noNumber("an unknown set", "NO", "r3", "SN3", fault.NotFound)
	b.noNumber("no request", "T", "", "SN3", fault.Usage)
	b.noNumber("no serial", "T", "r3", "", fault.Usage)
	if n := b.next("T"); n != 2 {
		t.Errorf("refusals took numbers: the next is %d", n)
	}
	if a := b.allocate("A", "a1", "SN1"); a.KSN != "12345678FFFFFFF000000000" || a.Number != 0xFFFFFFF0 {
		t.Errorf("AES: %+v", a)
	}
	if a := b.allocate("HIGH", "h1", "SN1"); a.KSN != "FFFF987654FFFFE00000" {
		t.Errorf("the last number: %+v", a)
	}
	b.noNumber("a set that is used up", "HIGH", "h2", "SN2", fault.EndOfLife)
	b.fates()
	b.verified(0)
}

func (b *bench) keySets() {
	for _, k := range []store.KeySet{
		{ID: "T", BDK: ref("BDK#1"), Scheme: dukpt.TDES, KSI: "987654", From: 1, To: 100},
		{ID: "HIGH", BDK: ref("BDK#1"), Scheme: dukpt.TDES, KSI: "FFFF987654", From: 524_287, To: 524_288},
		{ID: "A", BDK: ref("BDK#1"), Scheme: dukpt.AES, KSI: "12345678", From: 0xFFFFFFF0, To: 1 << 32},
	} {
		b.must(b.AddKeySet(b.ctx, store.Change{}, k))
	}
	good := store.KeySet{ID: "X", BDK: ref("BDK#1"), Scheme: dukpt.TDES, KSI: "000001", From: 1, To: 10}
	for what, c := range map[string]struct {
		spoil func(*store.KeySet)
		kind  fault.Kind
	}{
		"an overlap": {func(k *store.KeySet) { k.KSI, k.From, k.To = "987654", 99, 120 }, fault.NotPermitted},
		"another key's KSI": {func(k *store.KeySet) { k.KSI, k.BDK, k.From, k.To = "987654", ref("ZMK#1"), 200, 300 },
			fault.NotPermitted},
		"an id twice":      {func(k *store.KeySet) { k.ID = "T" }, fault.FileExists},
		"no such key":      {func(k *store.KeySet) { k.BDK = ref("NOBODY#1") }, fault.NotFound},
		"too many numbers": {func(k *store.KeySet) { k.To = 524_289 }, fault.Usage},
		"no numbers":       {func(k *store.KeySet) { k.To = 1 }, fault.Usage},
		"a short KSI":      {func(k *store.KeySet) { k.KSI = "12345" }, fault.Usage},
		"no hex":           {func(k *store.KeySet) { k.KSI = "12345G" }, fault.Usage},
		"no scheme":        {func(k *store.KeySet) { k.Scheme = "des" }, fault.Usage},
		"begun":            {func(k *store.KeySet) { k.Next = 5 }, fault.Usage},
		"no version":       {func(k *store.KeySet) { k.BDK = ref("BDK") }, fault.Usage},
		"a long AES id":    {func(k *store.KeySet) { k.Scheme, k.KSI = dukpt.AES, "FFFF987654" }, fault.Usage},
	} {
		k := good
		c.spoil(&k)
		b.refused(what, b.AddKeySet(b.ctx, store.Change{}, k), c.kind)
	}
	all, err := b.KeySets(b.ctx)
	if err != nil || len(all) != 3 || all[2].ID != "T" || all[2].KSI != "FFFF987654" || all[2].Left() != 99 ||
		all[0].To != 1<<32 {
		b.Errorf("%+v, %v", all, err)
	}
}

// fates: what becomes of a number, and that it never comes back.
func (b *bench) fates() {
	b.ok("confirming", b.Confirm(b.ctx, store.Change{}, "r1"))
	b.ok("confirming again", b.Confirm(b.ctx, store.Change{}, "r1"))
	b.refused("quarantine of what is confirmed", b.Quarantine(b.ctx, store.Change{}, "r1"), fault.NotPermitted)
	b.refused("an unknown request", b.Burn(b.ctx, store.Change{}, "nobody"), fault.NotFound)
	b.noNumber("a second number after the first was confirmed", "T", "r2", "SN1", fault.NotPermitted)
	b.allocate("T", "q1", "SN9")
	b.ok("quarantine", b.Quarantine(b.ctx, store.Change{}, "q1"))
	if a := b.allocate("T", "q2", "SN9"); a.Number != 3 {
		b.Errorf("a new attempt has number %d", a.Number)
	}
	b.refused("proof for the old number while a new one lives", b.Confirm(b.ctx, store.Change{}, "q1"), fault.NotPermitted)
	b.ok("burning", b.Burn(b.ctx, store.Change{}, "q2"))
	b.ok("proof by check value", b.Confirm(b.ctx, store.Change{}, "q1"))
	b.refused("a burnt number", b.Confirm(b.ctx, store.Change{}, "q2"), fault.NotPermitted)
	if a := b.allocate("T", "q2", "SN9"); a.State != store.Burnt || !a.Again || a.Number != 3 {
		b.Errorf("a retry of a burnt request: %+v", a)
	}
	if a, err := b.Allocation(b.ctx, "q1"); err != nil || a.State != store.Injected || a.Number != 2 {
		b.Errorf("%+v, %v", a, err)
	}
	var numbers []uint64
	for _, a := range take(b, b.Allocations(b.ctx, "T")) {
		numbers = append(numbers, a.Number)
	}
	if !slices.Equal(numbers, []uint64{1, 2, 3}) {
		b.Errorf("numbers %v", numbers)
	}
	b.ok("freezing", b.Freeze(b.ctx, store.Change{}, "T", true))
	b.noNumber("a frozen set", "T", "f1", "SN20", fault.NotPermitted)
	b.ok("thawing", b.Freeze(b.ctx, store.Change{}, "T", false))
	b.refused("freezing nobody", b.Freeze(b.ctx, store.Change{}, "NO", true), fault.NotFound)
	b.must(b.Transition(b.ctx, store.Change{}, ref("BDK#1"), store.Active, store.Suspended, ""))
	b.noNumber("a suspended key", "T", "f1", "SN20", fault.NotPermitted)
	b.must(b.Transition(b.ctx, store.Change{}, ref("BDK#1"), store.Suspended, store.Active, ""))
	b.allocate("T", "f1", "SN20")
	k, err := b.KeySet(b.ctx, "T")
	b.must(err)
	for what, next := range map[string]uint64{"a number that went out": k.Next - 1, "a number past the end": k.To + 1} {
		b.refused(what, b.Skip(b.ctx, store.Change{}, "T", next), fault.Usage)
	}
	b.refused("skipping of nobody", b.Skip(b.ctx, store.Change{}, "NO", k.Next), fault.NotFound)
	b.ok("skipping", b.Skip(b.ctx, store.Change{}, "T", k.Next+7))
	if after, err := b.KeySet(b.ctx, "T"); err != nil || after.Next != k.Next+7 {
		b.Errorf("it goes on at %d, %v", after.Next, err)
	}
}

func (s suite) leases(t *testing.T) {
	b := s.open(t)
	b.family()
	b.must(b.AddKeySet(b.ctx, store.Change{},
		store.KeySet{ID: "T", BDK: ref("BDK#1"), Scheme: dukpt.TDES, KSI: "987654", From: 1, To: 3000}))
	b.allocate("T", "r1", "SN1")
	until := b.now.AddDate(0, 0, 7)
	ask := store.LeaseRequest{ID: "L1", KeySet: "T", Station: "line-1", Count: 1000, Until: until}
	l, err := b.Lease(b.ctx, store.Change{}, ask)
	want := store.Lease{ID: "L1", KeySet: "T", Station: "line-1", From: 2, To: 1002, Next: 2, Until: until, At: b.now}
	if err != nil || l != want {
		t.Fatalf("got %+v, %v", l, err)
	}
	if l, err = b.Lease(b.ctx, store.Change{}, ask); err != nil || !l.Again || l.From != 2 {
		t.Errorf("the same request: %+v, %v", l, err)
	}
	for what, c := range map[string]struct {
		spoil func(*store.LeaseRequest)
		kind  fault.Kind
	}{
		"an id of another station": {func(r *store.LeaseRequest) { r.ID, r.Station = "L1", "line-2" }, fault.NotPermitted},
		"an id of another size":    {func(r *store.LeaseRequest) { r.ID, r.Count = "L1", 999 }, fault.NotPermitted},
		"too many":                 {func(r *store.LeaseRequest) { r.Count = 2000 }, fault.EndOfLife},
		"none":                     {func(r *store.LeaseRequest) { r.Count = 0 }, fault.Usage},
		"no end":                   {func(r *store.LeaseRequest) { r.Until = time.Time{} }, fault.Usage},
		"an end in the past":       {func(r *store.LeaseRequest) { r.Until = b.now }, fault.Usage},
		"no set":                   {func(r *store.LeaseRequest) { r.KeySet = "NO" }, fault.NotFound},
		"no station":               {func(r *store.LeaseRequest) { r.Station = "" }, fault.Usage},
	} {
		r := ask
		r.ID = "LX"
		c.spoil(&r)
		_, err := b.Lease(b.ctx, store.Change{}, r)
		b.refused(what, err, c.kind)
	}
	if a := b.allocate("T", "r2", "SN2"); a.Number != 1002 {
		t.Errorf("the number after the lease is %d", a.Number)
	}
	b.returns()
	b.verified(0)
}

func (b *bench) returns() {
	uses := []store.LeaseUse{
		{Number: 2, RequestID: "s-1", Serial: "SN10", State: store.Injected, At: b.now.Add(time.Minute)},
		{Number: 3, RequestID: "s-2", Serial: "SN11", State: store.Allotted},
		{Number: 5, RequestID: "s-3", Serial: "SN12", State: store.Burnt},
	}
	change := func(f func(u []store.LeaseUse)) []store.LeaseUse {
		u := slices.Clone(uses)
		f(u)
		return u
	}
	for what, c := range map[string]struct {
		id     string
		uses   []store.LeaseUse
		unused uint64
		kind   fault.Kind
	}{
		"a number outside":        {"L1", change(func(u []store.LeaseUse) { u[0].Number = 1 }), 6, fault.NotPermitted},
		"a use of what is unused": {"L1", uses, 5, fault.NotPermitted},
		"a number twice":          {"L1", change(func(u []store.LeaseUse) { u[1].Number = 2 }), 6, fault.NotPermitted},
		"a known request":         {"L1", change(func(u []store.LeaseUse) { u[1].RequestID = "r1" }), 6, fault.NotPermitted},
		"a device with a number":  {"L1", change(func(u []store.LeaseUse) { u[0].Serial = "SN1" }), 6, fault.NotPermitted},
		"a bound outside":         {"L1", uses, 1003, fault.Usage},
		"no such lease":           {"LX", uses, 6, fault.NotFound},
	} {
		b.refused(what, b.ReturnLease(b.ctx, store.Change{}, c.id, c.uses, c.unused), c.kind)
	}
	b.ok("returning", b.ReturnLease(b.ctx, store.Change{}, "L1", uses, 6))
	b.refused("returning again", b.ReturnLease(b.ctx, store.Change{}, "L1", nil, 6), fault.NotPermitted)
	all, err := b.Leases(b.ctx, "T")
	if err != nil || len(all) != 1 || all[0].Returned != b.now || all[0].UnusedFrom != 6 {
		b.Errorf("%+v, %v", all, err)
	}
	a, err := b.Allocation(b.ctx, "s-2")
	if err != nil || a.State != store.Quarantined || a.Lease != "L1" || a.KSN != "FFFF9876540000600000" {
		b.Errorf("%+v, %v", a, err)
	}
	if next := b.next("T"); next != 1003 {
		b.Errorf("the next number is %d: a lease gave some back", next)
	}
}

// crowd: sixteen clients take single numbers and leases from one key set, and some ask twice.
func (s suite) crowd(t *testing.T) {
	b := s.open(t)
	b.family()
	b.must(b.AddKeySet(b.ctx, store.Change{},
		store.KeySet{ID: "T", BDK: ref("BDK#1"), Scheme: dukpt.TDES, KSI: "987654", From: 1, To: 500_000}))
	const clients, each = 16, 25
	var mu sync.Mutex
	owner := map[uint64]string{}
	claim := func(who string, from, to uint64) {
		mu.Lock()
		defer mu.Unlock()
		for n := from; n < to; n++ {
			if other, twice := owner[n]; twice && other != who {
				t.Errorf("number %d went to %s and %s", n, other, who)
			}
			owner[n] = who
		}
	}
	var all sync.WaitGroup
	for c := range clients {
		all.Go(func() {
			for i := range each {
				// Two clients send each request.
				request, serial := fmt.Sprintf("r-%d-%d", c/2, i), fmt.Sprintf("SN-%d-%d", c/2, i)
				a, err := b.Allocate(b.ctx, store.Change{}, store.AllocateRequest{KeySet: "T", RequestID: request, Serial: serial})
				if err != nil {
					t.Error(err)
					return
				}
				claim(request, a.Number, a.Number+1)
				if i%5 == 0 {
					id := fmt.Sprintf("L-%d-%d", c, i)
					l, err := b.Lease(b.ctx, store.Change{}, store.LeaseRequest{ID: id, KeySet: "T", Station: "s", Count: 10,
						Until: b.now.AddDate(1, 0, 0)})
					if err != nil {
						t.Error(err)
						return
					}
					claim(id, l.From, l.To)
				}
			}
		})
	}
	all.Wait()
	if want := clients/2*each + clients*each/5*10; len(owner) != want {
		t.Errorf("%d numbers, want %d", len(owner), want)
	}
	if next := b.next("T"); next != uint64(len(owner))+1 {
		t.Errorf("the next number is %d after %d: there is a gap", next, len(owner))
	}
	b.verified(0)
}
