package vault

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"poskey/internal/fault"
	"poskey/pkg/agent"
	"poskey/pkg/custody"
	"poskey/pkg/hsm"
	"poskey/pkg/kcv"
	"poskey/pkg/keys"
	"poskey/pkg/store"
)

// TestVerifyingDuringWorkFindsNothing verifies while keys are entered and rotated.
func TestVerifyingDuringWorkFindsNothing(t *testing.T) {
	w := newWorld(t, custody.Test)
	w.kek("ZMK", "")
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var all sync.WaitGroup
	for g := range 2 {
		all.Go(func() {
			for i := 0; ctx.Err() == nil; i++ {
				if err := w.enterOne(fmt.Sprintf("K-%d-%d", g, i)); err != nil && !fault.Is(err, fault.Busy) {
					t.Error(err)
					return
				}
			}
		})
	}
	seen := map[int64]bool{}
	for i := range 12 {
		if i%4 == 3 {
			w.tryRotate("ZMK")
		}
		v := w.verify()
		if !v.OK() {
			t.Fatal(findings(&v))
		}
		seen[v.Keys] = true
	}
	stop()
	all.Wait()
	if len(seen) < 3 {
		t.Errorf("the store did not grow meanwhile: %v", seen)
	}
	w.verifies()
}

// tryRotate rotates if no child comes in between.
func (w *world) tryRotate(label string) {
	w.t.Helper()
	held := w.held(label, ToProtect)
	work := w.begin(custody.KeyRotate, held.Row.Ref().String())
	_, err := work.Rotate(w.t.Context(), held)
	if err != nil && !fault.Is(err, fault.Busy) {
		w.t.Error(err)
	}
	done(w.t, work, agent.OutcomeOf(err))
}

// weighing measures the heap at some of the rows that a verification looks at.
type weighing struct {
	agent.Work
	at      map[int]uint64
	rows    int
	samples []int
}

func (h *weighing) Compare(ctx context.Context, k hsm.Key, e kcv.Expected, m kcv.Method) (kcv.Comparison, error) {
	h.rows++
	for _, n := range h.samples {
		if h.rows == n {
			runtime.GC()
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			h.at[n] = m.HeapAlloc
		}
	}
	return h.Work.Compare(ctx, k, e, m)
}

// TestVerifyingHoldsNoRowInMemory verifies many rows and looks at the heap on the way.
func TestVerifyingHoldsNoRowInMemory(t *testing.T) {
	const rows = 10_000
	w := newWorld(t, custody.Test)
	parent := w.kek("ZMK", "").Row.Ref()
	_, err := w.db.InsertMany(t.Context(), store.Change{}, func(yield func(store.Key, error) bool) {
		for i := range rows {
			r := store.Ref{Label: fmt.Sprintf("K-%05d", i), Version: 1}
			k, err := w.boundary.Generate(t.Context(), hsm.Attributes{Algorithm: keys.AES256, Usage: keys.UsageData, Label: r.String()}, hsm.Policy{})
			row := rowOf(k, r)
			row.Origin, row.Parent = store.Derived, parent
			if !yield(row, err) {
				return
			}
		}
	})
	must(t, err)
	work := w.begin(custody.KeyCheck, "")
	h := &weighing{Work: work.Work, at: map[int]uint64{}, samples: []int{1000, rows - 10}}
	v, err := Verify(t.Context(), w.db, &Work{Work: h, vault: w.vault}, w.log)
	must(t, err)
	if v.Wrong() != 0 || v.Keys != rows+1 || h.rows != rows+1 {
		t.Errorf("%d of %d keys were looked at: %s", h.rows, v.Keys, findings(&v))
	}
	first, last := h.at[h.samples[0]], h.at[h.samples[1]]
	if first == 0 || last == 0 {
		t.Fatal("nothing was weighed")
	}
	if last > first+400_000 {
		t.Errorf("the heap had %d bytes after %d rows, and %d after %d", first, h.samples[0], last, h.samples[1])
	}
}

// dying is a boundary that answers no more.
type dying struct {
	agent.Work
	left int
	with error
}

func (d *dying) Compare(ctx context.Context, k hsm.Key, e kcv.Expected, m kcv.Method) (kcv.Comparison, error) {
	if d.left--; d.left < 0 {
		return kcv.Comparison{}, d.with
	}
	return d.Work.Compare(ctx, k, e, m)
}

func TestWhatNobodyLookedAtIsNotWrong(t *testing.T) {
	w := stocked(t, custody.Test)
	for _, kind := range []fault.Kind{fault.Sealed, fault.Busy, fault.DeviceLink, fault.Interrupted} {
		work := w.begin(custody.KeyCheck, "")
		_, err := Verify(t.Context(), w.db, &Work{Work: &dying{work.Work, 2, &fault.Error{Kind: kind}}, vault: w.vault}, w.log)
		mustFail(t, err, kind)
		done(t, work, agent.OutcomeOf(err))
	}
	work := w.begin(custody.KeyCheck, "")
	v, err := Verify(t.Context(), w.db, &Work{Work: &dying{work.Work, 2, errors.New("of one row")}, vault: w.vault}, w.log)
	must(t, err)
	mustFind(t, v, "of one row")
	w.verifies()
}

func TestASealedStoreIsVerifiedWithoutItsBlocks(t *testing.T) {
	w := stocked(t, custody.Test)
	w.close()
	w.db = openAt(t, w.url)
	v, err := Verify(t.Context(), w.db, nil, w.log)
	if must(t, err); !v.OK() || v.Blocks || v.Keys != 6 || v.Log.Records == 0 {
		t.Errorf("%+v, %s", v, findings(&v))
	}
}

