package storetest

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"poskey/internal/fault"
	"poskey/pkg/dukpt"
	"poskey/pkg/store"
)

// floor makes a key set T of BDK#1 and devices SN0, SN1 and so on.
func (b *bench) floor(devices int) {
	b.Helper()
	b.family()
	b.must(b.AddKeySet(b.ctx, store.Change{},
		store.KeySet{ID: "T", BDK: ref("BDK#1"), Scheme: dukpt.TDES, KSI: "987654", From: 1, To: 100_000}))
	for i := range devices {
		b.must(b.AddDevice(b.ctx, store.Change{}, store.Device{Serial: fmt.Sprintf("SN%d", i)}))
	}
}

// load is a request for an initial key.
func load(id, serial string) store.LoadRequest {
	return store.LoadRequest{ID: id, Run: "run-1", Serial: serial, Slot: "90", Key: ref("BDK#1"), KeySet: "T",
		Station: "line-1"}
}

func (b *bench) reserve(r store.LoadRequest) (store.Load, error) {
	b.Helper()
	all, failed, err := b.ReserveLoads(b.ctx, store.Change{}, []store.LoadRequest{r})
	b.must(err)
	return all[0], failed[0]
}

func (b *bench) step(s store.LoadStep) ([]string, error) {
	b.Helper()
	same, failed, err := b.StepLoads(b.ctx, store.Change{}, []store.LoadStep{s})
	b.must(err)
	return same[0], failed[0]
}

// sent brings a load to where the key may be in the device.
func (b *bench) sent(r store.LoadRequest) {
	b.Helper()
	_, err := b.reserve(r)
	b.must(err)
	_, err = b.step(store.LoadStep{ID: r.ID, To: store.LoadSent, Check: Check(len(r.ID)), Device: store.Sent})
	b.must(err)
}

// stands holds what became of a load, its number and its device.
func (b *bench) stands(id string, state store.LoadState, number store.AllocationState, device store.DeviceState) {
	b.Helper()
	l, err := b.Load(b.ctx, id)
	b.must(err)
	if l.State != state {
		b.Errorf("load %s is %s, want %s", id, l.State, state)
	}
	if number != "" {
		if a, err := b.Allocation(b.ctx, id); err != nil || a.State != number || a.Number != l.Number || a.KSN != l.KSN {
			b.Errorf("the number of load %s is %+v, want %s, %v", id, a, number, err)
		}
	}
	if d, err := b.Device(b.ctx, l.Serial); err != nil || d.State != device {
		b.Errorf("the device of load %s is %s, want %s, %v", id, d.State, device, err)
	}
}

func (s suite) loads(t *testing.T) {
	b := s.open(t)
	b.floor(10)
	r := load("l0", "SN0")
	got, err := b.reserve(r)
	want := store.Load{LoadRequest: r, State: store.LoadReserved, Number: 1, KSN: "FFFF9876540000200000", At: b.now,
		Changed: b.now}
	if err != nil || got != want {
		t.Fatalf("got %+v, %v, want %+v", got, err, want)
	}
	b.stands("l0", store.LoadReserved, store.Allotted, store.Reserved)
	if got, err = b.reserve(r); err != nil || !got.Again || got.Number != 1 {
		t.Errorf("the second answer to a request is %+v, %v", got, err)
	}
	b.now = b.now.Add(time.Minute)
	_, err = b.step(store.LoadStep{ID: "l0", To: store.LoadSent, Check: Check(7), Device: store.Sent})
	b.must(err)
	b.stands("l0", store.LoadSent, store.Allotted, store.Sent)
	_, err = b.step(store.LoadStep{ID: "l0", To: store.LoadSent, Check: Check(7), Device: store.Sent})
	b.refused("sending a load twice", err, fault.NotPermitted)
	same, err := b.step(store.LoadStep{ID: "l0", To: store.LoadConfirmed, Proof: "check value", Device: store.Confirmed})
	if err != nil || same != nil {
		t.Errorf("%v, %v", same, err)
	}
	b.stands("l0", store.LoadConfirmed, store.Injected, store.Confirmed)
	want.State, want.Check, want.Proof, want.Changed = store.LoadConfirmed, Check(7), "check value", b.now
	if got, err = b.Load(b.ctx, "l0"); err != nil || got != want {
		t.Errorf("got %+v, %v, want %+v", got, err, want)
	}
	d, err := b.Device(b.ctx, "SN0")
	inside := store.DeviceKey{Slot: "90", Key: ref("BDK#1"), Check: Check(7), KSN: want.KSN, Loaded: b.now}
	if err != nil || len(d.Keys) != 1 || d.Keys[0] != inside {
		t.Errorf("%+v, %v", d, err)
	}
	if _, err = b.step(store.LoadStep{ID: "l0", To: store.LoadConfirmed, Device: store.Confirmed}); err != nil {
		t.Errorf("confirming twice: %v", err)
	}
	if got, err = b.reserve(r); err != nil || !got.Again || got.State != store.LoadConfirmed {
		t.Errorf("the answer to a request that is done: %+v, %v", got, err)
	}
	b.refusals()
	b.fatesOfLoads()
	b.plainKeys()
	b.lists()
	b.verified(1) // a check value that two devices have
	b.copied(s.place(t))
	b.backwards()
}

