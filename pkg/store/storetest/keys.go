package storetest

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"poskey/internal/fault"
	"poskey/pkg/kcv"
	"poskey/pkg/keys"
	"poskey/pkg/store"
)

func (s suite) birth(t *testing.T) {
	u := s.place(t)
	b := &bench{T: t, ctx: t.Context(), now: Birth()}
	_, err := store.Open(b.ctx, u, b.options())
	b.refused("opening what is not there", err, fault.NotFound)
	b = s.create(t, u)
	got, err := b.Identity(b.ctx)
	if want := Identity("suite"); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("the identity is %+v, %v", got, err)
	}
	_, err = store.Create(b.ctx, u, Identity("other"), nil, b.options())
	b.refused("creating a second one", err, fault.FileExists)
	for what, change := range map[string]func(*store.Identity){
		"another store":        func(id *store.Identity) { id.ID = "other" },
		"production":           func(id *store.Identity) { id.Environment = store.Production },
		"another birth":        func(id *store.Identity) { id.Created = id.Created.Add(1) },
		"another master key":   func(id *store.Identity) { id.Master.Check = Check(2) },
		"a later generation":   func(id *store.Identity) { id.Master.Generation = 2 },
		"nothing wrong at all": nil,
	} {
		o := b.options()
		o.Expect = Identity("suite")
		if change != nil {
			change(&o.Expect)
		}
		if what == "another birth" {
			o.Expect.Created = Birth().Add(time.Microsecond)
		}
		again, err := store.Open(b.ctx, u, o)
		if change == nil {
			b.must(err)
			b.ok("closing", again.Close())
			continue
		}
		b.refused(what, err, fault.NotPermitted)
	}
	for what, spoil := range map[string]func(*store.Identity){
		"no id": func(id *store.Identity) { id.ID = "" }, "no environment": func(id *store.Identity) { id.Environment = "both" },
		"a PIN": func(id *store.Identity) {
			id.Master = store.Master{Kind: store.ByToken, Check: Check(1), Generation: 1, Token: "pkcs11:token=t?pin-value=1234"} //nolint:gosec // G101: refused
		},
	} {
		id := Identity("suite")
		spoil(&id)
		_, err := store.Create(b.ctx, s.place(t), id, nil, b.options())
		b.refused(what, err, fault.Usage)
	}
	o := b.options()
	o.ReadOnly = true
	reader, err := store.Open(b.ctx, u, o)
	b.must(err)
	_, err = reader.Insert(b.ctx, store.Change{}, Key("K", 1))
	b.refused("writing through a reader", err, fault.NotPermitted)
	_, err = reader.Allocate(b.ctx, store.Change{}, store.AllocateRequest{KeySet: "S", RequestID: "r", Serial: "s"})
	b.refused("allocating through a reader", err, fault.NotPermitted)
	b.ok("closing the reader", reader.Close())
	reseal(b)
}

