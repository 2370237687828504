package incident

import (
	"slices"
	"strings"
	"testing"
	"time"

	"poskey/internal/fault"
)

func TestEveryKindHasStepsThatContainAndThatTell(t *testing.T) {
	confirmed := []string{"9-2", "15-1", "20-1", "21-2.4", "30-3"} // of PCI PIN, seen in a published text
	for _, k := range Kinds() {
		ids, contains := map[string]bool{}, 0
		for _, s := range Steps(k) {
			if ids[s.ID] || s.ID == "" || s.Text.IsZero() || s.Who == "" {
				t.Errorf("%s: step %q is there twice, or is not whole", k, s.ID)
			}
			ids[s.ID] = true
			if s.Contains {
				contains++
			}
			if s.Known != slices.Contains(confirmed, s.Clause) {
				t.Errorf("%s: %s: clause %q is shown as confirmed: %v", k, s.ID, s.Clause, s.Known)
			}
		}
		if contains == 0 || len(ids) < 4 {
			t.Errorf("%s: %d steps contain it, of %d", k, contains, len(ids))
		}
		if k != OfficerLeft && !ids["tell"] {
			t.Errorf("%s: nobody is told", k)
		}
	}
	if _, err := ParseKind("fire"); !fault.Is(err, fault.Usage) {
		t.Error(err)
	}
}

func document(t *testing.T, k Kind, items []Item, more ...Entry) *Document {
	t.Helper()
	d, err := Create(t.TempDir(), Head{Kind: k, Title: "x"}, Entry{By: "a", Items: items}, more, at())
	must(t, err)
	return d
}

func TestCommandsNameWhatTheIncidentIsAbout(t *testing.T) {
	d := document(t, LostBag, []Item{{ItemBag, "it's 7", ""}, {ItemKey, "ZMK-1#1", ""}})
	for id, want := range map[string]string{
		"suspend":  "poskey incident contain INC-2026-0001 --suspend ZMK-1#1",
		"analysis": `poskey custody bags 'it'\''s 7'`,
		"freeze":   "poskey incident contain INC-2026-0001 --freeze KEYSET",
	} {
		s, _ := stepOf(LostBag, id)
		if got := d.Commands(s); len(got) != 1 || got[0] != want {
			t.Errorf("%s: %q, want %q", id, got, want)
		}
	}
}

func TestIncidentIsClosedWhenNothingIsLeft(t *testing.T) {
	d := document(t, WrongKey, nil)
	if err := d.MayClose("officer a", " Officer  A ", nil); !fault.Is(err, fault.Usage) {
		t.Errorf("one person twice: %v", err)
	}
	if err := d.MayClose("a", "b", nil); !fault.Is(err, fault.NotPermitted) || !strings.Contains(err.Error(), "stop which") {
		t.Errorf("steps are left: %v", err)
	}
	var all []Entry
	for _, s := range Steps(WrongKey) {
		e, err := d.Do(s.ID, "a", ProofSaid, "")
		must(t, err)
		all = append(all, e)
	}
	if err := d.MayClose("a", "b", all); !fault.Is(err, fault.NotPermitted) || !strings.Contains(err.Error(), "learned") {
		t.Errorf("nothing was learned: %v", err)
	}
	lesson, err := Learn("a", "look twice", "", 2)
	must(t, err)
	d = document(t, WrongKey, nil, append(all, lesson)...)
	if s := d.Summary(time.Now()); s.State != Contained || s.Contained.IsZero() || s.StepsLeft != 0 || len(s.Lessons) != 1 || s.Lessons[0].ID != "INC-2026-0001-L1" {
		t.Errorf("%+v", s)
	}
	must(t, d.MayClose("a", "b", nil))
	for _, weight := range []int{0, 6} {
		if _, err := Learn("a", "x", "", weight); !fault.Is(err, fault.Usage) {
			t.Errorf("weight %d: %v", weight, err)
		}
	}
	if _, err := d.Skip("stop", "a", ""); !fault.Is(err, fault.Usage) {
		t.Errorf("without a reason: %v", err)
	}
	if _, err := d.Do("none", "a", ProofSaid, ""); !fault.Is(err, fault.NotFound) {
		t.Errorf("no such step: %v", err)
	}
}

func TestStepIsLateWhenItsTimeIsOver(t *testing.T) {
	d := document(t, Tamper, nil)
	if s := d.Summary(d.Opened().Add(3 * time.Hour)); len(s.Overdue) != 0 {
		t.Errorf("late: %v", s.Overdue)
	}
	if s := d.Summary(d.Opened().Add(5 * time.Hour)); !slices.Equal(s.Overdue, []string{"batch", "isolate", "lock", "loads"}) {
		t.Errorf("late: %v", s.Overdue)
	}
}

func TestRecordThatWasWrittenAnewIsNotTheOneThatWasTold(t *testing.T) {
	d := document(t, Tamper, nil, Say("a", "one"))
	told := []Told{{1, d.Records[0].Hash, 7}, {2, d.Last, 9}}
	must(t, d.HoldAgainst(told))
	if n := d.Untold(told[:1]); n != 1 {
		t.Errorf("%d lines untold", n)
	}
	other := document(t, Tamper, nil, Say("a", "two"))
	if err := other.HoldAgainst(told); !fault.Is(err, fault.LogBroken) || !strings.Contains(err.Error(), "record 9") {
		t.Errorf("%v", err)
	}
	if err := d.HoldAgainst([]Told{{3, d.Last, 9}}); !fault.Is(err, fault.LogBroken) || !strings.Contains(err.Error(), "cut off") {
		t.Errorf("%v", err)
	}
	if gone := Missing([]Summary{{ID: "INC-2026-0001"}}, map[string][]Told{"INC-2026-0001": told, "INC-2026-0002": told}); len(gone) != 1 ||
		gone[0].ID != "INC-2026-0002" || gone[0].Broken == nil {
		t.Errorf("%+v", gone)
	}
}