// refusals: what cannot be reserved takes nothing, and keeps nothing beside it from being taken.
func (b *bench) refusals() {
	next := b.next("T")
	change := func(f func(*store.LoadRequest)) store.LoadRequest {
		r := load("l0", "SN0")
		r.ID, r.Serial = "new", "SN1"
		f(&r)
		return r
	}
	known := func(f func(*store.LoadRequest)) store.LoadRequest {
		r := load("l0", "SN0")
		f(&r)
		return r
	}
	b.allocate("T", "bare", "SN5")
	next++
	cases := map[string]struct {
		request store.LoadRequest
		kind    fault.Kind
	}{
		"a device that is not on the list": {change(func(r *store.LoadRequest) { r.Serial = "SN99" }), fault.NotFound},
		"a key set that is not there":      {change(func(r *store.LoadRequest) { r.KeySet = "NO" }), fault.NotFound},
		"another key than the set's":       {change(func(r *store.LoadRequest) { r.Key = ref("ZPK#1") }), fault.NotPermitted},
		"a key that is not there": {change(func(r *store.LoadRequest) { r.KeySet, r.Key = "", ref("NOBODY#1") }),
			fault.NotFound},
		"a key without a version":     {change(func(r *store.LoadRequest) { r.Key = ref("BDK") }), fault.Usage},
		"no run":                      {change(func(r *store.LoadRequest) { r.Run = "" }), fault.Usage},
		"no slot":                     {change(func(r *store.LoadRequest) { r.Slot = "" }), fault.Usage},
		"no id":                       {change(func(r *store.LoadRequest) { r.ID = "" }), fault.Usage},
		"a lease of no station":       {change(func(r *store.LoadRequest) { r.Lease, r.Station = "L", "" }), fault.Usage},
		"a lease that is not there":   {change(func(r *store.LoadRequest) { r.Lease = "L" }), fault.NotFound},
		"a device with a live number": {change(func(r *store.LoadRequest) { r.Serial = "SN0" }), fault.NotPermitted},
		"an id of a bare number":      {change(func(r *store.LoadRequest) { r.ID = "bare" }), fault.NotPermitted},
		"a known id, another device":  {known(func(r *store.LoadRequest) { r.Serial = "SN1" }), fault.NotPermitted},
		"a known id, another slot":    {known(func(r *store.LoadRequest) { r.Slot = "94" }), fault.NotPermitted},
		"a known id, another run":     {known(func(r *store.LoadRequest) { r.Run = "run-2" }), fault.NotPermitted},
		"a known id, in the clear":    {known(func(r *store.LoadRequest) { r.Clear = true }), fault.NotPermitted},
		"a known id, another key":     {known(func(r *store.LoadRequest) { r.KeySet, r.Key = "", ref("ZPK#1") }), fault.NotPermitted},
	}
	var names []string
	var all []store.LoadRequest
	for name, c := range cases {
		names, all = append(names, name), append(all, c.request)
	}
	all = append(all, load("good", "SN1"))
	loads, failed, err := b.ReserveLoads(b.ctx, store.Change{Mark: mark(30)}, all)
	b.must(err)
	for i, name := range names {
		b.refused(name, failed[i], cases[name].kind)
		if loads[i] != (store.Load{}) {
			b.Errorf("%s: a load beside an error", name)
		}
	}
	if last := len(all) - 1; failed[last] != nil || loads[last].Number != next || b.next("T") != next+1 {
		b.Errorf("beside them: %+v, %v; the next number is %d", loads[last], failed[last], b.next("T"))
	}
	if m, err := b.Mark(b.ctx); err != nil || m != mark(30) {
		b.Errorf("the mark is %+v, %v", m, err)
	}
	_, _, err = b.ReserveLoads(b.ctx, store.Change{Mark: store.Mark{Seq: 31}}, all)
	b.refused("a mark without its hash", err, fault.Bug)
	second := load("second", "SN1")
	_, err = b.reserve(second)
	b.refused("a second load of a slot", err, fault.NotPermitted)
	elsewhere := load("good", "SN1")
	elsewhere.Station, elsewhere.Lease = "line-2", "L9"
	if got, err := b.reserve(elsewhere); err != nil || !got.Again || got.Station != "line-1" || got.Lease != "" {
		b.Errorf("asked again by another station: %+v, %v", got, err)
	}
}