func reseal(b *bench) {
	next := Identity("suite").Master
	next.Generation, next.Sealed = 2, []byte("another document")
	before, err := b.Officers(b.ctx)
	if err != nil || len(before) != 2 {
		b.Fatalf("%d officers, %v", len(before), err)
	}
	again := Officer(before[0].ID) // the one who leaves comes back with another card
	again.Fingerprint = "5EED" + "again"
	b.refused("resealing, with somebody leaving who is not there", b.Reseal(b.ctx, store.Change{}, 1, next,
		store.Staff{Leave: []string{before[1].Fingerprint, "0000"}, Join: []store.Officer{again}}), fault.NotFound)
	b.refused("resealing, with somebody joining who is there", b.Reseal(b.ctx, store.Change{}, 1, next,
		store.Staff{Leave: []string{before[0].Fingerprint}, Join: []store.Officer{before[1]}}), fault.FileExists)
	if got, err := b.Officers(b.ctx); err != nil || !reflect.DeepEqual(got, before) {
		b.Errorf("a refused resealing changed the officers: %+v, %v", got, err)
	}
	if got, err := b.Identity(b.ctx); err != nil || got.Master.Generation != 1 {
		b.Errorf("a refused resealing left generation %d, %v", got.Master.Generation, err)
	}
	b.ok("resealing", b.Reseal(b.ctx, store.Change{}, 1, next,
		store.Staff{Leave: []string{before[0].Fingerprint}, Join: []store.Officer{again}}))
	b.refused("resealing from an old generation", b.Reseal(b.ctx, store.Change{}, 1, next, store.Staff{}), fault.Busy)
	got, err := b.Identity(b.ctx)
	if err != nil || !reflect.DeepEqual(got.Master, next) {
		b.Errorf("after resealing: %+v, %v", got.Master, err)
	}
	officers, err := b.Officers(b.ctx)
	if err != nil || len(officers) != 3 {
		b.Errorf("%d officers, %v", len(officers), err)
	}
	for _, o := range officers {
		if left := o.Fingerprint == before[0].Fingerprint; left == o.Revoked.IsZero() {
			b.Errorf("after resealing officer %s is revoked at %v", o.Fingerprint, o.Revoked)
		}
	}
	other := next
	other.Generation, other.Check = 3, Check(9)
	b.insert(Key("ZMK", 1))
	b.refused("another master key over blocks", b.Reseal(b.ctx, store.Change{}, 2, other, store.Staff{}), fault.NotPermitted)
	if got, err := b.Identity(b.ctx); err != nil || got.Master.Generation != 2 {
		b.Errorf("a refused change left something: %+v, %v", got, err)
	}
}

func (s suite) keys(t *testing.T) {
	b := s.open(t)
	parent := Key("ZMK-2026", 1)
	parent.Custodians, parent.Purpose = []string{"custodian A", "监管人B"}, `a "purpose" with <all> & 字`
	parent.NotAfter = time.Date(2027, 5, 6, 7, 8, 9, 123_456_789, time.UTC)
	b.insert(parent, Key("ZMK-2026", 2), Key("ZMK-2026", 3), under(Key("ZPK.a_b", 1), parent.Ref()))

	got := b.get(parent.Ref())
	want := parent
	want.State, want.Created, want.Activated = store.Active, b.now, b.now
	want.NotAfter = time.Date(2027, 5, 6, 7, 8, 9, 123_456_000, time.UTC)
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	if got := b.get(ref("ZPK.a_b#1")); got.Parent != parent.Ref() || got.ParentBlock == "" ||
		got.NotAfter != b.now.AddDate(2, 0, 0) {
		t.Errorf("got %+v", got)
	}
	if k, err := b.Get(b.ctx, store.Ref{Label: "ZMK-2026"}); err != nil || k.Version != 3 {
		t.Errorf("the newest is %d, %v", k.Version, err)
	}
	b.ok("suspending", b.Transition(b.ctx, store.Change{}, ref("ZMK-2026#3"), store.Active, store.Suspended, ""))
	if k, err := b.Get(b.ctx, ref("ZMK-2026")); err != nil || k.Version != 2 {
		t.Errorf("the newest active one is %d, %v", k.Version, err)
	}
	if n, err := b.NextVersion(b.ctx, "ZMK-2026"); err != nil || n != 4 {
		t.Errorf("the next version is %d, %v", n, err)
	}
	if n, err := b.NextVersion(b.ctx, "NEW"); err != nil || n != 1 {
		t.Errorf("the first version is %d, %v", n, err)
	}
	_, err := b.Get(b.ctx, ref("NOBODY"))
	b.refused("an unknown label", err, fault.NotFound)
	_, err = b.Get(b.ctx, ref("ZMK-2026#9"))
	b.refused("an unknown version", err, fault.NotFound)
	_, err = b.Get(b.ctx, ref("zmk-2026#1"))
	b.refused("a label in other letters", err, fault.NotFound)
	waiting := Key("WAIT", 1)
	waiting.State = store.PreActivation
	b.insert(waiting)
	_, err = b.Get(b.ctx, ref("WAIT"))
	b.refused("no active version", err, fault.NotPermitted)

	s.badKeys(b)
	s.manyKeys(b)
}

