package vault

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"poskey/internal/fault"
	"poskey/pkg/agent"
	"poskey/pkg/audit"
	"poskey/pkg/custody"
	"poskey/pkg/hsm"
	"poskey/pkg/keyblock"
	"poskey/pkg/keys"
	"poskey/pkg/store"
)

func TestStepsThatAreNotThereAreNamed(t *testing.T) {
	w := newWorld(t, custody.Test)
	w.kek("ZMK", "")
	w.move("ZMK", store.Compromised)
	row := w.row("ZMK")
	mustFail(t, CheckMove(&row, store.Active), fault.NotPermitted, "ZMK#1 is compromised", "it can become: destroyed-compromised")
	work := w.begin(custody.KeyState, "ZMK#1")
	_, err := work.Move(t.Context(), row, store.Active, "")
	mustFail(t, err, fault.NotPermitted)
	if Destruction(row.State) != store.DestroyedCompromised || Destruction(store.Deactivated) != store.Destroyed {
		t.Error("a destroyed key forgets that it was compromised")
	}
	row, err = work.Move(t.Context(), row, Destruction(row.State), "the end")
	must(t, err)
	mustFail(t, CheckMove(&row, store.Active), fault.NotPermitted, "the end of its life")
	done(t, work, agent.Outcome{Outcome: audit.OK()})
	w.verifies()
}

func TestAStepThatAnotherProcessWasFasterWithIsNotDoneAgain(t *testing.T) {
	w := newWorld(t, custody.Test)
	w.kek("ZMK", "")
	row := w.row("ZMK")
	w.move("ZMK", store.Suspended)
	work := w.begin(custody.KeyState, "ZMK#1")
	_, err := work.Move(t.Context(), row, store.Deactivated, "")
	mustFail(t, err, fault.Busy, "suspended, not active")
	done(t, work, agent.OutcomeOf(err))
	w.verifies()
}

func TestARotationWrapsEveryChildInUseAnew(t *testing.T) {
	noLeaks(t)
	w := newWorld(t, custody.Test)
	zmk := w.kek("ZMK", "")
	active, dormant := w.kek("TMK", "ZMK"), w.generate(want{label: "DORMANT", alg: keys.AES128, usage: keys.UsageData, parent: "ZMK",
		change: func(_ *hsm.Attributes, n *New) { n.Dormant = true }})
	suspended, retired := w.pin("SUSPENDED", "ZMK"), w.pin("RETIRED", "ZMK")
	stays := w.generate(want{label: "STAYS", alg: keys.AES128, usage: keys.UsageData, parent: "ZMK",
		change: func(a *hsm.Attributes, _ *New) { a.Exportability = 'N' }})
	grand := w.pin("TPK", "TMK")
	w.move("SUSPENDED", store.Suspended)
	w.move("RETIRED", store.Deactivated)
	before := w.pin("PROTECTED", "ZMK").Row.ParentBlock

	w.clock.move(time.Hour)
	r := w.rotate("ZMK")
	if r.New.Ref() != ref(t, "ZMK#2") || r.Old.Ref() != ref(t, "ZMK#1") || r.Old.State != store.Deactivated || r.Old.Successor != r.New.Ref() ||
		r.New.State != store.Active || r.New.Usage != zmk.Row.Usage || r.New.Algorithm != zmk.Row.Algorithm || r.New.Check == zmk.Row.Check {
		t.Errorf("rotated: %+v\n%+v", r.Old, r.New)
	}
	moved := []string{}
	for _, c := range r.Children {
		moved = append(moved, c.Ref.String())
	}
	if got := strings.Join(moved, " "); got != "DORMANT#1 PROTECTED#1 STAYS#1 SUSPENDED#1 TMK#1" {
		t.Errorf("wrapped anew: %s", got)
	}
	newest := w.held("ZMK", ToProcess)
	for _, k := range []Kept{active, dormant, suspended} {
		row := w.row(k.Row.Label)
		opened, err := w.opens(row.ParentBlock, newest)
		if err != nil || opened.Check != k.Row.Check || row.Parent != r.New.Ref() || row.Block != k.Row.Block {
			t.Errorf("%s under %s: %+v, %v", row.Label, row.Parent, opened.Attributes, err)
		}
	}
	if row := w.row("STAYS"); row.Parent != r.New.Ref() || row.ParentBlock != "" || row.Block != stays.Row.Block {
		t.Errorf("what is not exportable: %+v", row)
	}
	if row := w.row("RETIRED"); row.Parent != r.Old.Ref() || row.ParentBlock != retired.Row.ParentBlock {
		t.Errorf("what is not in use: %+v", row)
	}
	if row := w.row("TPK"); row.Parent != ref(t, "TMK#1") || row.ParentBlock != grand.Row.ParentBlock {
		t.Errorf("the grandchild: %+v", row)
	}
	if _, err := w.opens(before, w.held("ZMK#1", ToProcess)); err != nil {
		t.Errorf("the old version does not open what it protected: %v", err)
	}
	_, err := w.vault.Find(t.Context(), ref(t, "ZMK#1"), ToProtect)
	mustFail(t, err, fault.NotPermitted, "deactivated")
	if _, err := w.opens(before, newest); err == nil {
		t.Error("the new version opens what the old one protected")
	}
	w.verifies()
	if again := w.rotate("ZMK"); again.New.Version != 3 || len(again.Children) != 5 {
		t.Errorf("once more: %+v", again.New)
	}
	w.verifies()
}

