//go:build unix

package vault

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"poskey/internal/fault"
	"poskey/pkg/agent"
	"poskey/pkg/audit"
	"poskey/pkg/custody"
	"poskey/pkg/dukpt"
	"poskey/pkg/keys"
	"poskey/pkg/store"
)

// onBoth runs a test on a store in a file and on one on a server. The store has a key set KS and devices SN-0 to SN-3.
func onBoth(t *testing.T, f func(t *testing.T, w *world, place func() store.URL)) {
	t.Helper()
	for name, at := range map[string]func(t *testing.T) store.URL{
		"sqlite":   func(t *testing.T) store.URL { return sqliteAt(t, t.TempDir()) },
		"postgres": func(t *testing.T) store.URL { return onServer(t) },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorldAt(t, custody.Test, at(t), t.TempDir())
			w.generate(want{label: "BDK", alg: keys.TDES128, usage: keys.UsageBDK})
			must(t, w.db.AddKeySet(t.Context(), store.Change{}, store.KeySet{ID: "KS", BDK: ref(t, "BDK#1"), Scheme: dukpt.TDES, KSI: "987654", To: 1000}))
			for _, sn := range []string{"SN-0", "SN-1", "SN-2", "SN-3"} {
				must(t, w.db.AddDevice(t.Context(), store.Change{}, store.Device{Serial: sn}))
			}
			f(t, w, func() store.URL { return at(t) })
		})
	}
}

// putBack takes the store to an older copy of its database.
func (w *world) putBack(old string, at store.URL) {
	w.t.Helper()
	w.close()
	_, err := store.RestoreInto(w.t.Context(), at, strings.NewReader(old), store.Options{Now: w.env.Now})
	must(w.t, err)
	w.url = at
	w.open()
	w.vault.HoldAgainst(w.log)
}

// number takes one for a device.
func (w *world) number(work *Work, id string) uint64 {
	w.t.Helper()
	a, err := w.db.Allocate(w.t.Context(), work.Change(), store.AllocateRequest{KeySet: "KS", RequestID: id, Serial: id})
	must(w.t, err)
	return a.Number
}

func (w *world) refuses(a custody.Activity) {
	w.t.Helper()
	_, err := w.vault.Begin(w.t.Context(), agent.Intent{Activity: a, Label: "SN-1", Request: audit.DigestOf([]byte("a")), Who: me()})
	mustFail(w.t, err, fault.ChecksumMismatch, "older database", "store restore")
}

func ok() agent.Outcome { return agent.Outcome{Outcome: audit.OK()} }

// TestAnOlderDatabaseThatWouldGiveANumberTwiceIsRefused puts a database back after operations on devices and numbers.
func TestAnOlderDatabaseThatWouldGiveANumberTwiceIsRefused(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world, place func() store.URL) {
		for name, c := range map[string]struct {
			activity custody.Activity
			do       func(work *Work) error
		}{
			"an injection": {custody.DeviceInject, func(work *Work) error { w.number(work, "SN-0"); return nil }},
			"an injection that failed": {custody.DeviceInject, func(work *Work) error {
				w.number(work, "SN-0")
				return errors.New("the line broke")
			}},
			"a device": {custody.DeviceRegister, func(work *Work) error {
				return w.db.AddDevice(t.Context(), work.Change(), store.Device{Serial: "SN-9"})
			}},
			"a key set": {custody.KSNAllocate, func(work *Work) error {
				return w.db.Freeze(t.Context(), work.Change(), "KS", false)
			}},
		} {
			old, was := dump(t, w.db), w.log
			raw, err := os.ReadFile(was)
			must(t, err)
			work := w.begin(c.activity, "SN-0")
			done(t, work, agent.OutcomeOf(c.do(work)))
			w.verifies()
			w.putBack(old, place())
			mustFind(t, w.verify(), "database: ", "older database")
			for _, a := range []custody.Activity{custody.DeviceInject, custody.DeviceRegister, custody.KSNAllocate} {
				w.refuses(a)
			}
			w.close() // the log goes back too, for the next case
			must(t, os.WriteFile(was, raw, 0o600))
			w.open()
			w.vault.HoldAgainst(w.log)
			w.verifies()
			if t.Failed() {
				t.Fatalf("that was after %s", name)
			}
		}
	})
}