func (s suite) badKeys(b *bench) {
	_, err := b.Insert(b.ctx, store.Change{}, Key("ZMK-2026", 2))
	b.refused("a version that is there", err, fault.FileExists)
	_, err = b.Insert(b.ctx, store.Change{}, under(Key("ORPHAN", 1), ref("NOBODY#1")))
	b.refused("an unknown parent", err, fault.NotFound)
	for what, spoil := range map[string]func(*store.Key){
		"no label": func(k *store.Key) { k.Label = "" }, "a bad label": func(k *store.Key) { k.Label = "-x" },
		"a long label": func(k *store.Key) { k.Label = strings.Repeat("x", 65) },
		"a blank":      func(k *store.Key) { k.Label = "a b" },
		"no version":   func(k *store.Key) { k.Version = 0 }, "a negative version": func(k *store.Key) { k.Version = -1 },
		"no block": func(k *store.Key) { k.Block = "" }, "no check value": func(k *store.Key) { k.Check = kcv.Value{} },
		"a small check value": func(k *store.Key) { k.Check.Digits = "abcdef" },
		"no algorithm":        func(k *store.Key) { k.Algorithm = "" },
		"no mode":             func(k *store.Key) { k.Mode = 0 }, "no origin": func(k *store.Key) { k.Origin = "found" },
		"a state of later": func(k *store.Key) { k.State = store.Deactivated },
		"a time of later":  func(k *store.Key) { k.Destroyed = Birth() },
		"two lines":        func(k *store.Key) { k.Purpose = "a\nb" }, "no text": func(k *store.Key) { k.Purpose = "\xFF" },
		"what moves a cursor":      func(k *store.Key) { k.Purpose = "a\x1b[2K" },
		"what turns letters":       func(k *store.Key) { k.Purpose = "a\u202E" },
		"a custodian of two lines": func(k *store.Key) { k.Custodians = []string{"a\nb"} },
		"a parent without version": func(k *store.Key) { k.Parent = ref("ZMK-2026") },
		"activated before created": func(k *store.Key) { k.Created, k.Activated = Birth(), Birth().Add(-time.Hour) },
	} {
		k := Key("SPOILT", 1)
		spoil(&k)
		_, err := b.Insert(b.ctx, store.Change{}, k)
		b.refused(what, err, fault.Usage)
	}
	for what, spoil := range map[string]func(*store.Key){
		"another key's block": func(k *store.Key) { k.Block = Key("OTHER", 1).Block },
		"another usage":       func(k *store.Key) { k.Usage = keys.UsagePIN },
		"another mode":        func(k *store.Key) { k.Mode = 'E' },
		"another algorithm":   func(k *store.Key) { k.Algorithm = keys.TDES128 },
		"more export":         func(k *store.Key) { k.Exportability = 'N' },
	} {
		k := Key("SPOILT", 1)
		spoil(&k)
		_, err := b.Insert(b.ctx, store.Change{}, k)
		b.refused(what, err, fault.ChecksumMismatch)
	}
	foreign := Key("FOREIGN", 1)
	foreign.Block = "token-format:0123456789"
	b.insert(foreign)
	if n, err := b.Count(b.ctx, store.Filter{Label: "SPOILT"}); err != nil || n != 0 {
		b.Errorf("%d spoilt keys got in, %v", n, err)
	}
}

