//go:build linux || darwin

package agent

import (
	"strconv"
	"testing"

	"poskey/internal/fault"
	"poskey/pkg/audit"
	"poskey/pkg/custody"
	"poskey/pkg/hsm"
	"poskey/pkg/keys"
)

func TestNobodyNotesWhatOnlyAnAuthorityKnows(t *testing.T) {
	l, f, err := token(t, custody.Test)
	if err != nil {
		t.Fatal(err)
	}
	note := func(op audit.Operation, o audit.Outcome) error {
		return l.Note(t.Context(), audit.Entry{Who: me(), With: []audit.Actor{{ID: "custodian-a", Role: "custodian"}},
			Operation: op, Details: audit.Details{"keys": "ZMK#1", "pid": "1", "purpose": "a purpose"}}, o)
	}
	for _, op := range []audit.Operation{"officer.event", "key.made-up", audit.ComponentTakeOut, audit.CeremonyRun,
		audit.IncidentClose, audit.KeyExport} {
		wantKind(t, note(op, audit.OK()), fault.NotPermitted, string(op))
		wantKind(t, note(op, audit.NotKnown()), fault.NotPermitted, string(op))
	}
	if err := note(audit.StoreVerify, audit.OK()); err != nil {
		t.Fatal(err)
	}
	if r := f.wantRecord(audit.StoreVerify, audit.Done); len(r.With) != 0 || len(r.Details) != 1 ||
		r.Details["purpose"] != "a purpose" {
		t.Errorf("the record is %+v", r)
	}
}

func TestAnOutcomeSaysNothingInTheAuthoritysName(t *testing.T) {
	l, f, err := token(t, custody.Test)
	if err != nil {
		t.Fatal(err)
	}
	in := intent(custody.KeyGenerate, "A#1")
	in.Details = audit.Details{"questions": "1", "purpose": "a purpose"}
	w := begin(t, l, in)
	o := Outcome{Outcome: audit.OK(), Details: audit.Details{"keys": "B#1", "questions": "9", "uid": "0", "kept": "A#1"}}
	if err := w.Done(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	if r := f.wantRecord(audit.KeyGenerate, ""); len(r.Details) != 1 {
		t.Errorf("the intent is %+v", r)
	}
	if r := f.wantRecord(audit.KeyGenerate, audit.Done); len(r.Details) != 1 || r.Details["kept"] != "A#1" {
		t.Errorf("the outcome is %+v", r)
	}
}

func TestTheQuestionsOfAWorkAreCountedOverAllItsProbers(t *testing.T) {
	l, f, err := token(t, custody.Test)
	if err != nil {
		t.Fatal(err)
	}
	k := makeKey(t, l, "PEK#1", keys.AES128, keys.UsagePIN)
	w := begin(t, l, intent(custody.KeyProbe, "PEK#1"))
	q := hsm.Question{Expr: hsm.Part(0), Algorithm: keys.AES128, Method: k.Check.Method, Expected: expectedOf(t, k.Check.Digits)}
	answered := 0
	for range 6 {
		p, err := w.Prober(t.Context(), []hsm.Key{k})
		if err != nil {
			t.Fatal(err)
		}
		for range 1000 {
			if _, err = p.Probe(t.Context(), q); err != nil {
				wantKind(t, err, fault.NotPermitted)
				break
			}
			answered++
		}
		_ = p.Close()
	}
	if answered != hsm.MaxQuestions {
		t.Errorf("%d questions were answered, want %d", answered, hsm.MaxQuestions)
	}
	counts := f.recorded(opQuestions, audit.Done)
	if len(counts) != hsm.MaxQuestions/questionsEach {
		t.Fatalf("the count was recorded %d times", len(counts))
	}
	begun := f.wantRecord(audit.KeyProbe, "")
	for i, r := range counts {
		if r.Details["questions"] != strconv.Itoa((i+1)*questionsEach) || r.Object.Label != "PEK#1" ||
			r.Details["intent"] != strconv.FormatUint(begun.Seq, 10) {
			t.Errorf("record %d: %+v", i+1, r)
		}
	}
}