// fatesOfLoads: every way that a load can go, and no other.
func (b *bench) fatesOfLoads() {
	to := func(id string, state store.LoadState, device store.DeviceState) error {
		b.Helper()
		_, err := b.step(store.LoadStep{ID: id, To: state, Check: Check(9), Proof: "mac", Reason: "why\x1b[2J\nnot",
			Refusal: store.Refusal{Dialect: "visa", Answer: "02?C\x1b[2J" + strings.Repeat("?", 100)}, Device: device})
		return err
	}
	b.refused("no such load", to("nobody", store.LoadFailed, ""), fault.NotFound)
	b.refused("back to the beginning", to("good", store.LoadReserved, ""), fault.Usage)
	_, err := b.step(store.LoadStep{ID: "good", To: store.LoadSent})
	b.refused("sent without a check value", err, fault.Usage)
	b.refused("confirmed before it was sent", to("good", store.LoadConfirmed, ""), fault.NotPermitted)
	b.refused("unknown before it was sent", to("good", store.LoadUnknown, ""), fault.NotPermitted)
	b.refused("a device that leaps", to("good", store.LoadSent, store.Confirmed), fault.NotPermitted)
	b.stands("good", store.LoadReserved, store.Allotted, store.Reserved)
	b.refused("a number settled beside its load", b.Confirm(b.ctx, store.Change{}, "good"), fault.NotPermitted)
	b.refused("a number burnt beside its load", b.Burn(b.ctx, store.Change{}, "good"), fault.NotPermitted)

	b.ok("given up before it was sent", to("good", store.LoadFailed, store.Failed))
	b.stands("good", store.LoadFailed, store.Burnt, store.Failed)
	l, err := b.Load(b.ctx, "good")
	if err != nil || l.Reason != "why [2J not" || l.Refusal.Dialect != "visa" || len(l.Refusal.Answer) != 64 ||
		!strings.HasPrefix(l.Refusal.Answer, "02?C [2J??") {
		b.Errorf("%+v, %v", l, err)
	}
	b.refused("sent after it failed", to("good", store.LoadSent, ""), fault.NotPermitted)

	b.sent(load("lost", "SN2"))
	b.ok("lost", to("lost", store.LoadUnknown, store.QuarantinedDevice))
	b.stands("lost", store.LoadUnknown, store.Quarantined, store.QuarantinedDevice)
	_, err = b.reserve(load("again", "SN2"))
	b.refused("the slot of a load that nobody knows about", err, fault.NotPermitted)
	other := load("again", "SN2")
	other.Slot, other.KeySet, other.Key = "1", "", ref("ZPK#1")
	_, err = b.reserve(other)
	b.refused("another slot of that device", err, fault.NotPermitted)
	b.refused("sent again", to("lost", store.LoadSent, ""), fault.NotPermitted)
	b.ok("proven", to("lost", store.LoadConfirmed, store.Confirmed))
	b.stands("lost", store.LoadConfirmed, store.Injected, store.Confirmed)
	if l, err := b.Load(b.ctx, "lost"); err != nil || l.Refusal != (store.Refusal{}) {
		b.Errorf("a load that is confirmed was refused: %+v, %v", l, err)
	}
	b.ok("the number of a device that was wiped", b.Burn(b.ctx, store.Change{}, "lost"))
	b.sent(load("anew", "SN2"))
	b.stands("anew", store.LoadSent, store.Allotted, store.Sent)

	b.sent(load("gone", "SN3"))
	b.ok("lost", to("gone", store.LoadUnknown, store.QuarantinedDevice))
	b.ok("given up", to("gone", store.LoadFailed, ""))
	b.stands("gone", store.LoadFailed, store.Burnt, store.QuarantinedDevice)
	b.sent(load("gone-2", "SN3"))
	b.stands("gone-2", store.LoadSent, store.Allotted, store.Sent)

	b.sent(load("twin", "SN4")) // its check value is that of all ids of this length
	_, err = b.step(store.LoadStep{ID: "twin", To: store.LoadConfirmed, Device: store.Confirmed})
	b.must(err)
	b.must(b.MoveDevice(b.ctx, store.Change{}, "SN5", store.Expected, store.Rejected))
	five := load("five", "SN5")
	_, err = b.reserve(five)
	b.refused("a rejected device", err, fault.NotPermitted)
	same, err := b.step(store.LoadStep{ID: "anew", To: store.LoadConfirmed, Device: store.Confirmed})
	if err != nil || !slices.Equal(same, []string{"SN4/90"}) {
		b.Errorf("the same key in two devices: %v, %v", same, err)
	}
}