func (s suite) manyKeys(b *bench) {
	same, err := b.Insert(b.ctx, store.Change{}, func() store.Key {
		k := Key("TWIN", 1)
		k.Check = b.get(ref("ZMK-2026#1")).Check
		return k
	}())
	if err != nil || !slices.Equal(same, []store.Ref{ref("ZMK-2026#1")}) {
		b.Errorf("the duplicate alarm: %v, %v", same, err)
	}
	long := b.get(ref("ZMK-2026#1")).Check
	long.Digits += "77FF"
	if same, err := b.SameCheck(b.ctx, long, ""); err != nil || len(same) != 2 {
		b.Errorf("a longer value of the same key: %v, %v", same, err)
	}
	if same, err := b.SameCheck(b.ctx, long, keys.TDES192); err != nil || len(same) != 0 {
		b.Errorf("another algorithm: %v, %v", same, err)
	}
	done, err := b.InsertMany(b.ctx, store.Change{}, Many(1234))
	if err != nil || done.Count != 1234 || len(done.Same) != 0 {
		b.Fatalf("%d keys, %d pairs, %v", done.Count, len(done.Same), err)
	}
	if k := b.get(ref("T-0001111#1")); k.Parent != ref("T-0001000#1") {
		b.Errorf("its parent is %s", k.Parent)
	}
	for what, all := range map[string][]store.Key{
		"one that is there": {Key("N", 1), Key("N", 2), Key("T-0000007", 1)},
		"one twice":         {Key("N", 1), Key("N", 2), Key("N", 1)},
	} {
		_, err := b.InsertMany(b.ctx, store.Change{}, func(yield func(store.Key, error) bool) {
			for _, k := range all {
				if !yield(k, nil) {
					return
				}
			}
		})
		b.refused(what, err, fault.FileExists)
		if err != nil && !strings.Contains(err.Error(), all[2].Ref().String()) {
			b.Errorf("%s: %v does not name it", what, err)
		}
	}
	broken := errors.New("the file ended")
	if _, err := b.InsertMany(b.ctx, store.Change{}, func(yield func(store.Key, error) bool) {
		_ = yield(Key("N", 1), nil) && yield(store.Key{}, broken)
	}); !errors.Is(err, broken) {
		b.Errorf("the error of the sequence: %v", err)
	}
	if n, err := b.Count(b.ctx, store.Filter{Label: "N"}); err != nil || n != 0 {
		b.Errorf("%d keys of failed insertions, %v", n, err)
	}
	twins, err := b.InsertMany(b.ctx, store.Change{}, func(yield func(store.Key, error) bool) {
		for i := range 3 {
			k := Key(fmt.Sprint("TRIPLET-", i), 1)
			k.Check = Check(99_999_999)
			if !yield(k, nil) {
				return
			}
		}
	})
	if err != nil || len(twins.Same) != 3 || twins.Same[0] != [2]store.Ref{ref("TRIPLET-1#1"), ref("TRIPLET-0#1")} {
		b.Errorf("pairs among new keys: %v, %v", twins.Same, err)
	}
}

func (s suite) lives(t *testing.T) {
	b := s.open(t)
	for i, from := range store.States() {
		for j, to := range store.States() {
			label := fmt.Sprintf("K%d%d", i, j)
			b.bring(label, from)
			before := b.get(store.Ref{Label: label, Version: 1})
			b.now = b.now.Add(time.Minute)
			err := b.Transition(b.ctx, store.Change{}, before.Ref(), from, to, "why not")
			if !from.MayBecome(to) {
				b.refused(fmt.Sprintf("%s to %s", from, to), err, fault.NotPermitted)
				if after := b.get(before.Ref()); !reflect.DeepEqual(after, before) {
					t.Errorf("%s to %s was refused and left %+v", from, to, after)
				}
				continue
			}
			b.ok(fmt.Sprintf("%s to %s", from, to), err)
			b.lived(before, to)
		}
	}
	b.bring("LEAKED", store.PreActivation) // what became known before it was ever used
	b.ok("compromised", b.Transition(b.ctx, store.Change{}, ref("LEAKED#1"), store.PreActivation, store.Compromised, ""))
	b.refused("activated", b.Transition(b.ctx, store.Change{}, ref("LEAKED#1"), store.Compromised, store.Active, ""),
		fault.NotPermitted)
	err := b.Transition(b.ctx, store.Change{}, ref("K00#1"), store.Active, store.Suspended, "")
	b.refused("a state that it is not in", err, fault.Busy)
	for what, c := range map[string]struct {
		key  string
		kind fault.Kind
	}{"an unknown key": {"NO#1", fault.NotFound}, "no version": {"K11", fault.Usage}} {
		b.refused(what, b.Transition(b.ctx, store.Change{}, ref(c.key), store.Active, store.Suspended, ""), c.kind)
	}
	b.verified(0)
}

