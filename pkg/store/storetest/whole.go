package storetest

import (
	"bytes"
	"context"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"poskey/internal/fault"
	"poskey/pkg/dukpt"
	"poskey/pkg/store"
)

// verified holds the number of findings, warnings and all.
func (b *bench) verified(want int) store.Report {
	b.Helper()
	r, err := b.Verify(b.ctx, nil)
	if err != nil {
		b.Fatal(err)
	}
	if len(r.Findings) != want || r.Wrong() != 0 {
		b.Errorf("%d findings, want %d: %v", len(r.Findings), want, r.Findings)
	}
	return r
}

// fill puts something into every table.
func (b *bench) fill() {
	b.family()
	b.must(b.AddKeySet(b.ctx, store.Change{},
		store.KeySet{ID: "T", BDK: ref("BDK#1"), Scheme: dukpt.TDES, KSI: "987654", From: 1, To: 3000}))
	b.allocate("T", "r1", "SN1")
	_, err := b.Lease(b.ctx, store.Change{}, store.LeaseRequest{ID: "L1", KeySet: "T", Station: "line-1", Count: 10,
		Until: b.now.AddDate(0, 1, 0)})
	b.must(err)
	b.must(b.ReturnLease(b.ctx, store.Change{}, "L1",
		[]store.LeaseUse{{Number: 2, RequestID: "s-1", Serial: "SN2", State: store.Injected}}, 3))
	b.must(b.AddDevice(b.ctx, store.Change{}, store.Device{Serial: "SN1", Model: "型号 <1>"}))
	_, err = b.LoadKey(b.ctx, store.Change{}, "SN1",
		store.DeviceKey{Slot: "0", Key: ref("IK-1#1"), Check: Check(5), KSN: "FFFF9876543210E00000"})
	b.must(err)
	_, err = b.Rotate(b.ctx, store.Change{}, ref("ZMK#1"), Key("ZMK", 2),
		[]store.Rewrapped{{Ref: ref("BDK#1"), ParentBlock: "b"}, {Ref: ref("ZPK#1"), ParentBlock: "z"}})
	b.must(err)
	b.must(b.Transition(b.ctx, store.Change{}, ref("ZMK#1"), store.Deactivated, store.Destroyed, "period over"))
	b.must(b.AddOfficer(b.ctx, store.Change{Mark: mark(9)}, Officer("zhao")))
}

func mark(n uint64) store.Mark { return store.Mark{Seq: n, Hash: strings.Repeat("A1", 32)} }

func (s suite) backup(t *testing.T) {
	b := s.open(t)
	b.fill()
	var dump bytes.Buffer
	sum, err := b.Backup(b.ctx, &dump)
	if err != nil {
		t.Fatal(err)
	}
	if sum.Store != "suite" || sum.Environment != store.Test || sum.Mark != mark(9) || sum.Rows["keys"] != 7 ||
		sum.Rows["allocations"] != 2 {
		t.Errorf("%+v", sum)
	}
	read, err := store.ReadBackup(bytes.NewReader(dump.Bytes()))
	if err != nil || !reflect.DeepEqual(read, sum) {
		t.Errorf("read %+v, %v", read, err)
	}
	u := s.place(t)
	restored, err := store.RestoreInto(b.ctx, u, bytes.NewReader(dump.Bytes()), b.options())
	if err != nil || !reflect.DeepEqual(restored, sum) {
		t.Fatalf("restored %+v, %v", restored, err)
	}
	_, err = store.RestoreInto(b.ctx, u, bytes.NewReader(dump.Bytes()), b.options())
	b.refused("restoring over a store", err, fault.FileExists)
	db, err := store.Open(b.ctx, u, b.options())
	b.must(err)
	twin := &bench{T: t, ctx: b.ctx, Store: db, now: b.now}
	defer func() { b.ok("closing", db.Close()) }()
	var again bytes.Buffer
	if _, err := twin.Backup(b.ctx, &again); err != nil || !bytes.Equal(again.Bytes(), dump.Bytes()) {
		t.Errorf("the backup of the restored store differs, %v", err)
	}
	if !reflect.DeepEqual(take(b, b.List(b.ctx, store.Filter{})), take(twin, twin.List(b.ctx, store.Filter{}))) {
		t.Error("the keys differ")
	}
	twin.insert(Key("AFTER", 1)) // numbers go on
	twin.ok("a step", twin.Transition(b.ctx, store.Change{}, ref("AFTER#1"), store.Active, store.Suspended, ""))
	if a := twin.allocate("T", "r9", "SN9"); a.Number != 12 {
		t.Errorf("after the restoration: %+v", a)
	}
	twin.verified(0)
	s.badBackups(b, dump.Bytes())
}

