package vault

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"poskey/internal/fault"
	"poskey/pkg/agent"
	"poskey/pkg/audit"
	"poskey/pkg/custody"
	"poskey/pkg/kcv"
	"poskey/pkg/store"
)

func aCeremony(id string) store.Ceremony {
	return store.Ceremony{ID: id, Kind: "custom", Title: "Parts", Script: strings.Repeat("AB", 32)}
}

func aPart(ceremony, person string, n int, event store.PartEvent) store.Holding {
	return store.Holding{Ceremony: ceremony, Key: store.Ref{Label: "ZMK"}, Check: kcv.Value{Method: kcv.ECBZero, Digits: "08D7B4"},
		Sheets: "7F3A-91C2", Part: n, Parts: 3, Needed: 3, Person: person, Name: "Custodian " + person, Card: strings.Repeat("EF", 32),
		Seat: "primary", Event: event, Bag: fmt.Sprintf("B-%04d", n), Channel: "courier one"}
}

// theEnd is the hash of the last line of a record.
var theEnd = strings.Repeat("12", 32)

// led is a store in which a ceremony took place.
func led(t *testing.T, id string) *world {
	t.Helper()
	w := newWorld(t, custody.Test)
	w.lead(id)
	return w
}

func (w *world) lead(id string) {
	w.t.Helper()
	work := w.begin(custody.CeremonyRun, id)
	must(w.t, work.BeginCeremony(w.t.Context(), aCeremony(id)))
	must(w.t, work.BeginCeremony(w.t.Context(), aCeremony(id))) // it goes on after a break
	for i, person := range []string{"custodian.a", "custodian.b", "custodian.c"} {
		must(w.t, work.Hold(w.t.Context(), aPart(id, person, i+1, store.PartPrinted)))
		must(w.t, work.Hold(w.t.Context(), aPart(id, person, i+1, store.PartSealed)))
	}
	must(w.t, work.EndCeremony(w.t.Context(), id, store.CeremonyClosed, theEnd))
	done(w.t, work, agent.OutcomeOf(nil))
}