// bring makes a key and leads it to a state.
func (b *bench) bring(label string, to store.State) {
	b.Helper()
	k := Key(label, 1)
	k.State = store.PreActivation
	b.insert(k)
	ways := map[store.State][]store.State{
		store.PreActivation: nil, store.Active: {store.Active}, store.Suspended: {store.Active, store.Suspended},
		store.Deactivated: {store.Active, store.Deactivated}, store.Compromised: {store.Active, store.Compromised},
		store.Destroyed:            {store.Active, store.Deactivated, store.Destroyed},
		store.DestroyedCompromised: {store.Active, store.Compromised, store.DestroyedCompromised},
	}
	at := store.PreActivation
	for _, next := range ways[to] {
		b.now = b.now.Add(time.Second)
		b.must(b.Transition(b.ctx, store.Change{}, k.Ref(), at, next, ""))
		at = next
	}
}

// lived looks at what a step did to a key, and to nothing else of it.
func (b *bench) lived(before store.Key, to store.State) {
	b.Helper()
	want := before
	want.State = to
	switch to {
	case store.Active:
		if want.Activated.IsZero() {
			want.Activated, want.NotAfter = b.now, b.now.AddDate(2, 0, 0)
		}
	case store.Suspended:
		want.Suspended = b.now
	case store.Deactivated:
		want.Deactivated = b.now
	case store.Compromised:
		want.Compromised = b.now
	case store.Destroyed, store.DestroyedCompromised:
		want.Destroyed, want.Block, want.ParentBlock = b.now, "", ""
	}
	if got := b.get(before.Ref()); !reflect.DeepEqual(got, want) {
		b.Errorf("%s to %s:\ngot  %+v\nwant %+v", before.State, to, got, want)
	}
	all, err := b.History(b.ctx, before.Ref())
	last := store.Event{At: b.now, From: before.State, To: to, Reason: "why not"}
	if err != nil || len(all) == 0 || all[len(all)-1] != last {
		b.Errorf("%s to %s: the history ends with %+v, %v", before.State, to, all, err)
	}
}