// plainKeys: keys that are no initial keys, of the store and of elsewhere, and keys that fall.
func (b *bench) plainKeys() {
	r := load("p1", "SN6")
	r.Slot, r.KeySet, r.Key, r.Clear = "1", "", ref("ZPK#1"), true
	l, err := b.reserve(r)
	if err != nil || l.Number != 0 || l.KSN != "" || !l.Clear {
		b.Errorf("%+v, %v", l, err)
	}
	foreign := r
	foreign.ID, foreign.Slot, foreign.Key = "p2", "2", store.Ref{}
	_, err = b.reserve(foreign)
	b.ok("a key of elsewhere", err)
	for i, id := range []string{"p1", "p2"} {
		_, err = b.step(store.LoadStep{ID: id, To: store.LoadSent, Check: Check(40 + i), Device: store.Sent})
		b.must(err)
	}
	if fall := take(b, b.DevicesBelow(b.ctx, ref("ZPK#1"))); len(fall) != 1 || fall[0].Serial != "SN6" {
		b.Errorf("with a key that may be in a device fall %+v", fall)
	}
	_, err = b.step(store.LoadStep{ID: "p1", To: store.LoadConfirmed, Proof: "status"})
	b.must(err)
	b.stands("p1", store.LoadConfirmed, "", store.Sent)
	_, err = b.step(store.LoadStep{ID: "p2", To: store.LoadConfirmed, Proof: "status", Device: store.Confirmed})
	b.must(err)
	d, err := b.Device(b.ctx, "SN6")
	if err != nil || len(d.Keys) != 2 || d.Keys[0].Key != ref("ZPK#1") || !d.Keys[1].Key.IsZero() || d.State != store.Confirmed {
		b.Errorf("%+v, %v", d, err)
	}
	late, reserved := r, load("late", "SN7")
	late.ID, late.Serial = "p3", "SN7"
	_, err = b.reserve(late)
	b.must(err)
	_, err = b.reserve(reserved)
	b.must(err)
	for _, k := range []string{"ZPK#1", "BDK#1"} {
		b.must(b.Transition(b.ctx, store.Change{}, ref(k), store.Active, store.Suspended, ""))
	}
	for _, id := range []string{"p3", "late"} {
		_, err = b.step(store.LoadStep{ID: id, To: store.LoadSent, Check: Check(50), Device: store.Sent})
		b.refused("sending a key that is suspended", err, fault.NotPermitted)
	}
	late.ID, late.Slot = "p4", "9"
	_, err = b.reserve(late)
	b.refused("reserving a key that is suspended", err, fault.NotPermitted)
	_, err = b.reserve(load("later", "SN8"))
	b.refused("reserving a number of it", err, fault.NotPermitted)
	b.must(b.Transition(b.ctx, store.Change{}, ref("BDK#1"), store.Suspended, store.Active, ""))
	b.must(b.Freeze(b.ctx, store.Change{}, "T", true))
	_, err = b.reserve(load("later", "SN8"))
	b.refused("reserving a number of a frozen set", err, fault.NotPermitted)
	b.must(b.Freeze(b.ctx, store.Change{}, "T", false))
	for under, kind := range map[string]fault.Kind{"ZPK#1": fault.NotPermitted, "NOBODY#1": fault.NotFound} {
		_, err = b.step(store.LoadStep{ID: "late", To: store.LoadSent, Check: Check(50), Under: ref(under), Device: store.Sent})
		b.refused("sending under "+under, err, kind)
	}
	_, err = b.step(store.LoadStep{ID: "late", To: store.LoadSent, Check: Check(50), Under: store.Ref{Label: "BDK"}})
	b.refused("sending under a key without its version", err, fault.Usage)
	b.stands("late", store.LoadReserved, store.Allotted, store.Reserved)
}

