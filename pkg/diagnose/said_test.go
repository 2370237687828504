package diagnose_test

// What people and screens say leads to its cause, and a code alone proves nothing.

import (
	"encoding/json"
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"poskey/pkg/diagnose"
)

// saidCase is a text with what should be made of it.
type saidCase struct {
	Text, Vendor, Table string
	First               diagnose.Cause
	Also                diagnose.Cause // it is among the findings
	Likely              bool
	Proven              bool // two check values are compared
	None                bool // no cause
	Notes               bool // and a note that says what it is
	Lock                string
	Unexplained         bool
}

func saidCases(t testing.TB) []saidCase { return saidIn(t, "testdata/said.json") }

func saidIn(t testing.TB, path string) []saidCase {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var all []saidCase
	if err := json.Unmarshal(raw, &all); err != nil || len(all) < 60 {
		t.Fatalf("%d texts: %v", len(all), err)
	}
	return all
}

func (c saidCase) ask(t testing.TB, ears *diagnose.Ears) diagnose.Report {
	t.Helper()
	return diagnosed(t, diagnose.Case{Said: []diagnose.Said{{Text: c.Text, Vendor: c.Vendor, Table: c.Table}}, Ears: ears})
}

// hearing makes ears, for a test that hears many texts.
func hearing(t testing.TB) *diagnose.Ears {
	t.Helper()
	ears, err := diagnose.NewEars()
	if err != nil {
		t.Fatal(err)
	}
	return ears
}

func TestWhatIsSaidLeadsToItsCause(t *testing.T) {
	ears := hearing(t)
	for _, c := range saidCases(t) {
		r := c.ask(t, ears)
		switch {
		case c.Unexplained:
			if r.Verdict != diagnose.Unexplained || r.NextStep.IsZero() {
				t.Errorf("%q: %s, next step %q", c.Text, r.Verdict, r.NextStep)
			}
			continue
		case c.None:
			if len(r.Findings) > 0 || r.Verdict != diagnose.Match && (c.Notes || c.Lock != "") {
				t.Errorf("%q is no trouble of a key, and is %s: %v", c.Text, r.Verdict, causesOf(r))
			}
		case len(r.Findings) == 0 || r.Findings[0].Cause != c.First:
			t.Errorf("%q leads to %v, want %s first", c.Text, causesOf(r), c.First)
		case c.Proven != (r.Findings[0].Certainty == diagnose.Proven):
			t.Errorf("%q: %s is %s", c.Text, c.First, r.Findings[0].Certainty)
		case c.Likely != (r.Findings[0].Certainty == diagnose.Likely):
			t.Errorf("%q: %s is %s", c.Text, c.First, r.Findings[0].Certainty)
		}
		if c.Also != "" && !strings.Contains(strings.Join(causesOf(r), " "), string(c.Also)) {
			t.Errorf("%q leads to %v, want %s too", c.Text, causesOf(r), c.Also)
		}
		if c.Notes && len(r.Notes) == 0 {
			t.Errorf("%q has no note", c.Text)
		}
		if c.Lock != "" && !strings.Contains(notes(r), "("+c.Lock+")") {
			t.Errorf("%q does not name the lock %s: %s", c.Text, c.Lock, notes(r))
		}
	}
}

// TestWhatPeopleWriteLeadsToItsCause holds texts that were written, with what a payment engineer expects of them, before
// any was asked.
func TestWhatPeopleWriteLeadsToItsCause(t *testing.T) {
	ears := hearing(t)
	for _, c := range saidIn(t, "testdata/heldout.json") {
		r := c.ask(t, ears)
		switch {
		case c.None && (len(r.Findings) > 0 || r.Verdict != diagnose.Match):
			t.Errorf("%q is no trouble of a key, and is %s: %v", c.Text, r.Verdict, causesOf(r))
		case !c.None && (len(r.Findings) == 0 || r.Findings[0].Cause != c.First):
			t.Errorf("%q leads to %v, want %s first", c.Text, causesOf(r), c.First)
		case c.Lock != "" && !strings.Contains(notes(r), "("+c.Lock+")"):
			t.Errorf("%q does not name the lock %s: %s", c.Text, c.Lock, notes(r))
		}
	}
}

