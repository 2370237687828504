package vault

import (
	"os"
	"strings"
	"testing"

	"poskey/internal/fault"
	"poskey/pkg/agent"
	"poskey/pkg/audit"
	"poskey/pkg/custody"
	"poskey/pkg/hsm"
	"poskey/pkg/keyblock"
	"poskey/pkg/keys"
	"poskey/pkg/store"
)

func TestAKeyThatWasEnteredIsThereAfterReopening(t *testing.T) {
	noLeaks(t)
	w := newWorld(t, custody.Test)
	k := w.kek("ZMK-2026", "")
	w.reopen()
	row := w.row("ZMK-2026")
	if row.Block != k.Row.Block || row.Check != k.Row.Check || row.State != store.Active || row.Activated.IsZero() {
		t.Errorf("after reopening: %+v", row)
	}
	b, err := keyblock.Parse(row.Block)
	must(t, err)
	if label, _ := b.Opt("LB"); label != "ZMK-2026#1" {
		t.Errorf("the label inside the block is %q", label)
	}
	if _, err := w.opens(w.generate(want{label: "TPK", alg: keys.AES128, usage: keys.UsagePIN, parent: "ZMK-2026"}).Row.ParentBlock,
		w.held("ZMK-2026", ToProcess)); err != nil {
		t.Errorf("a block under it: %v", err)
	}
	w.verifies()
}

func TestAKeyHangsUnderItsParentAsABlock(t *testing.T) {
	w := newWorld(t, custody.Test)
	w.kek("ZMK", "")
	w.generate(want{label: "KEK-3", alg: keys.TDES192, usage: keys.UsageKEK})
	for _, x := range []want{
		{label: "PIN", alg: keys.TDES128, usage: keys.UsagePIN, parent: "ZMK"},
		{label: "AES", alg: keys.AES256, usage: keys.UsageData, parent: "ZMK"},
		{label: "MAC", alg: keys.HMACSHA256, usage: "M7", parent: "ZMK"},
		{label: "OLD", alg: keys.TDES128, usage: keys.UsagePIN, parent: "KEK-3"},
	} {
		k := w.generate(x)
		if k.Row.Parent != ref(t, x.parent) || k.Row.ParentBlock == "" || len(k.Warnings) != 0 {
			t.Errorf("%s hangs under %s by %q, %v", x.label, k.Row.Parent, k.Row.ParentBlock, k.Warnings)
			continue
		}
		opened, err := w.opens(k.Row.ParentBlock, w.held(x.parent, ToProcess))
		if err != nil || opened.Check != k.Row.Check || opened.Usage != x.usage {
			t.Errorf("%s out of its block: %+v, %v", x.label, opened.Attributes, err)
		}
		if strings.Contains(k.Row.ParentBlock, "LB") && strings.Contains(k.Row.ParentBlock, "#1") {
			t.Errorf("the store's own label went out with %s", x.label)
		}
	}
	stays := w.generate(want{label: "STAYS", alg: keys.AES128, usage: keys.UsageData, parent: "ZMK",
		change: func(a *hsm.Attributes, _ *New) { a.Exportability = 'N' }})
	if stays.Row.ParentBlock != "" || stays.Row.Parent != ref(t, "ZMK") {
		t.Errorf("a key that is not exportable has the block %q", stays.Row.ParentBlock)
	}
	bdk := w.generate(want{label: "BDK", alg: keys.TDES128, usage: "B0"})
	below := w.generate(want{label: "BELOW", alg: keys.TDES128, usage: keys.UsagePIN, parent: "BDK"})
	if below.Row.ParentBlock != "" || below.Row.Parent != bdk.Row.Ref() {
		t.Errorf("under a key that wraps nothing stands the block %q", below.Row.ParentBlock)
	}
	w.verifies()
}

