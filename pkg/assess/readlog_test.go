package assess

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"poskey/internal/fault"
	"poskey/pkg/audit"
	"poskey/pkg/custody"
)

// writeLog makes a log of a month in which much went on, with a checkpoint of the auditor at its end.
func writeLog(t testing.TB, e audit.Environment) (path string, cards []custody.Card) {
	t.Helper()
	ids, cards := officers(t)
	path = filepath.Join(t.TempDir(), "STORE-0001.audit")
	at := daysAgo(40)
	who := audit.Actor{ID: "operator", Role: "user"}
	l, err := audit.Create(path, audit.Identity{Store: "STORE-0001", Environment: e}, audit.Options{Now: func() time.Time { return at }, Who: who})
	must(t, err)
	two := []audit.Actor{{ID: "officer.0", Role: "custodian"}, {ID: "officer.1", Role: "custodian"}}
	over := func(daysBefore int, entry audit.Entry, o audit.Outcome) {
		at = daysAgo(daysBefore)
		entry.Who = who
		_, err := l.Append(entry, o)
		must(t, err)
	}
	work := func(daysBefore int, op audit.Operation, with []audit.Actor, batch audit.Batch, details audit.Details) {
		at = daysAgo(daysBefore)
		p, err := l.Begin(audit.Entry{Who: who, Operation: op, With: with, Details: details,
			Object: audit.Object{Kind: audit.KindKey, Label: "ZMK-1"}})
		must(t, err)
		p.After.Batch = batch
		_, err = p.Done(audit.OK())
		must(t, err)
	}
	wrong := audit.Outcome{Result: audit.Refused, Fault: fault.AuthFailed}
	over(39, audit.Entry{Operation: audit.OfficerAuthenticate}, wrong) // too long ago
	work(38, audit.KeyReveal, two[:1], audit.Batch{}, nil)             // too long ago
	over(20, audit.Entry{Operation: audit.OfficerAuthenticate}, wrong)
	over(20, audit.Entry{Operation: audit.StoreUnseal}, audit.Outcome{Result: audit.Failed, Fault: fault.AuthFailed}) // the same once more
	over(19, audit.Entry{Operation: audit.DeviceManage}, wrong)
	work(18, audit.DeviceLoadClear, two, audit.Batch{Count: 5, OK: 3, Failed: 2}, nil)
	work(17, audit.KeyReveal, append(two[:1:1], two[0]), audit.Batch{}, nil) // one person, twice
	work(16, audit.KeyForm, two, audit.Batch{}, nil)
	work(15, audit.StoreBackup, nil, audit.Batch{}, nil)
	work(14, audit.BoundarySelftest, nil, audit.Batch{}, nil)
	work(13, audit.KeyCheck, nil, audit.Batch{}, audit.Details{audit.FieldPurpose: string(audit.StoreVerify)})
	at = daysAgo(12)
	_, err = l.Begin(audit.Entry{Who: who, Operation: audit.KeyGenerate})
	must(t, err)
	at = daysAgo(11)
	_, err = l.Checkpoint(who, custody.NoteSigners(ids[3:])...)
	must(t, err)
	must(t, l.Close())
	return path, cards
}

func reading(raw []byte) func() io.Reader { return func() io.Reader { return bytes.NewReader(raw) } }

func TestALogTellsWhatWentOn(t *testing.T) {
	path, cards := writeLog(t, audit.Production)
	raw, err := os.ReadFile(path)
	must(t, err)
	notes, err := audit.Checkpoints(path)
	must(t, err)
	want := audit.Expect{Beside: notes, Officers: custody.NoteVerifiers(cards), Quorum: 1, Now: now()}
	l, err := ReadLog(reading(raw), want, daysAgo(30))
	must(t, err)
	if l.Broken != nil || l.FailedLogins != 2 || l.ClearLoads != 3 || l.Reveals != 1 || l.Unfinished != 1 || l.Report.Signed == 0 {
		t.Errorf("broken %v, %d log-ins, %d clear loads, %d reveals, %d unfinished, %d signed", l.Broken, l.FailedLogins, l.ClearLoads, l.Reveals,
			l.Unfinished, l.Report.Signed)
	}
	for name, times := range map[string][2]time.Time{"backup": {l.Backup, daysAgo(15)}, "checkpoint": {l.Checkpoint, daysAgo(11)},
		"self-test": {l.Selftest, daysAgo(14)}, "verified": {l.Verified, daysAgo(13)}, "restored": {l.Restored, time.Time{}}, "last": {l.LastOperation, daysAgo(11)}} {
		if !times[0].Equal(times[1]) {
			t.Errorf("%s at %s, want %s", name, times[0], times[1])
		}
	}
	if !slices.Equal(l.SingleHanded, []string{"key.reveal ZMK-1 (10)"}) {
		t.Errorf("single-handed: %q", l.SingleHanded)
	}
	r := Assess(&Evidence{Now: now(), Log: &l}, Answers{})
	for id, want := range map[string]Verdict{"OP-01": Met, "OP-02": Met, "OP-03": Met, "OP-04": NotMet, "OP-06": NotMet, "OP-07": NotMet,
		"UA-04": Met, "DT-02": NotMet, "DT-06": Met, "OP-08": Met} {
		if f := resultOf(t, &r, id).Finding; f.Verdict != want {
			t.Errorf("%s is %s (%s), want %s", id, f.Verdict, f.Found, want)
		}
	}
}

// TestABrokenLogIsEvidence: what stands above the break is counted, and what is not there proves nothing.
func TestABrokenLogIsEvidence(t *testing.T) {
	path, _ := writeLog(t, audit.Test)
	raw, err := os.ReadFile(path)
	must(t, err)
	at := bytes.LastIndex(raw, []byte(string(audit.StoreBackup)))
	raw[at] ^= 1
	l, err := ReadLog(reading(raw), audit.Expect{}, daysAgo(30))
	must(t, err)
	if l.Broken == nil || l.ClearLoads != 3 || !l.Backup.IsZero() {
		t.Errorf("broken %v, %d clear loads, backup %s", l.Broken, l.ClearLoads, l.Backup)
	}
	r := Assess(&Evidence{Now: now(), Log: &l}, Answers{})
	for id, want := range map[string]Verdict{"OP-01": NotMet, "DT-02": NotMet, "OP-05": NoEvidence, "UA-04": NoEvidence} {
		if f := resultOf(t, &r, id).Finding; f.Verdict != want {
			t.Errorf("%s is %s (%s), want %s", id, f.Verdict, f.Found, want)
		}
	}
}

func TestALogThatCannotBeReadIsAnError(t *testing.T) {
	failing := func() io.Reader { return io.MultiReader(bytes.NewReader(nil), failReader{}) }
	if _, err := ReadLog(failing, audit.Expect{}, time.Time{}); err == nil {
		t.Error("no error")
	}
}

type failReader struct{}

func (failReader) Read([]byte) (int, error) { return 0, errors.New("the disk is gone") }