// causesOf lists the causes of a report with their certainty.
func causesOf(r diagnose.Report) []string {
	var all []string
	for _, f := range r.Findings {
		all = append(all, string(f.Certainty)+" "+string(f.Cause))
	}
	return all
}

func notes(r diagnose.Report) string {
	var all []string
	for _, n := range r.Notes {
		all = append(all, n.String())
	}
	return strings.Join(all, "\n")
}

func TestAnAmbiguousCodeAsksForTheVendorAndGivesOneRoundOfChecks(t *testing.T) {
	r := saidCase{Text: "密钥错误14"}.ask(t, nil)
	if !strings.Contains(notes(r), "who made the terminal") || !strings.Contains(notes(r), "60.3") {
		t.Errorf("notes: %s", notes(r))
	}
	f := r.Findings[0]
	if !strings.Contains(f.Summary.String(), "key length wrong") || !strings.Contains(f.Summary.String(), "pax") {
		t.Errorf("it does not say why: %s", f.Summary)
	}
	if len(r.Readings) < 8 || r.Readings[0].Causes[0] != diagnose.CauseLengthClass || !hasPage(r, diagnose.SituationError14) {
		t.Errorf("readings: %+v", r.Readings)
	}
}

func hasPage(r diagnose.Report, page string) bool {
	for _, x := range r.Readings {
		if x.Playbook == page {
			return true
		}
	}
	return false
}

func TestNoCodeProvesACause(t *testing.T) {
	said := map[string][]diagnose.Said{}
	for _, row := range dictionaryRows(t) {
		words := row.Code
		if words == "" {
			words = row.Symbol
		}
		said[row.Vendor] = append(said[row.Vendor], diagnose.Said{Text: words, Vendor: row.Vendor})
	}
	ears := hearing(t)
	for vendor, all := range said {
		r := diagnosed(t, diagnose.Case{Said: all, Ears: ears})
		for _, f := range r.Findings {
			if f.Certainty == diagnose.Proven {
				t.Errorf("a code of %s proves %s", vendor, f.Cause)
			}
		}
	}
}

// TestEveryCodeAboutKeysOfANamedVendorHasAFinding: what the dictionary knows, the diagnosis knows.
func TestEveryCodeAboutKeysOfANamedVendorHasAFinding(t *testing.T) {
	ears := hearing(t)
	for _, row := range dictionaryRows(t) {
		if !row.KeyRelated || success(row) || row.Code == "" || row.Vendor == "unionpay" && row.Code == "55" {
			continue
		}
		r := diagnosed(t, diagnose.Case{Said: []diagnose.Said{{Text: row.Code, Vendor: row.Vendor, Table: row.Table}}, Ears: ears})
		if len(r.Findings) == 0 {
			t.Errorf("%s %s (%s) has no finding: %s", row.Vendor, row.Code, row.Meaning, notes(r))
		}
	}
}

func TestTwoTextsThatAgreeMakeACauseLikely(t *testing.T) {
	one := diagnose.Said{Text: "error 0x2905"}
	if f := first(t, diagnosed(t, diagnose.Case{Said: []diagnose.Said{one}})); f.Certainty != diagnose.Possible {
		t.Errorf("one: %s %s", f.Certainty, f.Cause)
	}
	r := diagnosed(t, diagnose.Case{Said: []diagnose.Said{one, {Text: "error -301, PED", Where: "app.log:7"}}})
	if f := first(t, r); f.Certainty != diagnose.Likely || f.Cause != diagnose.CauseEmptySlot || len(f.Evidence.Seen) != 2 {
		t.Errorf("two: %s %s %+v", f.Certainty, f.Cause, f.Evidence.Seen)
	}
}