func TestAWeakerParentIsSaidInTestAndRefusedInProduction(t *testing.T) {
	for _, e := range []custody.Environment{custody.Test, custody.Production} {
		w := newWorld(t, e)
		w.generate(want{label: "KEK", alg: keys.TDES128, usage: keys.UsageKEK})
		work := w.begin(custody.KeyGenerate, "STRONG#1")
		k, err := enter(t.Context(), t, work, want{label: "STRONG", alg: keys.AES256, usage: keys.UsageData, parent: "KEK"})
		if e == custody.Production {
			mustFail(t, err, fault.WeakKey, "under its parent KEK#1", "weaker")
			if n, err := w.db.Count(t.Context(), store.Filter{}); n != 1 || err != nil {
				t.Errorf("%d keys are there, %v", n, err)
			}
			continue
		}
		if must(t, err); len(k.Warnings) != 1 || k.Warnings[0].ID != "weaker_kbpk" {
			t.Errorf("the warnings are %v", k.Warnings)
		}
	}
}

// TestAProductionStoreTakesNoWeakKey lets a weak key come in a block, with all that a command line may allow.
func TestAProductionStoreTakesNoWeakKey(t *testing.T) {
	weak := "01010101010101010101010101010101" // a TEST key that nobody would use
	for _, e := range []custody.Environment{custody.Test, custody.Production} {
		w := newWorld(t, e)
		w.kek("ZMK", "")
		block := weakBlock(t, w, weak)
		work := w.begin(custody.KeyUnwrap, "WEAK#1")
		b, err := keyblock.Parse(block)
		must(t, err)
		opened, err := work.Unwrap(t.Context(), b, w.held("ZMK", ToProcess).Key, hsm.Policy{AllowWeak: true})
		must(t, err)
		n := New{Ref: ref(t, "WEAK"), Origin: store.Unwrapped, Parent: ref(t, "ZMK"), Block: block}
		_, err = work.Enter(t.Context(), opened.Key, n)
		if e == custody.Production {
			mustFail(t, err, fault.WeakKey, "production")
			lying := opened.Key
			lying.Weak = nil
			_, err = work.Enter(t.Context(), lying, n)
			mustFail(t, err, fault.WeakKey, "production")
		} else {
			must(t, err)
		}
		there, err := w.db.Count(t.Context(), store.Filter{Label: "WEAK"})
		if wanted := map[custody.Environment]int64{custody.Test: 1}[e]; err != nil || there != wanted {
			t.Errorf("%s: %d weak keys are in the store, want %d, %v", e, there, wanted, err)
		}
	}
}

// weakBlock closes a weak key under the store's ZMK, as a partner would who knows it: a work of a test store of the same
// master key does it.
func weakBlock(t *testing.T, w *world, weak string) string {
	t.Helper()
	clear, err := keys.ParseHex([]byte(weak))
	must(t, err)
	spot, err := openMaster(w.env)
	must(t, err)
	defer spot.Close()
	k, err := spot.Import(t.Context(), clear, hsm.Attributes{Algorithm: keys.TDES128, Usage: keys.UsagePIN}, hsm.Policy{AllowWeak: true})
	must(t, err)
	h, err := headerUnder(k, w.held("ZMK", ToProtect).Key, "")
	must(t, err)
	wrapped, err := spot.Wrap(t.Context(), k, w.held("ZMK", ToProtect).Key, h, keyblock.WrapOptions{AllowWeak: true})
	must(t, err)
	return wrapped.Block
}

func TestALabelIsTakenOnce(t *testing.T) {
	w := newWorld(t, custody.Test)
	w.kek("ZMK", "")
	if _, err := w.vault.NewRef(t.Context(), "ZMK"); !fault.Is(err, fault.FileExists) {
		t.Errorf("a second ZMK: %v", err)
	}
	_, err := w.vault.NewRef(t.Context(), "NEW#2")
	mustFail(t, err, fault.Usage, "rotating")
	work := w.begin(custody.KeyGenerate, "ZMK#1")
	_, err = enter(t.Context(), t, work, want{label: "ZMK", alg: keys.AES256, usage: keys.UsageKEK})
	mustFail(t, err, fault.FileExists)
	done(t, work, agent.OutcomeOf(err))
	w.verifies()
}