func TestARotatedKeyHangsUnderItsParentAsItsFormerDid(t *testing.T) {
	w := newWorld(t, custody.Test)
	w.kek("ZMK", "")
	w.generate(want{label: "TMK", alg: keys.TDES128, usage: keys.UsageKEK, parent: "ZMK",
		change: func(_ *hsm.Attributes, n *New) { n.Purpose, n.Custodians = "terminal 17", []string{"custodian.a"} }})
	r := w.rotate("TMK")
	if r.New.Parent != ref(t, "ZMK") || r.New.Purpose != "terminal 17" || r.New.Origin != store.Generated || r.New.Custodians != nil {
		t.Errorf("the successor: %+v", r.New)
	}
	opened, err := w.opens(r.New.ParentBlock, w.held("ZMK", ToProcess))
	if err != nil || opened.Check != r.New.Check {
		t.Errorf("its block: %v", err)
	}
	w.verifies()
}

// derived enters a key as if it had been derived from its parent.
func (w *world) derived(label, parent string) Kept {
	w.t.Helper()
	return w.generate(want{label: label, alg: keys.TDES128, usage: keys.UsagePIN, parent: parent,
		change: func(_ *hsm.Attributes, n *New) { n.Origin = store.Derived }})
}

func TestDerivedKeysStayWithTheKeyTheyWereDerivedFrom(t *testing.T) {
	w := newWorld(t, custody.Test)
	w.generate(want{label: "BDK", alg: keys.TDES128, usage: "B0"})
	ik := w.derived("IK-1", "BDK")
	w.pin("OTHER", "BDK")
	r := w.rotate("BDK")
	if len(r.Children) != 1 || r.Children[0].Ref != ref(t, "OTHER") {
		t.Errorf("moved: %v", r.Children)
	}
	if row := w.row("IK-1"); row.Parent != ref(t, "BDK#1") || row.Block != ik.Row.Block || row.State != store.Active {
		t.Errorf("the derived key: %+v", row)
	}
	_, err := w.begin(custody.KeyRotate, "IK-1#1").Rotate(t.Context(), w.held("IK-1", ToProtect))
	mustFail(t, err, fault.NotPermitted, "derived")
	w.verifies()
}

