package storetest

import (
	"context"
	"iter"
	"testing"
	"time"

	"poskey/internal/fault"
	"poskey/pkg/store"
)

// Place gives an empty place for a new store each time it is called.
type Place func(t *testing.T) store.URL

// Run runs the suite.
func Run(t *testing.T, place Place) {
	s := suite{place}
	t.Run("Birth", s.birth)
	t.Run("Keys", s.keys)
	t.Run("Lives", s.lives)
	t.Run("Lists", s.lists)
	t.Run("Hierarchy", s.hierarchy)
	t.Run("Rotation", s.rotation)
	t.Run("Officers", s.officers)
	t.Run("Devices", s.devices)
	t.Run("Numbers", s.numbers)
	t.Run("Leases", s.leases)
	t.Run("Backup", s.backup)
	t.Run("Verify", s.verify)
	t.Run("Marks", s.marks)
	t.Run("Clock", s.clock)
	t.Run("Crowd", s.crowd)
	t.Run("Fallen", s.fallen)
	t.Run("Pair", s.pair)
	t.Run("Loads", s.loads)
	t.Run("Together", s.together)
	t.Run("Leased", s.leased)
	t.Run("Replaced", s.replaced)
	t.Run("Journal", s.journal)
	t.Run("Race", s.race)
	t.Run("Patience", s.patience)
	t.Run("Runs", s.runs)
	t.Run("Queue", s.queue)
	t.Run("Ceremonies", s.ceremonies)
	t.Run("Limits", s.limits)
	t.Run("Events", s.events)
	t.Run("Search", s.search)
}

type suite struct{ place Place }

// bench is a store with what most tests need.
type bench struct {
	*testing.T
	ctx context.Context
	*store.Store
	now time.Time
}

func (s suite) open(t *testing.T) *bench {
	t.Helper()
	return s.create(t, s.place(t))
}

func (s suite) create(t *testing.T, u store.URL) *bench {
	t.Helper()
	b := &bench{T: t, ctx: t.Context(), now: Birth().Add(time.Hour)}
	db, err := store.Create(b.ctx, u, Identity("suite"), []store.Officer{Officer("li.na"), Officer("wang.fang")},
		b.options())
	if err != nil {
		t.Fatal(err)
	}
	b.Store = db
	t.Cleanup(func() { b.ok("closing", db.Close()) })
	return b
}

func (b *bench) options() store.Options {
	return store.Options{Now: func() time.Time { return b.now }, Wait: 10 * time.Second}
}

// Officer is an officer with a card that nobody signed.
func Officer(id string) store.Officer {
	return store.Officer{ID: id, Fingerprint: "5EED" + id,
		Card: []byte("poskey officer card 1\nid: " + id + "\n(of a test)\n")}
}

func (b *bench) ok(what string, err error) {
	b.Helper()
	if err != nil {
		b.Errorf("%s: %v", what, err)
	}
}

func (b *bench) must(err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

// refused holds the kind of an error.
func (b *bench) refused(what string, err error, kind fault.Kind) {
	b.Helper()
	if !fault.Is(err, kind) {
		b.Errorf("%s: got %v, want an error of kind %s", what, err, kind)
	}
}

func (b *bench) insert(all ...store.Key) {
	b.Helper()
	for _, k := range all {
		if _, err := b.Insert(b.ctx, store.Change{}, k); err != nil {
			b.Fatal(err)
		}
	}
}

// under gives the key a parent.
func under(k store.Key, parent store.Ref) store.Key {
	k.Parent, k.ParentBlock = parent, "D0000(under "+parent.String()+")"
	return k
}

func (b *bench) get(r store.Ref) store.Key {
	b.Helper()
	k, err := b.Get(b.ctx, r)
	if err != nil {
		b.Fatal(err)
	}
	return k
}

// take collects a sequence.
func take[T any](b *bench, all iter.Seq2[T, error]) []T {
	b.Helper()
	var got []T
	for v, err := range all {
		if err != nil {
			b.Fatal(err)
		}
		got = append(got, v)
	}
	return got
}

func names(all []store.Key) []string {
	var got []string
	for i := range all {
		got = append(got, all[i].Ref().String())
	}
	return got
}

func ref(s string) store.Ref {
	r, err := store.ParseRef(s)
	if err != nil {
		panic(err)
	}
	return r
}