func TestAKeyWithAnotherNameIsNotEntered(t *testing.T) {
	w := newWorld(t, custody.Test)
	work := w.begin(custody.KeyGenerate, "ZMK#1")
	k, err := work.Generate(t.Context(), hsm.Attributes{Algorithm: keys.AES128, Label: "ZMK#1"}, hsm.Policy{})
	must(t, err)
	_, err = work.Enter(t.Context(), k, New{Ref: ref(t, "OTHER"), Origin: store.Generated})
	mustFail(t, err, fault.NotPermitted)
	_, err = work.Enter(t.Context(), k, New{Ref: ref(t, "ZMK#2"), Origin: store.Generated})
	mustFail(t, err, fault.NotPermitted)
	k.Label = "OTHER#1" // a handle that lies
	_, err = work.Enter(t.Context(), k, New{Ref: ref(t, "OTHER"), Origin: store.Generated})
	mustFail(t, err, fault.ChecksumMismatch, "ZMK#1")
	if n, err := w.db.Count(t.Context(), store.Filter{}); n != 0 || err != nil {
		t.Errorf("%d keys are there, %v", n, err)
	}
}

// TestAnEqualCheckValueRaisesTheAlarm takes the same key in twice.
func TestAnEqualCheckValueRaisesTheAlarm(t *testing.T) {
	w := newWorld(t, custody.Test)
	w.kek("ZMK", "")
	first := w.pin("TPK", "ZMK")
	work := w.begin(custody.KeyUnwrap, "AGAIN#1")
	b, err := keyblock.Parse(first.Row.ParentBlock)
	must(t, err)
	opened, err := work.Unwrap(t.Context(), b, w.held("ZMK", ToProcess).Key, hsm.Policy{})
	must(t, err)
	again, err := work.Enter(t.Context(), opened.Key, New{Ref: ref(t, "AGAIN"), Origin: store.Unwrapped, Parent: store.Ref{Label: "ZMK"},
		Block: first.Row.ParentBlock})
	must(t, err)
	done(t, work, kept(again))
	if len(again.Same) != 1 || again.Same[0] != first.Row.Ref() {
		t.Errorf("the alarm names %v", again.Same)
	}
	v := w.verify()
	if !v.OK() || len(v.Findings) != 1 || !v.Findings[0].Warning || !strings.Contains(findings(&v), "2 keys have the check value") {
		t.Errorf("verified: %s", findings(&v))
	}
}

func TestAKeyThatCameInABlockHangsUnderARetiredParentToo(t *testing.T) {
	w := newWorld(t, custody.Test)
	w.kek("ZMK", "")
	block := w.pin("TPK", "ZMK").Row.ParentBlock
	w.move("ZMK", store.Deactivated)
	enter := func(n New) (*Work, Kept, error) {
		work := w.begin(custody.KeyUnwrap, "LATE#1")
		b, err := keyblock.Parse(block)
		must(t, err)
		opened, err := work.Unwrap(t.Context(), b, w.held("ZMK#1", ToProcess).Key, hsm.Policy{})
		must(t, err)
		k, err := work.Enter(t.Context(), opened.Key, n)
		return work, k, err
	}
	n := New{Ref: ref(t, "LATE"), Origin: store.Unwrapped, Parent: ref(t, "ZMK")}
	work, _, err := enter(n)
	mustFail(t, err, fault.NotPermitted, "parent", "deactivated")
	done(t, work, agent.OutcomeOf(err))
	n.Block = block
	work, k, err := enter(n)
	must(t, err)
	done(t, work, kept(k))
	blast, err := BlastOf(t.Context(), w.db, ref(t, "ZMK"))
	if must(t, err); len(blast.Keys) != 2 {
		t.Errorf("%d keys fall with the parent", len(blast.Keys))
	}
}