// TestWhatABlockSaidBesideTheKeyStays rotates over a child whose block came from elsewhere, with a header of its own.
func TestWhatABlockSaidBesideTheKeyStays(t *testing.T) {
	for _, version := range []byte{'A', 'B', 'C', 'D'} {
		t.Run(string(version), func(t *testing.T) {
			w := newWorld(t, custody.Test)
			alg := keys.TDES128
			if version == 'D' {
				alg = keys.AES256
			}
			w.generate(want{label: "ZMK", alg: alg, usage: keys.UsageKEK})
			block := w.partnersBlock(t, version)
			w.importBlock("TPK", "ZMK", block)
			r := w.rotate("ZMK")
			b, err := keyblock.Parse(r.Children[0].ParentBlock)
			must(t, err)
			kp, _ := b.Opt("KP")
			work := w.begin(custody.KeyCheck, "ZMK#2")
			wanted, err := work.CheckData(t.Context(), w.held("ZMK", ToCheck).Key)
			must(t, err)
			if label, _ := b.Opt("LB"); label != "partner's" || b.KeyVersion != "07" || b.Version != version || kp != wanted {
				t.Errorf("the block is %s; its KP %s, want %s", r.Children[0].ParentBlock, kp, wanted)
			}
			if _, err := w.opens(r.Children[0].ParentBlock, w.held("ZMK", ToProcess)); err != nil {
				t.Error(err)
			}
			w.verifies()
		})
	}
}

// partnersBlock is a block as a partner makes it.
func (w *world) partnersBlock(t *testing.T, version byte) string {
	t.Helper()
	spot, err := openMaster(w.env)
	must(t, err)
	defer spot.Close()
	zmk := w.held("ZMK", ToProtect).Key
	k, err := spot.Generate(t.Context(), hsm.Attributes{Algorithm: keys.TDES128, Usage: keys.UsagePIN}, hsm.Policy{})
	must(t, err)
	h, err := headerUnder(k, zmk, "")
	must(t, err)
	data, err := spot.CheckData(t.Context(), zmk)
	must(t, err)
	h.Version, h.KeyVersion = version, "07"
	h.SetOpt("KP", data)
	h.SetOpt("LB", "partner's")
	wrapped, err := spot.Wrap(t.Context(), k, zmk, h, keyblock.WrapOptions{})
	must(t, err)
	return wrapped.Block
}

// importBlock takes a key in out of a block under a key of the store.
func (w *world) importBlock(label, parent, block string) Kept {
	w.t.Helper()
	work := w.begin(custody.KeyUnwrap, ref(w.t, label).String())
	b, err := keyblock.Parse(block)
	must(w.t, err)
	opened, err := work.Unwrap(w.t.Context(), b, w.held(parent, ToProcess).Key, hsm.Policy{})
	must(w.t, err)
	k, err := work.Enter(w.t.Context(), opened.Key, New{Ref: ref(w.t, label), Origin: store.Unwrapped, Parent: store.Ref{Label: parent},
		Block: block})
	must(w.t, err)
	done(w.t, work, kept(k))
	return k
}

// failing is a work whose wrapping fails at last.
type failing struct {
	agent.Work
	wraps int
}

func (f *failing) Wrap(ctx context.Context, k, kbpk hsm.Key, h keyblock.Header, o keyblock.WrapOptions) (hsm.Wrapped, error) {
	if f.wraps--; f.wraps < 0 {
		return hsm.Wrapped{}, fault.New(fault.DeviceFailed, "the boundary broke")
	}
	return f.Work.Wrap(ctx, k, kbpk, h, o)
}

func TestARewrapThatFailsChangesNothing(t *testing.T) {
	w := newWorld(t, custody.Test)
	w.kek("TOP", "")
	w.kek("ZMK", "TOP")
	for i := range 5 {
		w.pin(fmt.Sprint("TPK-", i), "ZMK")
	}
	before := dump(t, w.db)
	for wraps := range 6 { // the last one is of the successor under its own parent
		work := w.begin(custody.KeyRotate, "ZMK#1")
		broken := &Work{Work: &failing{work.Work, wraps}, vault: w.vault}
		_, err := broken.Rotate(t.Context(), w.held("ZMK", ToProtect))
		mustFail(t, err, fault.DeviceFailed)
		done(t, work, agent.OutcomeOf(err))
		if after := dump(t, w.db); after != before {
			t.Fatalf("after %d wraps the store was changed", wraps)
		}
	}
	w.byHand("UPDATE keys SET block = (SELECT block FROM keys WHERE label = 'TPK-1') WHERE label = 'TPK-3'")
	work := w.begin(custody.KeyRotate, "ZMK#1")
	_, err := work.Rotate(t.Context(), w.held("ZMK", ToProtect))
	mustFail(t, err, fault.NotPermitted, "TPK-3#1 under ZMK#2")
	done(t, work, agent.OutcomeOf(err))
	if row := w.row("ZMK"); row.State != store.Active || !row.Successor.IsZero() {
		t.Errorf("the old key: %+v", row)
	}
}