func TestAKeyThatWasSaidIsNotRepeated(t *testing.T) {
	r := saidCase{Text: "密钥错误14, TMK 0123456789ABCDEF FEDCBA9876543210"}.ask(t, nil)
	raw, err := json.Marshal(r)
	if err != nil || strings.Contains(string(raw), "0123456789ABCDEF") || strings.Contains(string(raw), "FEDCBA98") {
		t.Errorf("%v %s", err, raw)
	}
	if !strings.Contains(notes(r), "looks like a key") || first(t, r).Cause != diagnose.CauseLengthClass {
		t.Errorf("%v %s", causesOf(r), notes(r))
	}
}

func TestAReadingHasItsMembersInJSON(t *testing.T) {
	raw, err := json.Marshal(saidCase{Text: "-314", Vendor: "pax"}.ask(t, nil).Readings[0])
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if err := json.Unmarshal(raw, &got); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]any{"vendor": "pax", "code": "-314", "symbol": "PED_RET_ERR_KEY_LEN_ERR", "meaning": "key length wrong",
		"kind": "key", "certainty": "published", "weight": "high", "playbook": "length-class"} {
		if got[name] != want {
			t.Errorf("%s is %v, want %v", name, got[name], want)
		}
	}
	if causes, ok := got["causes"].([]any); !ok || len(causes) < 2 || causes[0] != "length-class" {
		t.Errorf("causes are %v", got["causes"])
	}
}

func TestAVendorThatNobodyKnowsIsAnError(t *testing.T) {
	c := diagnose.Case{Said: []diagnose.Said{{Text: "14", Vendor: "no such maker"}}}
	if _, err := diagnose.Diagnose(t.Context(), c); err == nil || !strings.Contains(err.Error(), "newland") {
		t.Errorf("%v", err)
	}
	c = diagnose.Case{Line: &diagnose.Line{Refused: []diagnose.Said{{Text: "08", Vendor: "futurex"}}}}
	if _, err := diagnose.Diagnose(t.Context(), c); err != nil {
		t.Errorf("a dialect of the line is no vendor: %v", err)
	}
}

func TestTheSameWordsHaveTheSameAnswer(t *testing.T) {
	ears, others := hearing(t), hearing(t)
	for _, c := range saidCases(t) {
		one, two := c.ask(t, ears), c.ask(t, others)
		if !reflect.DeepEqual(one.Findings, two.Findings) || !reflect.DeepEqual(one.Readings, two.Readings) || notes(one) != notes(two) {
			t.Errorf("%q: %v, then %v", c.Text, causesOf(one), causesOf(two))
		}
	}
}

func FuzzSaid(f *testing.F) {
	for _, c := range saidCases(f) {
		f.Add(c.Text, c.Vendor == "")
	}
	f.Add("A0\x00\xff 0123 4567 89AB CDEF 应答码", true)
	ears := hearing(f)
	f.Fuzz(func(t *testing.T, words string, unknown bool) {
		said := diagnose.Said{Text: words}
		if !unknown {
			said.Vendor = "pax"
		}
		r, err := diagnose.Diagnose(t.Context(), diagnose.Case{Said: []diagnose.Said{said}, Ears: ears})
		if err != nil {
			return
		}
		for _, x := range r.Findings {
			if x.Certainty == diagnose.Proven && x.Evidence.Expected == "" {
				t.Errorf("%q proves %s", words, x.Cause)
			}
		}
		raw, err := json.Marshal(r)
		if raw = regexp.MustCompile(`"(odds|expected_chance_matches)":[^,}]*`).ReplaceAll(raw, nil); err != nil || hexRun(string(raw)) >= 16 {
			t.Errorf("%v %s", err, raw)
		}
	})
}

// hexRun is the longest run of hex digits.
func hexRun(s string) int {
	longest, run := 0, 0
	for _, r := range s {
		if !strings.ContainsRune("0123456789abcdefABCDEF", r) {
			run = 0
			continue
		}
		run++
		longest = max(longest, run)
	}
	return longest
}