func TestStatesForbidUses(t *testing.T) {
	w := newWorld(t, custody.Test)
	allowed := map[store.State]string{
		store.PreActivation: "check", store.Active: "protect process check", store.Suspended: "check",
		store.Deactivated: "process check", store.Compromised: "check", store.Destroyed: "", store.DestroyedCompromised: "",
	}
	steps := map[store.State][]store.State{
		store.Suspended: {store.Suspended}, store.Deactivated: {store.Deactivated}, store.Compromised: {store.Compromised},
		store.Destroyed: {store.Deactivated, store.Destroyed}, store.DestroyedCompromised: {store.Compromised, store.DestroyedCompromised},
	}
	if len(allowed) != len(store.States()) {
		t.Fatal("a state is missing")
	}
	for _, s := range store.States() {
		label := "K-" + string(s)
		w.generate(want{label: label, alg: keys.AES128, usage: keys.UsageKEK,
			change: func(_ *hsm.Attributes, n *New) { n.Dormant = s == store.PreActivation }})
		for _, step := range steps[s] {
			w.move(label, step)
		}
		if row := w.row(label); row.State != s || s.Gone() != (row.Block == "") {
			t.Fatalf("%s is %s with the block %q", label, row.State, row.Block)
		}
		for name, use := range map[string]Use{"protect": ToProtect, "process": ToProcess, "check": ToCheck} {
			_, err := w.vault.Find(t.Context(), ref(t, label), use)
			if ok := strings.Contains(allowed[s], name); ok != (err == nil) || !ok && !fault.Is(err, fault.NotPermitted) {
				t.Errorf("%s to %s: %v", s, name, err)
			}
		}
		if _, err := w.vault.Find(t.Context(), ref(t, label), Use(9)); !fault.Is(err, fault.NotPermitted) {
			t.Errorf("%s for a use that nobody knows: %v", s, err)
		}
	}
	w.verifies()
}

func TestNothingNewHangsUnderAParentThatIsNotActive(t *testing.T) {
	w := newWorld(t, custody.Test)
	for _, s := range []store.State{store.Suspended, store.Deactivated, store.Compromised} {
		label := "K-" + string(s)
		w.kek(label, "")
		w.move(label, s)
		work := w.begin(custody.KeyGenerate, "NEW#1")
		_, err := enter(t.Context(), t, work, want{label: "NEW", alg: keys.AES128, usage: keys.UsageData, parent: label + "#1"})
		mustFail(t, err, fault.NotPermitted, "parent", string(s))
		done(t, work, agent.OutcomeOf(err))
	}
	work := w.begin(custody.KeyGenerate, "NEW#1")
	_, err := enter(t.Context(), t, work, want{label: "NEW", alg: keys.AES128, usage: keys.UsageData, parent: "NOBODY"})
	mustFail(t, err, fault.NotFound, "parent")
	done(t, work, agent.OutcomeOf(err))
	w.verifies()
}

// TestARowWhoseAttributesWereChangedIsRefused gives a key more than its block allows, in every way that the file has.
func TestARowWhoseAttributesWereChangedIsRefused(t *testing.T) {
	changes := map[string]string{
		"exportability": "UPDATE keys SET exportability = 'S' WHERE label = 'ZMK'",
		"usage":         "UPDATE keys SET usage = 'K1' WHERE label = 'ZMK'",
		"mode":          "UPDATE keys SET mode = 'N' WHERE label = 'ZMK'",
		"length":        "UPDATE keys SET len = 24 WHERE label = 'ZMK'",
		"label":         "UPDATE keys SET label = 'ZMK-2' WHERE label = 'ZMK'",
		"version":       "UPDATE keys SET version = 2 WHERE label = 'ZMK'",
		"check value":   "UPDATE keys SET check_digits = 'ABCDEF' WHERE label = 'ZMK'",
		"block": "UPDATE keys SET block = SUBSTR(block, 1, LENGTH(block) - 1) || CASE SUBSTR(block, -1) WHEN '0' THEN '1' ELSE '0' END " +
			"WHERE label = 'ZMK'",
		"block's header": "UPDATE keys SET block = REPLACE(block, 'ZMK#1', 'ZMK#2'), version = 2 WHERE label = 'ZMK'",
	}
	for name, change := range changes {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, custody.Test)
			w.kek("ZMK", "")
			w.byHand(change)
			var row store.Key
			for k, err := range w.db.List(t.Context(), store.Filter{}) {
				must(t, err)
				row = k
			}
			h, err := w.vault.Find(t.Context(), row.Ref(), ToProtect)
			must(t, err)
			work := w.begin(custody.KeyCheck, row.Ref().String())
			if err = work.Prove(t.Context(), h); err == nil || fault.KindOf(err).Exit() < 3 {
				t.Errorf("it is proved: %v", err)
			}
			done(t, work, agent.OutcomeOf(err))
			if name != "check value" { // which no use asks for
				_, err = enter(t.Context(), t, w.begin(custody.KeyGenerate, "CHILD#1"), want{label: "CHILD", alg: keys.AES128, usage: keys.UsageData,
					parent: row.Ref().String()})
				if err == nil {
					t.Error("a key hangs under it")
				}
			}
			if _, err = w.begin(custody.KeyRotate, row.Ref().String()).Rotate(t.Context(), h); err == nil {
				t.Error("it is rotated")
			}
			mustFind(t, w.verify(), row.Ref().String())
		})
	}
}