// TestADatabasePutBackIntoTheMiddleOfARunIsRefused: all of a run has one place in the log, and its numbers tell.
func TestADatabasePutBackIntoTheMiddleOfARunIsRefused(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world, place func() store.URL) {
		work := w.begin(custody.DeviceInject, "")
		_, err := w.db.Lease(t.Context(), work.Change(), store.LeaseRequest{ID: "L", KeySet: "KS", Station: "desk", Count: 8, Until: time.Now().Add(time.Hour)})
		must(t, err)
		load := func(sn string) {
			_, failed, err := w.db.ReserveLoads(t.Context(), work.Change(), []store.LoadRequest{{ID: sn, Run: "R", Serial: sn, Slot: "90",
				Key: ref(t, "BDK#1"), KeySet: "KS", Lease: "L", Station: "desk"}})
			must(t, errors.Join(append(failed, err)...))
		}
		load("SN-0")
		old := dump(t, w.db)
		load("SN-1")
		done(t, work, ok())
		other := w.begin(custody.KeyCheck, "BDK#1") // what else stands at the end of the log
		done(t, other, ok())
		w.verifies()
		w.putBack(old, place())
		mustFind(t, w.verify(), "KS: by record", "more numbers")
		w.refuses(custody.DeviceInject)
		w.kek("NEWER", "") // a newer place in the log hides nothing
		mustFind(t, w.verify(), "KS: by record")
		w.refuses(custody.DeviceInject)
	})
}

// TestAnOperationThatWroteNothingIsNoChange: no number and no load came of it.
func TestAnOperationThatWroteNothingIsNoChange(t *testing.T) {
	w := newWorld(t, custody.Test)
	w.kek("ZMK", "")
	w.vault.HoldAgainst(w.log)
	for _, o := range []agent.Outcome{ok(), agent.OutcomeOf(errors.New("nobody on the line"))} {
		done(t, w.begin(custody.DeviceInject, "SN-1"), o)
		work := w.begin(custody.DeviceInject, "SN-1")
		work.Change() // a journal that was never written
		done(t, work, o)
	}
	w.verifies()
	done(t, w.begin(custody.DeviceInject, "SN-1"), ok())
}

// TestTheEndOfALongLogTells: what says how far the inventory had come lies a long way up.
func TestTheEndOfALongLogTells(t *testing.T) {
	w := newWorld(t, custody.Test)
	w.kek("ZMK", "")
	want := w.reached()
	for info, err := os.Stat(w.log); ; info, err = os.Stat(w.log) {
		must(t, err)
		if info.Size() > 1<<17 {
			break
		}
		_, err := w.audit.Append(audit.Entry{Who: me(), Operation: audit.KeyCheck, Object: audit.Object{Kind: audit.KindKey, Label: "ZMK#1"}}, audit.OK())
		must(t, err)
	}
	log, err := openLog(w.log)
	must(t, err)
	defer log.close()
	if r, err := log.reachOf(4096); err != nil || r.told != 0 {
		t.Errorf("the last bytes tell %+v, %v", r, err)
	}
	if got := w.reached(); want.place == 0 || got.place != want.place {
		t.Errorf("read %+v, want %+v", got, want)
	}
}

func (w *world) reached() reach {
	w.t.Helper()
	r, err := readReach(w.log)
	must(w.t, err)
	return r
}