// TestWhatTheLogSaysOfAKeyIsHeldAgainstItsRow changes rows and their events in a way that agrees with itself.
func TestWhatTheLogSaysOfAKeyIsHeldAgainstItsRow(t *testing.T) {
	w := newWorld(t, custody.Test)
	w.kek("ZMK", "")
	w.kek("TMK", "")
	w.move("ZMK", store.Compromised)
	w.byHand("UPDATE keys SET state = 'active', compromised = 0 WHERE label = 'ZMK'", "DELETE FROM key_events")
	mustFind(t, w.verify(), "ZMK#1: by record", "state was changed")
	w = newWorld(t, custody.Test)
	w.kek("ZMK", "")
	first := w.kek("TMK", "").Row
	w.byHand("DELETE FROM keys WHERE label = 'ZMK'")
	mustFind(t, w.verify(), "ZMK#1: by record", "not there")

	// another key under the name, as somebody with an open store can make it
	work := w.begin(custody.KeyGenerate, "TMK#1")
	k, err := work.Generate(t.Context(), hsm.Attributes{Algorithm: keys.AES256, Usage: keys.UsageKEK, Label: "TMK#1"}, hsm.Policy{})
	must(t, err)
	w.byHand(fmt.Sprintf("UPDATE keys SET block = '%s', check_digits = '%s' WHERE label = 'TMK'", k.Block, k.Check.Digits))
	done(t, work, agent.OutcomeOf(errors.New("it was given up")))
	mustFind(t, w.verify(), "TMK#1: by record", "its check value is "+first.Check.Digits)
}

// TestADatabaseFromBeforeAResharingIsFound: an officer who left would be back.
func TestADatabaseFromBeforeAResharingIsFound(t *testing.T) {
	b := bookkeeping{v: &Verified{}, generation: 3, found: true}
	b.judge(store.Mark{}, 2)
	mustFind(t, *b.v, "generation 3", "the inventory is at 2")
	b = bookkeeping{v: &Verified{}, generation: 3, found: true}
	if b.judge(store.Mark{}, 3); !b.v.OK() {
		t.Error(findings(b.v))
	}
}

func TestManyFindingsAreBounded(t *testing.T) {
	b := bookkeeping{v: &Verified{}}
	for range 5000 {
		b.find("K", fault.New(fault.ChecksumMismatch, "it is wrong"))
	}
	if len(b.v.History) != maxHistory {
		t.Errorf("%d findings", len(b.v.History))
	}
}

func TestAStoreWithoutAnyChangeVerifies(t *testing.T) {
	w := newWorld(t, custody.Production)
	w.verifies()
	info, err := os.Stat(w.log)
	if must(t, err); info.Size() == 0 || !strings.HasPrefix(w.id.ID, "prod-") || w.id.Created.After(time.Now()) {
		t.Errorf("%+v", w.id)
	}
}

// TestARecordThatIsBeingWrittenIsNoDamage looks at a log in the middle of a line.
func TestARecordThatIsBeingWrittenIsNoDamage(t *testing.T) {
	w := stocked(t, custody.Test)
	work := w.begin(custody.StoreBackup, w.id.ID)
	whole, err := os.ReadFile(w.log)
	must(t, err)
	must(t, os.WriteFile(w.log, append(whole, `{"seq":9`...), 0o600))
	v, err := Verify(t.Context(), w.db, work, w.log)
	if must(t, err); !v.OK() {
		t.Error(findings(&v))
	}
	admin := officer(t, custody.Test, "admin.d", custody.Administrator)
	path := filepath.Join(t.TempDir(), "b.age")
	_, err = work.Backup(t.Context(), path, w.log, cards(admin))
	must(t, err)
	v, err = Verify(t.Context(), w.db, nil, w.log) // on a sealed store nobody is writing
	must(t, err)
	mustFind(t, v, "log: ")
	must(t, os.WriteFile(w.log, whole, 0o600))
	done(t, work, agent.OutcomeOf(nil))
	p := newPlace(t)
	_, err = p.restore(t, path, admin)
	must(t, err)
	p.enter(t, w.id).verifies()
}

// TestOfWhatWasCutOffTheInventoryTellsWhatItCan abandons operations, as commands do that are killed.
func TestOfWhatWasCutOffTheInventoryTellsWhatItCan(t *testing.T) {
	w := newWorld(t, custody.Test)
	w.kek("ZMK", "")
	abandon := func(a custody.Activity, label string, act func(*Work)) {
		work := w.begin(a, label)
		act(work)
		must(t, work.Close())
	}
	abandon(custody.KeyGenerate, "THERE#1", func(work *Work) {
		_, err := enter(t.Context(), t, work, want{label: "THERE", alg: keys.AES128, usage: keys.UsageData})
		must(t, err)
	})
	abandon(custody.KeyGenerate, "NOT-THERE#1", func(*Work) {})
	abandon(custody.KeyUnwrap, "ZMK#1", func(*Work) {}) // it was only used
	abandon(custody.KeyGenerate, "", func(*Work) {})    // a batch
	abandon(custody.KeyState, "ZMK#1", func(work *Work) {
		_, err := work.Move(t.Context(), w.row("ZMK"), store.Suspended, "")
		must(t, err)
	})
	abandon(custody.KeyState, "ZMK#1", func(*Work) {})
	abandon(custody.KeyCheck, "ZMK#1", func(*Work) {}) // changes nothing
	v := w.verify()
	var said []string
	for _, u := range v.Unsettled {
		said = append(said, fmt.Sprint(u.Label, " ", u.Told, " ", u.Done))
	}
	if got := strings.Join(said, ", "); !v.OK() || got != "THERE#1 true true, NOT-THERE#1 true false,  false false, ZMK#1 true true, ZMK#1 true false" {
		t.Errorf("it is said: %s\n%s", got, findings(&v))
	}
}
