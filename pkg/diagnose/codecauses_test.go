package diagnose_test

// Every code about keys leads to its causes.

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"poskey/pkg/diagnose"
	"poskey/pkg/errorcode"
)

func dictionaryRows(t testing.TB) []errorcode.Row {
	t.Helper()
	d, err := errorcode.Open()
	if err != nil {
		t.Fatal(err)
	}
	return d.Rows()
}

// success reports whether a row about keys tells that all went well: it can lead to no cause.
func success(r errorcode.Row) bool { return strings.Contains(r.Meaning.String(), "injection accepted") }

func TestEveryCodeAboutKeysLeadsToACauseAndAPage(t *testing.T) {
	known, n := diagnose.Causes(), 0
	for _, r := range dictionaryRows(t) {
		causes, page := diagnose.CausesOf(r), diagnose.PlaybookOf(r)
		for i, c := range causes {
			if !slices.Contains(known, c) || slices.Contains(causes[:i], c) {
				t.Errorf("%s %s %s: cause %q is unknown or stands twice", r.Vendor, r.Code, r.Symbol, c)
			}
		}
		if page != "" && !slices.Contains(known, diagnose.Cause(page)) && !slices.Contains([]string{diagnose.SituationCheckFailed,
			diagnose.SituationError14, diagnose.SituationLocked, diagnose.SituationRestartClient}, page) {
			t.Errorf("%s %s: no page %q", r.Vendor, r.Code, page)
		}
		if !r.KeyRelated || success(r) {
			continue
		}
		n++
		if len(causes) == 0 || page == "" {
			t.Errorf("%s %s %s %s (%s) leads to nothing", r.Vendor, r.Table, r.Code, r.Symbol, r.Meaning)
		}
	}
	if n < 450 {
		t.Errorf("%d codes about keys", n)
	}
}

// TestTheCausesOfCodesAreAsReviewed holds the whole map against a file that people read.
func TestTheCausesOfCodesAreAsReviewed(t *testing.T) {
	var b strings.Builder
	for _, r := range dictionaryRows(t) {
		causes := diagnose.CausesOf(r)
		if !r.KeyRelated && len(causes) == 0 && diagnose.PlaybookOf(r) == "" {
			continue
		}
		var names []string
		for _, c := range causes {
			names = append(names, string(c))
		}
		fmt.Fprintf(&b, "%s\t%s\t%s\t%s\t%s\t%s\n", r.Vendor, r.Code, r.Symbol, r.Meaning, strings.Join(names, " "), diagnose.PlaybookOf(r))
	}
	golden(t, "testdata/codecauses.golden", b.String())
}