// TestARestoredStoreGivesNoNumberTwice restores a backup where the log is newer, and thaws.
func TestARestoredStoreGivesNoNumberTwice(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world, place func() store.URL) {
		admin := officer(t, custody.Test, "admin.d", custody.Administrator)
		first := w.begin(custody.DeviceInject, "SN-0")
		w.number(first, "SN-0")
		_, err := w.db.Lease(t.Context(), first.Change(), store.LeaseRequest{ID: "L", KeySet: "KS", Station: "desk", Count: 8, Until: time.Now().Add(time.Hour)})
		must(t, err)
		done(t, first, ok())
		path, _ := w.backup(admin)
		work := w.begin(custody.DeviceInject, "SN-1")
		gone := w.number(work, "SN-1")
		done(t, work, ok())
		w.close()

		p := place()
		r := Restoring{URL: p, Officers: cards(admin), Who: me(), LogPath: func(string) (string, error) { return w.log, nil }}
		restored, err := Restore(context.Background(), w.env, bytes.NewReader(plainOf(t, path, admin)), r)
		must(t, err)
		if !restored.KeptLog || restored.Newer == 0 || strings.Join(restored.KeySets, " ") != "KS" {
			t.Errorf("restored: %+v", restored)
		}
		w.url = p
		w.open()
		w.vault.HoldAgainst(w.log)
		if v := w.verify(); !v.OK() || len(v.Findings) != 1 || !strings.Contains(findings(&v), "changes up to record") {
			t.Errorf("a restoration that left something behind: %s", findings(&v))
		}
		inject := w.begin(custody.DeviceInject, "SN-2")
		_, err = w.db.Allocate(t.Context(), inject.Change(), store.AllocateRequest{KeySet: "KS", RequestID: "SN-2", Serial: "SN-2"})
		mustFail(t, err, fault.NotPermitted, "frozen")
		done(t, inject, agent.OutcomeOf(err))

		thaw := w.begin(custody.KSNAllocate, "KS")
		must(t, w.db.Freeze(t.Context(), thaw.Change(), "KS", false))
		done(t, thaw, ok())
		inject = w.begin(custody.DeviceInject, "SN-2")
		if n := w.number(inject, "SN-2"); n <= gone {
			t.Errorf("number %d went out after %d", n, gone)
		}
		_, failed, err := w.db.ReserveLoads(t.Context(), inject.Change(), []store.LoadRequest{{ID: "x", Run: "R", Serial: "SN-3", Slot: "90",
			Key: ref(t, "BDK#1"), KeySet: "KS", Lease: "L", Station: "desk"}})
		mustFail(t, errors.Join(append(failed, err)...), fault.EndOfLife)
		done(t, inject, ok())
		w.verifies()
	})
}

// TestDetailsOfAnOutcomeComeBack writes how far key sets have come, and reads it.
func TestDetailsOfAnOutcomeComeBack(t *testing.T) {
	var sets []store.Reached
	for i := range 12 {
		sets = append(sets, store.Reached{KeySet: strings.Repeat("k", 60) + "." + string(rune('a'+i)), Next: 1<<32 - uint64(i), Leased: uint64(i)})
	}
	sets = append(sets, store.Reached{KeySet: "ABCDEF0123456789", Next: 1})
	d := reachedDetails(store.Mark{Seq: 7}, sets)
	var r reach
	r.read(&audit.Record{Seq: 9, Of: 8, Entry: audit.Entry{Details: d}})
	if r.place != 7 || r.told != 9 || len(r.sets) != 12 || len(r.behind(sets)) != 0 || len(r.behind(nil)) != 12 {
		t.Errorf("came back: %+v of %v", r, d)
	}
	for field, value := range d {
		if len(value) > 256 || audit.Clean(value) != value {
			t.Errorf("%s: %q", field, value)
		}
	}
	w := newWorld(t, custody.Test)
	_, err := w.audit.Append(audit.Entry{Who: me(), Operation: audit.DeviceLoad, Details: d}, audit.OK())
	must(t, err)
	if _, err := readReach(filepath.Join(t.TempDir(), "none")); !fault.Is(err, fault.NotFound) {
		t.Errorf("a log that is not there: %v", err)
	}
}