func (s suite) lists(t *testing.T) {
	b := s.open(t)
	if _, err := b.InsertMany(b.ctx, store.Change{}, Many(2500)); err != nil {
		t.Fatal(err)
	}
	tdes := Key("a-late", 1)
	tdes.Algorithm, tdes.Block = keys.TDES128, "token:1"
	short := Key("a-short", 1) // of the same value as Check(77), cut earlier
	short.Check.Digits = Check(77).Digits[:4]
	b.insert(tdes, short, Key("a.", 1), Key("a", 10), Key("a", 9), Key("a_", 1), Key("B", 1))
	b.ok("suspending", b.Transition(b.ctx, store.Change{}, ref("T-0000042#1"), store.Active, store.Suspended, ""))
	b.ok("giving up", b.Transition(b.ctx, store.Change{}, ref("T-0000043#1"), store.Active, store.Deactivated, ""))

	all := take(b, b.List(b.ctx, store.Filter{}))
	byName := func(x, y store.Key) int {
		if c := strings.Compare(x.Label, y.Label); c != 0 {
			return c
		}
		return x.Version - y.Version
	}
	if len(all) != 2507 || !slices.IsSortedFunc(all, byName) {
		t.Fatalf("%d keys, in order: %v", len(all), slices.IsSortedFunc(all, byName))
	}
	soon := Birth().AddDate(0, 0, 40)
	for what, f := range map[string]store.Filter{
		"usage": {Usage: keys.UsageIK}, "rare usage": {Usage: keys.UsageKEK}, "state": {State: store.Active},
		"rare state": {State: store.Suspended}, "usage and state": {Usage: keys.UsageIK, State: store.Suspended},
		"prefix": {Prefix: "a"}, "longer prefix": {Prefix: "T-00001"}, "label": {Label: "a"},
		"algorithm": {Algorithm: keys.TDES128},
		"parent":    {Parent: ref("T-0001000#1")}, "parent and usage": {Parent: ref("T-0001000#1"), Usage: keys.UsageIK},
		"check": {Check: Check(77)}, "first digits": {Check: kcv.Value{Digits: Check(77).Digits[:4]}},
		"more digits":  {Check: kcv.Value{Digits: Check(77).Digits + "0A"}},
		"other digits": {Check: kcv.Value{Digits: Check(77).Digits[:5] + "ABC"}}, "expiring": {ExpiringBefore: soon},
		"expiring usage":         {ExpiringBefore: soon, Usage: keys.UsageKEK},
		"expiring and suspended": {ExpiringBefore: Birth().AddDate(5, 0, 0), State: store.Suspended},
		"usage and algorithm":    {Usage: keys.UsageKEK, Algorithm: keys.TDES128}, "nothing": {Usage: keys.UsagePIN},
	} {
		want := filtered(all, f)
		got := take(b, b.List(b.ctx, f))
		if !slices.Equal(names(got), names(want)) {
			t.Errorf("%s: %d keys, want %d", what, len(got), len(want))
		}
		if n, err := b.Count(b.ctx, f); err != nil || n != int64(len(want)) {
			t.Errorf("%s: counted %d, %v, want %d", what, n, err, len(want))
		}
		for _, limit := range []int{1, 7, 60, 1100} {
			f.Limit = limit
			if got := take(b, b.List(b.ctx, f)); !slices.Equal(names(got), names(want[:min(limit, len(want))])) {
				t.Errorf("%s: %d keys with limit %d", what, len(got), limit)
			}
		}
	}
	for k, err := range b.List(b.ctx, store.Filter{}) { // a change while the list runs must not wait for it
		b.must(err)
		b.ok("a change in a loop", b.Transition(b.ctx, store.Change{}, k.Ref(), store.Active, store.Suspended, ""))
		break
	}
	for _, err := range b.List(b.ctx, store.Filter{Parent: ref("NOBODY#1")}) {
		b.refused("an unknown parent", err, fault.NotFound)
	}
}

// filtered chooses as the store should.
// alike compares as many digits as both have.
func alike(have, want kcv.Value) bool {
	n := min(len(have.Digits), len(want.Digits))
	return have.Digits[:n] == want.Digits[:n] && (want.Method == "" || have.Method == want.Method)
}

func filtered(all []store.Key, f store.Filter) []store.Key {
	var got []store.Key
	for _, k := range all {
		in := (f.Usage == "" || k.Usage == f.Usage) && (f.State == "" || k.State == f.State) &&
			strings.HasPrefix(k.Label, f.Prefix) &&
			(f.Label == "" || k.Label == f.Label) && (f.Parent.IsZero() || k.Parent == f.Parent) &&
			(f.Algorithm == "" || k.Algorithm == f.Algorithm) && alike(k.Check, f.Check)
		if !f.ExpiringBefore.IsZero() {
			in = in && k.State.InUse() && !k.NotAfter.IsZero() && k.NotAfter.Before(f.ExpiringBefore)
		}
		if in {
			got = append(got, k)
		}
	}
	if !f.ExpiringBefore.IsZero() {
		slices.SortStableFunc(got, func(x, y store.Key) int { return x.NotAfter.Compare(y.NotAfter) })
	}
	return got
}