// badBackups: whatever is wrong with a dump, nothing is made of it.
func (s suite) badBackups(b *bench, dump []byte) {
	lines := slices.Collect(bytes.Lines(dump))
	join := func(l [][]byte) []byte { return bytes.Join(l, nil) }
	for what, c := range map[string]struct {
		dump []byte
		kind fault.Kind
	}{
		"nothing":          {nil, fault.Partial},
		"something else":   {[]byte("SQLite format 3\x00\n"), fault.Malformed},
		"cut in a line":    {dump[:len(dump)-1], fault.Partial},
		"cut after a line": {join(lines[:len(lines)-1]), fault.Partial},
		"a row gone":       {join(slices.Delete(slices.Clone(lines), 3, 4)), fault.ChecksumMismatch},
		"a row twice":      {join(slices.Insert(slices.Clone(lines), 3, lines[2])), fault.ChecksumMismatch},
		"something behind": {append(bytes.Clone(dump), '\n'), fault.Malformed},
		"a blank in a row": {bytes.Replace(dump, []byte(`{"keys":{`), []byte(`{"keys": {`), 1), fault.Malformed},
		"a changed row":    {bytes.Replace(dump, []byte(`"ZPK"`), []byte(`"ZPX"`), 1), fault.ChecksumMismatch},
		"a newer format": {bytes.Replace(dump, []byte("poskey.store/v1"), []byte("poskey.store/v2"), 1),
			fault.VersionUnsupported},
		"a newer schema":    {bytes.Replace(dump, []byte(`"schema":4`), []byte(`"schema":5`), 1), fault.VersionUnsupported},
		"rows out of order": {join(append([][]byte{lines[0], lines[4], lines[1]}, lines[2:]...)), fault.Malformed},
	} {
		_, err := store.ReadBackup(bytes.NewReader(c.dump))
		if what != "a row twice" || err == nil {
			b.refused("reading "+what, err, c.kind)
		}
		u := s.place(b.T)
		if _, err := store.RestoreInto(b.ctx, u, bytes.NewReader(c.dump), b.options()); err == nil {
			b.Errorf("%s was restored", what)
		}
		_, err = store.Open(b.ctx, u, b.options())
		b.refused("after "+what, err, fault.NotFound)
	}
	o := b.options()
	o.Expect.Environment = store.Production
	_, err := store.RestoreInto(b.ctx, s.place(b.T), bytes.NewReader(dump), o)
	b.refused("a test store restored as production", err, fault.NotPermitted)
}

func (s suite) verify(t *testing.T) {
	b := s.open(t)
	b.fill()
	r := b.verified(0)
	if r.Keys != 7 || r.Devices != 1 || r.Allocations != 2 {
		t.Errorf("%+v", r)
	}
	wrong := fault.New(fault.MACMismatch, "a block of the test")
	seen := 0
	r, err := b.Verify(b.ctx, func(k store.Key) error {
		if seen++; k.Label == "ZPK" {
			return wrong
		}
		return nil
	})
	if err != nil || seen != 6 || len(r.Findings) != 1 || r.Findings[0].Where != "ZPK#1" ||
		!errors.Is(r.Findings[0].Err, wrong) {
		t.Errorf("%d blocks were shown, %+v, %v", seen, r, err)
	}
	twin := Key("TWIN", 1)
	twin.Check = b.get(ref("ZPK#1")).Check
	twin.Created = b.now.AddDate(0, 0, 1)
	b.insert(twin)
	r = b.verified(2) // an equal check value and a key of tomorrow
	if r.Findings[0].Where != "TWIN#1" || r.Findings[1].Where != "TWIN" {
		t.Errorf("%+v", r.Findings)
	}
}