func golden(t *testing.T, path, got string) {
	t.Helper()
	if os.Getenv("UPDATE_GOLDEN") == "1" {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	was, is := strings.Split(string(want), "\n"), strings.Split(got, "\n")
	for i := range max(len(was), len(is)) {
		if i >= len(was) || i >= len(is) || was[i] != is[i] {
			t.Fatalf("%s differs at line %d; UPDATE_GOLDEN=1 writes it anew, then read what changed", path, i+1)
		}
	}
}

// TestTheCatalogueOfCausesNamesItsCodes holds the codes that root-causes.md gives as a symptom: each is among the causes,
// and where the code belongs to one cause alone it comes first.
func TestTheCatalogueOfCausesNamesItsCodes(t *testing.T) {
	rows := dictionaryRows(t)
	for _, c := range []struct {
		cause  diagnose.Cause
		vendor string
		codes  string
		first  bool
	}{
		{diagnose.CauseKCVLength, "kozen", "-40014", true},
		{diagnose.CauseKCVLength, "sunmi", "-40009", true},
		{diagnose.CauseKCVLength, "thales-payshield", "82", true},
		{diagnose.CauseKCVCheckMode, "pax", "-308 -345", true},
		{diagnose.CauseKCVCheckMode, "kozen", "-40011", true},
		{diagnose.CauseParityRejected, "thales-payshield", "10 11 01", true},
		{diagnose.CauseParityRejected, "pax", "-332", true},
		{diagnose.CauseParityRejected, "ibm-cca", "0/2", true},
		{diagnose.CauseMAKSlot16, "telpo", "2006", true},
		{diagnose.CauseMAKNeedsDoubling, "pax", "-314", false},
		{diagnose.CauseLengthClass, "pax", "-314", true},
		{diagnose.CauseLengthClass, "basewin", "0xFEC6", true},
		{diagnose.CauseLengthClass, "lc610n", "-4514", true},
		{diagnose.CauseLengthClass, "morefun", "-7014", true},
		{diagnose.CauseLengthClass, "newland", "-1314", true},
		{diagnose.CauseLengthClass, "nexgo", "-7008", true},
		{diagnose.CauseLengthClass, "uic-pp791", "71/1", true},
		{diagnose.CauseWrongTransportKey, "telpo", "1013 1014 1015", true},
		{diagnose.CauseSchemeVariant, "thales-payshield", "26 28 29 A1 A4", true},
		{diagnose.CauseZMKLengthSetting, "thales-payshield", "10", false},
		{diagnose.CauseKSNMismatch, "kozen", "-40214 65223", true},
		{diagnose.CauseWeakKey, "ped-300-family", "-335", true},
		{diagnose.CauseWeakKey, "basewin", "0xFEB1", true},
		{diagnose.CauseWeakKey, "lc610n", "-4535", true},
		{diagnose.CauseWeakKey, "thales-payshield", "75", true},
		{diagnose.CauseWeakKey, "thales-payshield", "11", false},
		{diagnose.CauseDuplicateValue, "ped-300-family", "-336", true},
		{diagnose.CauseDuplicateValue, "basewin", "0xFEB0", true},
		{diagnose.CauseDuplicateValue, "lc610n", "-4536", true},
		{diagnose.CauseDuplicateValue, "castles", "0x2913", true},
		{diagnose.CauseDuplicateValue, "uic-pp791", "02/2", true},
		{diagnose.CauseDuplicateValue, "newland", "-1702", true},
		{diagnose.CauseDuplicateValue, "magtek-dynapro", "0x96", true},
		{diagnose.CauseDuplicateValue, "verifone-adk", "0x00120026", true},
		{diagnose.CauseWeakProtector, "uic-pp791", "02/B", true},
		{diagnose.CauseWeakProtector, "newland", "-1705", true},
		{diagnose.CauseWeakProtector, "ped-300-family", "-411", true},
		{diagnose.CauseSourceLevel, "pax", "-303 -310 -313 -326", true},
		{diagnose.CauseEmptySlot, "pax", "-301", true},
		{diagnose.CauseEmptySlot, "newland", "-1309", true},
		{diagnose.CauseEmptySlot, "sunmi", "-40014", true},
		{diagnose.CauseEmptySlot, "castles", "0x2905", true},
		{diagnose.CauseEmptySlot, "uic-pp791", "71/9", true},
		{diagnose.CauseEmptySlot, "verifone-adk", "96 97", true},
		{diagnose.CauseWrongSlot, "pax", "-302 -312", true},
		{diagnose.CauseWrongSlot, "ped-300-family", "-338", true},
		{diagnose.CauseWrongSlot, "sunmi", "-40010", true},
		{diagnose.CauseWrongSlot, "verifone-adk", "40", true},
		{diagnose.CauseTamper, "pax", "-320", true},
		{diagnose.CauseTamper, "newland", "-4005", true},
		{diagnose.CauseTamper, "verifone-adk", "101", true},
		{diagnose.CauseTamper, "magtek-dynapro", "0x87", true},
		{diagnose.CauseKeyService, "sunmi", "-70004 -70005", true},
		{diagnose.CauseWrongBinding, "unionpay", "97 03 58", true},
		{diagnose.CauseKeysRolled, "unionpay", "A0 99 77", true},
		{diagnose.CauseMACRule, "unionpay", "A0", false},
		{diagnose.CausePINBlock, "unionpay", "55", true},
		{diagnose.CausePINBlock, "unionpay", "99", false},
	} {
		for code := range strings.FieldsSeq(c.codes) {
			n := 0
			for _, r := range rows {
				if r.Vendor != c.vendor || r.Code != code {
					continue
				}
				n++
				causes := diagnose.CausesOf(r)
				if !slices.Contains(causes, c.cause) || c.first && causes[0] != c.cause {
					t.Errorf("%s %s leads to %v, want %s (first: %v)", c.vendor, code, causes, c.cause, c.first)
				}
			}
			if n == 0 {
				t.Errorf("the dictionary has no %s %s", c.vendor, code)
			}
		}
	}
}

func TestCodesThatAreNoneOfAKeyLeadToNothing(t *testing.T) {
	for _, r := range dictionaryRows(t) {
		card := r.Kind == errorcode.Card || r.Vendor == "thales-payshield" && r.Code == "14" || r.Vendor == "unionpay" && r.Code == "75"
		if card && (len(diagnose.CausesOf(r)) > 0 || diagnose.PlaybookOf(r) != "") {
			t.Errorf("%s %s (%s): %v %s", r.Vendor, r.Code, r.Meaning, diagnose.CausesOf(r), diagnose.PlaybookOf(r))
		}
	}
}