// backwards: what is taken down later stands later, when the clock goes back in between.
func (b *bench) backwards() {
	r := load("clock-1", "SN9")
	b.sent(r)
	_, err := b.step(store.LoadStep{ID: r.ID, To: store.LoadFailed, Device: store.Failed})
	b.must(err)
	was := b.now
	b.now = b.now.AddDate(0, 0, -1)
	r.ID = "clock-2"
	l, err := b.reserve(r)
	b.now = was
	if err != nil || l.At.Before(was) || l.Changed.Before(l.At) {
		b.Errorf("the second load is of %s, the first one of %s, %v", l.At, was, err)
	}
	_, err = b.step(store.LoadStep{ID: r.ID, To: store.LoadFailed, Device: store.Failed})
	b.must(err)
}

func (b *bench) lists() {
	other := load("o1", "SN8")
	other.Run = "run-0"
	_, err := b.reserve(other)
	b.must(err)
	ids := func(f store.LoadFilter) []string {
		var got []string
		for _, l := range take(b, b.Loads(b.ctx, f)) {
			got = append(got, l.ID)
		}
		return got
	}
	all := []string{"o1", "l0", "good", "anew", "lost", "gone", "gone-2", "twin", "p1", "p2", "late", "p3"}
	for what, c := range map[string]struct {
		filter store.LoadFilter
		want   []string
	}{
		"all":       {store.LoadFilter{}, all},
		"a run":     {store.LoadFilter{Run: "run-1"}, all[1:]},
		"a device":  {store.LoadFilter{Serial: "SN3"}, []string{"gone", "gone-2"}},
		"both":      {store.LoadFilter{Run: "run-0", Serial: "SN8"}, []string{"o1"}},
		"states":    {store.LoadFilter{Run: "run-1", States: []store.LoadState{store.LoadReserved, store.LoadSent}}, []string{"gone-2", "late", "p3"}},
		"no such":   {store.LoadFilter{Run: "run-7"}, nil},
		"a failure": {store.LoadFilter{States: []store.LoadState{store.LoadFailed}}, []string{"good", "gone"}},
	} {
		if got := ids(c.filter); !slices.Equal(got, c.want) {
			b.Errorf("%s: got %v, want %v", what, got, c.want)
		}
	}
	counts := b.loadCounts("run-1")
	if len(counts) != 4 || counts[store.LoadConfirmed] != 6 || counts[store.LoadFailed] != 2 ||
		counts[store.LoadReserved] != 2 || counts[store.LoadSent] != 1 {
		b.Errorf("%v", counts)
	}
	_, err = b.Load(b.ctx, "nobody")
	b.refused("no such load", err, fault.NotFound)
}