func TestAnExchangedPairOfRowsIsFound(t *testing.T) {
	w := newWorld(t, custody.Test)
	w.kek("ZMK-A", "")
	w.kek("ZMK-B", "")
	w.verifies()
	w.byHand("UPDATE keys SET label = 'X' WHERE label = 'ZMK-A'", "UPDATE keys SET label = 'ZMK-A' WHERE label = 'ZMK-B'",
		"UPDATE keys SET label = 'ZMK-B' WHERE label = 'X'")
	for _, label := range []string{"ZMK-A", "ZMK-B"} {
		work := w.begin(custody.KeyGenerate, "NEW#1")
		_, err := enter(t.Context(), t, work, want{label: "NEW", alg: keys.AES128, usage: keys.UsageData, parent: label})
		mustFail(t, err, fault.NotPermitted, "changed")
		done(t, work, agent.OutcomeOf(err))
	}
	mustFind(t, w.verify(), "ZMK-A#1: ", "ZMK-B#1: ")
	sealed, err := Verify(t.Context(), w.db, nil, w.log)
	must(t, err)
	mustFind(t, sealed, "ZMK-A#1", "ZMK-B#1")
}

func TestABlockUnderAParentThatIsAnotherKeysIsFound(t *testing.T) {
	w := newWorld(t, custody.Test)
	w.kek("ZMK", "")
	w.pin("TPK-1", "ZMK")
	w.pin("TPK-2", "ZMK")
	w.byHand("UPDATE keys SET parent_block = (SELECT parent_block FROM keys WHERE label = 'TPK-2') WHERE label = 'TPK-1'")
	mustFind(t, w.verify(), "TPK-1#1: its block under its parent")
	w.byHand("UPDATE keys SET parent_block = 'not a block' WHERE label = 'TPK-1'")
	mustFind(t, w.verify(), "TPK-1#1: its block under its parent")
}

func TestAStoreIsOpenedByItsOwnAuthorityOnly(t *testing.T) {
	w, other := newWorld(t, custody.Test), newWorld(t, custody.Test)
	_, err := Open(t.Context(), w.db, other.vault.Authority())
	mustFail(t, err, fault.NotPermitted, w.id.ID, other.id.ID)
	production := newWorld(t, custody.Production)
	_, err = Open(t.Context(), production.db, other.vault.Authority())
	mustFail(t, err, fault.NotPermitted, "production")
	if v := w.vault; v.Store() != w.db || v.Identity().ID != w.id.ID || v.Authority() == nil {
		t.Error("the vault is another one")
	}
}