// TestAChildThatComesDuringARotationIsNotLost lets a child come between the wrapping and the commit.
func TestAChildThatComesDuringARotationIsNotLost(t *testing.T) {
	w := newWorld(t, custody.Test)
	w.kek("ZMK", "")
	w.pin("TPK-1", "ZMK")
	work := w.begin(custody.KeyRotate, "ZMK#1")
	late := &late{Work: work.Work, between: func() { w.pin("TPK-2", "ZMK") }}
	_, err := (&Work{Work: late, vault: w.vault}).Rotate(t.Context(), w.held("ZMK", ToProtect))
	mustFail(t, err, fault.Busy, "TPK-2#1")
	done(t, work, agent.OutcomeOf(err))
	if r := w.rotate("ZMK"); len(r.Children) != 2 {
		t.Errorf("the next try moves %v", r.Children)
	}
	w.verifies()
}

// late lets something happen after the first wrap.
type late struct {
	agent.Work
	once    sync.Once
	between func()
}

func (l *late) Wrap(ctx context.Context, k, kbpk hsm.Key, h keyblock.Header, o keyblock.WrapOptions) (hsm.Wrapped, error) {
	wrapped, err := l.Work.Wrap(ctx, k, kbpk, h, o)
	l.once.Do(l.between)
	return wrapped, err
}

func TestOfTwoRotationsAtOneTimeExactlyOneWins(t *testing.T) {
	w := newWorld(t, custody.Test)
	w.kek("ZMK", "")
	w.pin("TPK", "ZMK")
	held := w.held("ZMK", ToProtect)
	errs := make([]error, 8)
	var all sync.WaitGroup
	for i := range errs {
		work := w.begin(custody.KeyRotate, "ZMK#1")
		all.Go(func() {
			_, errs[i] = work.Rotate(context.Background(), held)
			errs[i] = errors.Join(errs[i], work.Done(context.Background(), agent.OutcomeOf(errs[i])))
		})
	}
	all.Wait()
	won := 0
	for _, err := range errs {
		switch {
		case err == nil:
			won++
		case !fault.Is(err, fault.NotPermitted) && !fault.Is(err, fault.Busy) && !fault.Is(err, fault.FileExists):
			t.Errorf("a loser: %v", err)
		}
	}
	if n, err := w.db.Count(t.Context(), store.Filter{Label: "ZMK"}); won != 1 || n != 2 || err != nil {
		t.Errorf("%d won, %d versions are there, %v", won, n, err)
	}
	w.verifies()
}

// labels names the keys of a blast with their depths.
func labels(b Blast) string {
	var all []string
	for _, n := range b.Keys {
		all = append(all, fmt.Sprint(n.Depth, " ", n.Key.Ref()))
	}
	for _, d := range b.Devices {
		all = append(all, d.Serial)
	}
	return strings.Join(all, ", ")
}

func (w *world) blast(label string) string {
	w.t.Helper()
	b, err := BlastOf(w.t.Context(), w.db, ref(w.t, label))
	must(w.t, err)
	return labels(b)
}

func (w *world) device(serial string, key Kept) {
	w.t.Helper()
	must(w.t, w.db.AddDevice(w.t.Context(), store.Change{}, store.Device{Serial: serial, Model: "M"}))
	_, err := w.db.LoadKey(w.t.Context(), store.Change{}, serial, store.DeviceKey{Slot: "0", Key: key.Row.Ref(), Check: key.Row.Check})
	must(w.t, err)
}