// TestTheLedgerIsHeldAgainstTheLog changes rows as somebody with the file can.
func TestTheLedgerIsHeldAgainstTheLog(t *testing.T) {
	set := func(what string) []string { return []string{"UPDATE holdings SET " + what + " WHERE id = 3"} }
	const changed = "a row of the ledger was changed: by record"
	w := led(t, "C1")
	w.verifies()
	w.close()
	for name, c := range map[string]struct {
		by   []string
		want []string
	}{
		"a row is gone":            {[]string{"DELETE FROM holdings WHERE id = 3"}, []string{"ceremony C1: by record", "printed, ZMK, 2 of 3, custodian.b, B-0002", "is not there"}},
		"the last row is gone":     {[]string{"DELETE FROM holdings WHERE id = 6"}, []string{"sealed, ZMK, 3 of 3, custodian.c", "is not there"}},
		"all rows are gone":        {[]string{"DELETE FROM holdings"}, []string{"custodian.a", "custodian.b", "custodian.c", "is not there"}},
		"both tables are empty":    {[]string{"DELETE FROM holdings", "DELETE FROM ceremonies"}, []string{"it was written into the ledger, and it is not there", "custodian.b"}},
		"the ceremony is gone":     {[]string{"PRAGMA foreign_keys = 0", "DELETE FROM ceremonies"}, []string{"ceremony C1: by record", "it was written into the ledger, and it is not there"}},
		"the person is another":    {set("person = 'custodian.x'"), []string{changed, "now it is (printed, ZMK, 2 of 3, custodian.x, B-0002)"}},
		"the name is another":      {set("name = 'X'"), []string{changed}},
		"the card is another":      {set("card = '" + strings.Repeat("AB", 32) + "'"), []string{changed}},
		"the part is another":      {set("part = 1"), []string{changed}},
		"there are more parts":     {set("parts = 4"), []string{changed}},
		"fewer are needed":         {set("needed = 2"), []string{changed}},
		"the bag is another":       {set("bag = 'B-9'"), []string{changed, "custodian.b, B-9"}},
		"the outer bag is another": {set("outer_bag = 'B-9'"), []string{changed}},
		"the way is another":       {set("channel = 'courier two'"), []string{changed}},
		"the label is another":     {set("label = 'TMK'"), []string{changed, "printed, TMK"}},
		"the version is another":   {set("version = 4"), []string{changed}},
		"the check is another":     {set("check_digits = '08D7B5'"), []string{changed}},
		"the method is another":    {set("check_method = 'cmac'"), []string{changed}},
		"the set is another":       {set("sheets = ''"), []string{changed}},
		"the event is another":     {set("event = 'received'"), []string{changed}},
		"the seat is another":      {set("seat = 'backup'"), []string{changed}},
		"the time is another":      {set("at = at + 1"), []string{changed}},
		"a row was added": {[]string{"INSERT INTO holdings SELECT 99, ceremony, at, label, version, check_method, check_digits, sheets, 2, " +
			"parts, needed, person, name, card, seat, event, bag, outer_bag, channel FROM holdings WHERE id = 1"},
			[]string{"a row of the ledger (printed, ZMK, 2 of 3, custodian.a, B-0001) has no record"}},
		"a row is there twice": {[]string{"INSERT INTO holdings SELECT 99, ceremony, at, label, version, check_method, check_digits, sheets, part, " +
			"parts, needed, person, name, card, seat, event, bag, outer_bag, channel FROM holdings WHERE id = 1"}, []string{"has no record"}},
		"rows changed places":  {[]string{"UPDATE holdings SET id = 99 WHERE id = 1", "UPDATE holdings SET id = 1 WHERE id = 3", "UPDATE holdings SET id = 3 WHERE id = 99"}, []string{"do not stand in the order"}},
		"it is open again":     {[]string{"UPDATE ceremonies SET state = 'open', head = '', ended = 0"}, []string{"it ended, and in the ledger it is open"}},
		"it was given up":      {[]string{"UPDATE ceremonies SET state = 'aborted'"}, []string{"its end is not as record"}},
		"it ends elsewhere":    {[]string{"UPDATE ceremonies SET head = '" + strings.Repeat("34", 32) + "'"}, []string{"its end is not as record"}},
		"it ended later":       {[]string{"UPDATE ceremonies SET ended = ended + 1"}, []string{"its end is not as record"}},
		"the script another":   {[]string{"UPDATE ceremonies SET script = '" + theEnd + "'"}, []string{"its kind, title, script or beginning is not as record"}},
		"the title is another": {[]string{"UPDATE ceremonies SET title = 'X'"}, []string{"its kind, title, script or beginning"}},
		"a ceremony was added": {[]string{"INSERT INTO ceremonies SELECT 'C2', kind, title, script, began, ended, state, head FROM ceremonies"},
			[]string{"ceremony C2: it stands in the ledger, and the log has no record of it"}},
		"it has another name": {[]string{"PRAGMA foreign_keys = 0", "UPDATE ceremonies SET id = 'C2'", "UPDATE holdings SET ceremony = 'C2'"},
			[]string{"ceremony C1: by record", "ceremony C2: it stands", "has no record"}},
	} {
		t.Run(name, func(t *testing.T) {
			u := sqliteAt(t, t.TempDir())
			copyFile(t, w.url.Path(), u.Path())
			byHand(t, u, c.by...)
			v, err := Verify(t.Context(), openAt(t, u), nil, w.log)
			must(t, err)
			mustFind(t, v, c.want...)
		})
	}
}

// TestATableThatWasTakenAwayIsFound: nothing is said of a store whose ledger is no more.
func TestATableThatWasTakenAwayIsFound(t *testing.T) {
	for _, tables := range [][]string{{"holdings"}, {"holdings", "ceremonies"}} {
		w := led(t, "C1")
		for _, name := range tables {
			w.byHand("DROP TABLE " + name)
		}
		_, err := Verify(t.Context(), w.db, nil, w.log)
		mustFail(t, err, fault.ChecksumMismatch, "no table "+tables[len(tables)-1])
	}
}

// TestAKilledCeremonyIsNoFaultOfTheLedger ends each operation on the ledger at both places where it can be killed.
func TestAKilledCeremonyIsNoFaultOfTheLedger(t *testing.T) {
	w := led(t, "C1")
	work := w.begin(custody.CeremonyRun, "C2")
	y := aCeremony("C2")
	y.Began = w.db.Now()
	h := aPart("C2", "custodian.a", 1, store.PartPrinted)
	h.At = w.db.Now()
	end := store.Ceremony{ID: "C2", State: store.CeremonyAborted, Head: theEnd, Ended: w.db.Now()}
	for _, e := range []struct {
		entry entry
		write func(store.Change) error
	}{
		{entry{"C2", ledgerBegin, y.Beginning(), nil}, func(c store.Change) error {
			c.At = y.Began
			return w.db.BeginCeremony(t.Context(), c, y)
		}},
		{entry{"C2", ledgerPart, h.Statement(), partWords(&h)}, func(c store.Change) error {
			c.At = h.At
			return w.db.Hold(t.Context(), c, h)
		}},
		{entry{"C2", ledgerEnd, end.Ending(), nil}, func(c store.Change) error {
			c.At = end.Ended
			return w.db.EndCeremony(t.Context(), c, "C2", end.State, end.Head)
		}},
	} {
		for _, written := range []bool{false, true} {
			row, err := w.vault.Begin(t.Context(), e.entry.intent(me()))
			must(t, err)
			if written {
				must(t, e.write(row.change()))
			}
			w.verifies() // while it is under way
			must(t, row.Close())
			w.verifies()
		}
	}
	must(t, work.Close())
	w.reopen()
	w.verifies()
	w.byHand("UPDATE holdings SET person = 'custodian.x' WHERE ceremony = 'C2'")
	mustFind(t, w.verify(), "custodian.x", "has no record")
}