// TestABlockOfAnotherStoreIsNoKeyHere puts a row of a test store into a production store.
func TestABlockOfAnotherStoreIsNoKeyHere(t *testing.T) {
	from, to := newWorld(t, custody.Test), newWorld(t, custody.Production)
	foreign, err := hsm.NewMaster(from.env, otherMaster(t), hsm.Info{})
	must(t, err)
	defer foreign.Close()
	k, err := foreign.Generate(t.Context(), hsm.Attributes{Algorithm: keys.AES256, Usage: keys.UsageKEK, Label: "ZMK#1"}, hsm.Policy{})
	must(t, err)
	_, err = to.db.Insert(t.Context(), store.Change{}, func() store.Key {
		row := rowOf(k, ref(t, "ZMK"))
		row.Origin = store.Generated
		return row
	}())
	must(t, err)
	work := to.begin(custody.KeyCheck, "ZMK#1")
	mustFail(t, work.Prove(t.Context(), to.held("ZMK", ToCheck)), fault.MACMismatch, "does not belong to this boundary")
	done(t, work, agent.Outcome{Outcome: audit.OK()})
	mustFind(t, to.verify(), "ZMK#1")
}

func otherMaster(t *testing.T) *keys.Key {
	t.Helper()
	clear, err := keys.ParseHex([]byte(strings.Repeat("7E", 32)))
	must(t, err)
	master, err := keys.New(keys.AES256, clear)
	must(t, err)
	return master
}

// TestAParentThatIsRotatedMeanwhileGetsNoChild: the child's block is under a key that protects nothing new any more.
func TestAParentThatIsRotatedMeanwhileGetsNoChild(t *testing.T) {
	for name, happens := range map[string]func(*world){
		"rotated": func(w *world) { w.rotate("ZMK") }, "suspended": func(w *world) { w.move("ZMK", store.Suspended) },
	} {
		w := newWorld(t, custody.Test)
		w.kek("ZMK", "")
		work := w.begin(custody.KeyGenerate, "TPK#1")
		between := &Work{Work: &late{Work: work.Work, between: func() { happens(w) }}, vault: w.vault}
		_, err := enter(t.Context(), t, between, want{label: "TPK", alg: keys.TDES128, usage: keys.UsagePIN, parent: "ZMK"})
		mustFail(t, err, fault.Busy, "key ZMK#1 is", "not active any more")
		done(t, work, agent.OutcomeOf(err))
		if _, err := w.db.Get(t.Context(), ref(t, "TPK")); !fault.Is(err, fault.NotFound) {
			t.Errorf("%s: the child is there: %v", name, err)
		}
		w.verifies()
	}
}

// TestADatabaseThatWasExchangedWhileItWasOpenTakesNothing puts another file in its place.
func TestADatabaseThatWasExchangedWhileItWasOpenTakesNothing(t *testing.T) {
	w, other := newWorld(t, custody.Test), newWorld(t, custody.Test)
	w.kek("ZMK", "")
	other.kek("OTHER", "")
	other.close()
	must(t, os.Rename(other.url.Path(), w.url.Path()))
	work := w.begin(custody.KeyGenerate, "LOST#1")
	_, err := enter(t.Context(), t, work, want{label: "LOST", alg: keys.AES128, usage: keys.UsageData})
	mustFail(t, err, fault.ChecksumMismatch, "another file")
	done(t, work, agent.OutcomeOf(err))
	w.close()
	for _, journal := range []string{"-wal", "-shm"} { // SQLite leaves those of the first file where they are
		_ = os.Remove(w.url.Path() + journal)
	}
	err = w.tryOpen()
	mustFail(t, err, fault.NotPermitted, w.id.ID)
	v, err := Verify(t.Context(), w.db, nil, w.log)
	must(t, err)
	mustFind(t, v, "log: ")
}

// TestAKeyThatDoesNotStandAsItWasWrittenIsNotAcknowledged lets the database itself change what is put into it.
func TestAKeyThatDoesNotStandAsItWasWrittenIsNotAcknowledged(t *testing.T) {
	w := newWorld(t, custody.Test)
	w.byHand("CREATE TRIGGER swap AFTER INSERT ON keys BEGIN UPDATE keys SET block = block || '0' WHERE id = NEW.id; END")
	work := w.begin(custody.KeyGenerate, "ZMK#1")
	_, err := enter(t.Context(), t, work, want{label: "ZMK", alg: keys.AES256, usage: keys.UsageKEK})
	mustFail(t, err, fault.OutcomeUnknown, "ZMK#1")
	done(t, work, agent.OutcomeOf(err))
	mustFind(t, w.verify(), "ZMK#1")
}