func (s suite) marks(t *testing.T) {
	b := s.open(t)
	marked := func(n uint64, want store.Mark) {
		t.Helper()
		_, err := b.Insert(b.ctx, store.Change{Mark: mark(n)}, Key("K", int(n)))
		b.must(err)
		if got, err := b.Mark(b.ctx); err != nil || got != want {
			t.Errorf("after %d the mark is %+v, %v", n, got, err)
		}
	}
	marked(5, mark(5))
	marked(7, mark(7))
	marked(6, mark(7)) // the later intent was faster
	_, err := b.Insert(b.ctx, store.Change{Mark: mark(8)}, Key("K", 5))
	b.refused("a key that is there", err, fault.FileExists)
	_, err = b.Insert(b.ctx, store.Change{Mark: store.Mark{Seq: 9}}, Key("K", 9))
	b.refused("a mark without its hash", err, fault.Bug)
	if got, err := b.Mark(b.ctx); err != nil || got != mark(7) {
		t.Errorf("a refused change moved the mark to %+v, %v", got, err)
	}
	b.family()
	b.must(b.AddKeySet(b.ctx, store.Change{},
		store.KeySet{ID: "T", BDK: ref("BDK#1"), Scheme: dukpt.TDES, KSI: "987654", From: 1, To: 9}))
	_, err = b.Allocate(b.ctx, store.Change{Mark: mark(20)},
		store.AllocateRequest{KeySet: "T", RequestID: "r", Serial: "s"})
	b.must(err)
	if got, err := b.Mark(b.ctx); err != nil || got != mark(20) {
		t.Errorf("an allocation left the mark at %+v, %v", got, err)
	}
	b.must(b.Transition(b.ctx, store.Change{Mark: mark(21)}, ref("K#5"), store.Active, store.Suspended, "why"))
	if h, err := b.History(b.ctx, ref("K#5")); err != nil || len(h) != 1 || h[0].Mark != 21 {
		t.Errorf("%+v, %v", h, err)
	}
}

// clock: one that goes back neither stops the store nor puts the steps of a life out of order.
func (s suite) clock(t *testing.T) {
	b := s.open(t)
	b.insert(Key("K", 1))
	was := b.now
	b.now = b.now.AddDate(-1, 0, 0)
	b.must(b.Transition(b.ctx, store.Change{}, ref("K#1"), store.Active, store.Suspended, "the clock stands a year back"))
	b.must(b.Transition(b.ctx, store.Change{At: was.Add(time.Hour)}, ref("K#1"), store.Suspended, store.Active, ""))
	b.must(b.Transition(b.ctx, store.Change{}, ref("K#1"), store.Active, store.Deactivated, ""))
	k := b.get(ref("K#1"))
	if k.Suspended != was || k.Deactivated.Before(k.Suspended) {
		t.Errorf("%+v", k)
	}
	b.now = was.AddDate(0, 0, 1)
	b.verified(0)
}

// pair: two who have the store open. The second waits for the first to commit, and not for ever.
func (s suite) pair(t *testing.T) {
	u := s.place(t)
	b := s.create(t, u)
	o := b.options()
	o.Wait = 50 * time.Millisecond
	other, err := store.Open(b.ctx, u, o)
	b.must(err)
	defer func() { b.ok("closing", other.Close()) }()
	late := time.After(20 * time.Second)
	_, err = b.InsertMany(b.ctx, store.Change{}, func(yield func(store.Key, error) bool) {
		_, err := other.Insert(b.ctx, store.Change{}, Key("LATE", 1))
		b.refused("writing beside a writer", err, fault.Busy)
		if _, err := other.Count(b.ctx, store.Filter{}); err != nil {
			b.Errorf("reading beside a writer: %v", err)
		}
		yield(Key("FIRST", 1), nil)
	})
	b.must(err)
	select {
	case <-late:
		t.Error("it waited for the other one longer than it was told to")
	default:
	}
	_, err = other.Insert(b.ctx, store.Change{}, Key("LATE", 1))
	b.ok("when the first one is done", err)
	if k, err := other.Get(b.ctx, ref("FIRST#1")); err != nil || k.Label != "FIRST" {
		t.Errorf("what the first one did: %+v, %v", k, err)
	}
	ctx, cancel := context.WithCancel(b.ctx)
	cancel()
	_, err = other.Insert(ctx, store.Change{}, Key("NEVER", 1))
	b.refused("given up", err, fault.Interrupted)
}