// copied: a backup has the journal.
func (b *bench) copied(u store.URL) {
	var dump bytes.Buffer
	sum, err := b.Backup(b.ctx, &dump)
	if err != nil || sum.Rows["loads"] != 12 {
		b.Errorf("%+v, %v", sum, err)
	}
	_, err = store.RestoreInto(b.ctx, u, bytes.NewReader(dump.Bytes()), b.options())
	b.must(err)
	db, err := store.Open(b.ctx, u, b.options())
	b.must(err)
	twin := &bench{T: b.T, ctx: b.ctx, Store: db, now: b.now}
	defer func() { b.ok("closing", db.Close()) }()
	if !slices.Equal(take(b, b.Loads(b.ctx, store.LoadFilter{})), take(twin, twin.Loads(b.ctx, store.LoadFilter{}))) {
		b.Error("the restored journal differs")
	}
	if r := twin.verified(1); r.Loads != 12 {
		b.Errorf("%d loads", r.Loads)
	}
}

// together: changes of one call see those before them.
func (s suite) together(t *testing.T) {
	b := s.open(t)
	b.floor(3)
	loads, failed, err := b.ReserveLoads(b.ctx, store.Change{}, []store.LoadRequest{load("l0", "SN0"), load("l0", "SN0"),
		load("l0", "SN1"), load("other", "SN0"), load("l1", "SN1")})
	b.must(err)
	if failed[0] != nil || failed[1] != nil || failed[4] != nil || !loads[1].Again || loads[1].Number != 1 ||
		loads[4].Number != 2 {
		t.Errorf("%+v, %v", loads, failed)
	}
	b.refused("the id for another device", failed[2], fault.NotPermitted)
	b.refused("the slot once more", failed[3], fault.NotPermitted)
	to := func(id string, state store.LoadState, device store.DeviceState) store.LoadStep {
		return store.LoadStep{ID: id, To: state, Check: Check(3), Device: device}
	}
	same, failed, err := b.StepLoads(b.ctx, store.Change{}, []store.LoadStep{to("l0", store.LoadSent, store.Sent),
		to("l0", store.LoadSent, store.Sent), to("l1", store.LoadSent, store.Sent),
		to("l0", store.LoadConfirmed, store.Confirmed), to("l1", store.LoadConfirmed, store.Expected),
		to("l1", store.LoadUnknown, store.QuarantinedDevice)})
	b.must(err)
	for i, kind := range []fault.Kind{"", fault.NotPermitted, "", "", fault.NotPermitted, ""} {
		if kind == "" && failed[i] != nil || kind != "" && !fault.Is(failed[i], kind) || same[i] != nil {
			t.Errorf("step %d: %v, %v", i, same[i], failed[i])
		}
	}
	b.stands("l0", store.LoadConfirmed, store.Injected, store.Confirmed)
	b.stands("l1", store.LoadUnknown, store.Quarantined, store.QuarantinedDevice)
	b.allocate("T", "bare", "SN1")
	_, err = b.step(to("l1", store.LoadConfirmed, ""))
	b.refused("proof of a number beside a live one", err, fault.NotPermitted)
	b.must(b.Burn(b.ctx, store.Change{}, "bare"))
	same1, err := b.step(to("l1", store.LoadConfirmed, store.Confirmed))
	if err != nil || !slices.Equal(same1, []string{"SN0/90"}) {
		t.Errorf("%v, %v", same1, err)
	}
	for what, ask := range map[string]func() error{
		"nothing to reserve": func() error { _, _, err := b.ReserveLoads(b.ctx, store.Change{}, nil); return err },
		"nothing to move":    func() error { _, _, err := b.StepLoads(b.ctx, store.Change{}, nil); return err },
	} {
		b.ok(what, ask())
	}
	b.verified(1) // the two devices with one check value
}