func TestEverythingBeneathAKeyFallsWithIt(t *testing.T) {
	w := newWorld(t, custody.Test)
	w.kek("ZMK", "")
	w.kek("TMK-1", "ZMK")
	w.kek("TMK-2", "ZMK")
	w.device("SN-1", w.pin("TPK-1", "TMK-1"))
	w.device("SN-2", w.pin("TPK-2", "TMK-2"))
	w.device("SN-3", w.kek("ELSEWHERE", ""))
	if got := w.blast("ZMK"); got != "1 TMK-1#1, 2 TPK-1#1, 1 TMK-2#1, 2 TPK-2#1, SN-1, SN-2" {
		t.Errorf("with ZMK: %s", got)
	}
	if got := w.blast("TMK-2"); got != "1 TPK-2#1, SN-2" {
		t.Errorf("with TMK-2: %s", got)
	}
	if got := w.blast("TPK-1"); got != "SN-1" {
		t.Errorf("with TPK-1: %s", got)
	}
	_, err := BlastOf(t.Context(), w.db, ref(t, "NOBODY"))
	mustFail(t, err, fault.NotFound)
}

// TestWhatARotationMovedFallsWithTheOldKeyToo: whoever knows the old key and has the old blocks knows the children.
func TestWhatARotationMovedFallsWithTheOldKeyToo(t *testing.T) {
	w := newWorld(t, custody.Test)
	w.kek("ZMK", "")
	w.kek("TMK", "ZMK")
	w.device("SN-1", w.pin("TPK", "TMK"))
	w.clock.move(time.Hour)
	w.rotate("ZMK")
	w.clock.move(time.Hour)
	w.pin("NEW", "ZMK")
	w.rotate("ZMK")
	w.clock.move(time.Hour)
	w.pin("NEWER", "ZMK")
	w.device("SN-2", w.pin("TPK-2", "TMK"))
	for label, wanted := range map[string]string{
		"ZMK#1": "1 TMK#1, 2 TPK#1, 2 TPK-2#1, SN-1, SN-2",
		"ZMK#2": "1 NEW#1, 1 TMK#1, 2 TPK#1, 2 TPK-2#1, SN-1, SN-2",
		"ZMK#3": "1 NEW#1, 1 NEWER#1, 1 TMK#1, 2 TPK#1, 2 TPK-2#1, SN-1, SN-2",
	} {
		if got := w.blast(label); got != wanted {
			t.Errorf("with %s: %s", label, got)
		}
	}
}

// TestABlastEndsInACircle makes circles that only somebody with the file can make.
func TestABlastEndsInACircle(t *testing.T) {
	w := newWorld(t, custody.Test)
	for _, label := range []string{"A", "B", "C"} {
		w.kek(label, "")
	}
	w.byHand("UPDATE keys SET parent = (SELECT id FROM keys WHERE label = 'C') WHERE label = 'A'",
		"UPDATE keys SET parent = (SELECT id FROM keys WHERE label = 'A') WHERE label = 'B'",
		"UPDATE keys SET parent = (SELECT id FROM keys WHERE label = 'B') WHERE label = 'C'")
	if got := w.blast("A"); got != "1 B#1, 2 C#1" {
		t.Errorf("in a circle of parents: %s", got)
	}
	mustFind(t, w.verify(), "under itself")
	w.byHand("UPDATE keys SET parent = NULL", "UPDATE keys SET successor = (SELECT id FROM keys WHERE label = 'B') WHERE label = 'A'",
		"UPDATE keys SET successor = (SELECT id FROM keys WHERE label = 'A') WHERE label = 'B'")
	if got := w.blast("A"); got != "" {
		t.Errorf("in a circle of successors: %s", got)
	}
}

func TestAClockThatGoesBackBreaksNothing(t *testing.T) {
	w := newWorld(t, custody.Test)
	w.kek("ZMK", "")
	w.pin("TPK", "ZMK")
	w.clock.move(-48 * time.Hour)
	w.rotate("ZMK")
	w.move("TPK", store.Suspended)
	w.clock.move(-48 * time.Hour)
	w.move("TPK", store.Active)
	w.move("TPK", store.Deactivated)
	w.kek("LATER", "")
	if row := w.row("TPK"); row.Deactivated.Before(row.Created) {
		t.Errorf("retired at %s, made at %s", row.Deactivated, row.Created)
	}
	w.clock.move(96 * time.Hour)
	v := w.verify()
	if !v.OK() || !slices.ContainsFunc(v.Log.Warnings, func(w audit.Warning) bool { return w.Kind == audit.ClockBack }) {
		t.Errorf("verified: %s; the log warns of %v", findings(&v), v.Log.Warnings)
	}
	w.reopen()
	w.verifies()
}