// TestWhatFailedIsNoRow: the log has its intent, and what became of it.
func TestWhatFailedIsNoRow(t *testing.T) {
	w := led(t, "C1")
	work := w.begin(custody.CeremonyRun, "C1")
	mustFail(t, work.Hold(t.Context(), aPart("C1", "custodian.a", 1, store.PartOpened)), fault.NotPermitted)
	mustFail(t, work.EndCeremony(t.Context(), "C1", store.CeremonyAborted, theEnd), fault.NotPermitted)
	mustFail(t, work.BeginCeremony(t.Context(), aCeremony("C1")), fault.FileExists)
	gone, stop := context.WithCancel(t.Context())
	stop()
	mustFail(t, work.BeginCeremony(gone, aCeremony("C2")), fault.Interrupted)
	w.verifies()
	must(t, work.BeginCeremony(t.Context(), aCeremony("C2")))
	must(t, work.Hold(t.Context(), aPart("C2", "custodian.a", 1, store.PartOpened)))
	done(t, work, agent.OutcomeOf(nil))
	w.verifies()
}

// TestALedgerFromBeforeTheLogHadItsRowsIsNamed: nobody can tell, and nothing is wrong.
func TestALedgerFromBeforeTheLogHadItsRowsIsNamed(t *testing.T) {
	w := newWorld(t, custody.Test)
	work := w.begin(custody.CeremonyRun, "C0")
	must(t, w.db.BeginCeremony(t.Context(), work.Change(), aCeremony("C0")))
	must(t, w.db.Hold(t.Context(), work.Change(), aPart("C0", "custodian.a", 1, store.PartPrinted)))
	must(t, work.Hold(t.Context(), aPart("C0", "custodian.b", 2, store.PartPrinted)))
	must(t, w.db.EndCeremony(t.Context(), work.Change(), "C0", store.CeremonyClosed, theEnd))
	done(t, work, agent.OutcomeOf(nil))
	w.lead("C1")
	v := w.verify()
	if !v.OK() || len(v.Findings) != 1 || !v.Findings[0].Warning || !strings.Contains(findings(&v), "ceremony C0: 2 of its rows") {
		t.Errorf("%s", findings(&v))
	}
	w.byHand("DELETE FROM holdings WHERE person = 'custodian.b' AND ceremony = 'C0'")
	mustFind(t, w.verify(), "custodian.b", "is not there")
}

// TestARestoredLedgerHasWhatItsBackupHad: what came after was lost with everything else, and the restoration is told.
func TestARestoredLedgerHasWhatItsBackupHad(t *testing.T) {
	w := led(t, "C1")
	a, b := officer(t, custody.Test, "admin.d", custody.Administrator), officer(t, custody.Test, "custodian.a", custody.Custodian)
	path, _ := w.backup(a, b)
	w.lead("C2")
	w.close()
	p := newPlace(t)
	copyFile(t, w.log, p.log(w.id.ID))
	_, err := p.restore(t, path, a, b)
	must(t, err)
	again := p.enter(t, w.id)
	again.verifies()
	again.lead("C3")
	again.lead("C2")
	again.verifies()
	again.byHand("DELETE FROM holdings WHERE ceremony = 'C1' AND id = 2")
	mustFind(t, again.verify(), "ceremony C1: by record", "is not there")
}

// TestEveryFieldOfARowIsInItsStatement: a field that is left out could be changed unseen.
func TestEveryFieldOfARowIsInItsStatement(t *testing.T) {
	h := aPart("C1", "custodian.a", 1, store.PartPrinted)
	h.Bag, h.Outer = "B-1", ""
	moved := h
	moved.Bag, moved.Outer = "", "B-1"
	if audit.DigestOf(h.Statement()) == audit.DigestOf(moved.Statement()) {
		t.Error("what stands in one field can stand in another")
	}
}