// leased: a station takes numbers of its own lease, and nobody else does.
func (s suite) leased(t *testing.T) {
	b := s.open(t)
	b.floor(10)
	lease := func(id, station string, days int) {
		_, err := b.Lease(b.ctx, store.Change{}, store.LeaseRequest{ID: id, KeySet: "T", Station: station, Count: 3,
			Until: b.now.AddDate(0, 0, days)})
		b.must(err)
	}
	b.must(b.AddKeySet(b.ctx, store.Change{},
		store.KeySet{ID: "U", BDK: ref("BDK#1"), Scheme: dukpt.TDES, KSI: "000001", From: 1, To: 9}))
	lease("L1", "line-1", 7)
	lease("L2", "line-2", 1)
	ask := func(i int, lease, station string) store.LoadRequest {
		r := load(fmt.Sprint("l", i), fmt.Sprint("SN", i))
		r.Lease, r.Station = lease, station
		return r
	}
	b.now = b.now.AddDate(0, 0, 1)
	elsewhere := ask(9, "L1", "line-1")
	elsewhere.KeySet = "U"
	loads, failed, err := b.ReserveLoads(b.ctx, store.Change{}, []store.LoadRequest{ask(0, "L1", "line-1"), ask(1, "", "line-1"),
		ask(2, "L1", "line-2"), ask(3, "L2", "line-2"), ask(4, "L1", "line-1"), elsewhere, ask(5, "L1", "line-1"),
		ask(6, "L1", "line-1")})
	b.must(err)
	for i, want := range []struct {
		number uint64
		kind   fault.Kind
	}{{1, ""}, {7, ""}, {0, fault.NotPermitted}, {0, fault.NotPermitted}, {2, ""}, {0, fault.NotPermitted}, {3, ""},
		{0, fault.EndOfLife}} {
		if want.kind != "" {
			b.refused(fmt.Sprint("request ", i), failed[i], want.kind)
		}
		if want.kind == "" && failed[i] != nil || loads[i].Number != want.number {
			t.Errorf("request %d: %+v, %v", i, loads[i], failed[i])
		}
	}
	l, err := b.Leases(b.ctx, "T")
	if err != nil || l[0].Next != 4 || l[1].Next != 4 {
		t.Errorf("%+v, %v", l, err)
	}
	b.refused("a return of what was handed out", b.ReturnLease(b.ctx, store.Change{}, "L1", nil, 3), fault.NotPermitted)
	b.ok("a return", b.ReturnLease(b.ctx, store.Change{}, "L1", nil, 4))
	_, err = b.reserve(ask(7, "L1", "line-1"))
	b.refused("a number of a lease that was returned", err, fault.NotPermitted)
	if a, err := b.Allocation(b.ctx, "l4"); err != nil || a.Lease != "L1" || a.KSN != "FFFF9876540000400000" {
		t.Errorf("%+v, %v", a, err)
	}
	b.verified(0)
}

// loadCounts counts the loads of a run by their state.
func (b *bench) loadCounts(run string) map[store.LoadState]int {
	b.Helper()
	counts := map[store.LoadState]int{}
	for l, err := range b.Loads(b.ctx, store.LoadFilter{Run: run}) {
		b.must(err)
		counts[l.State]++
	}
	return counts
}
