package errorcode

import (
	"slices"
	"strings"
	"testing"

	"poskey/internal/fault"
	"poskey/internal/text"
)

func open(t testing.TB) *Dictionary {
	t.Helper()
	d, err := Open()
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestTheTablesHaveTheRowsThatTheyAreKnownFor(t *testing.T) {
	want := map[string][3]int{ // rows, about keys, inferred
		"basewin": {57, 28, 3}, "castles": {35, 16, 0}, "fiserv-sitef": {3, 3, 0}, "gicc": {3, 2, 0}, "ibm-cca": {7, 6, 0},
		"iso8583-1987": {81, 2, 0}, "iso8583-1993": {71, 8, 0}, "kozen": {41, 32, 0}, "landi": {33, 17, 33}, "lc610n": {86, 38, 25},
		"magtek-dynapro": {11, 5, 0}, "morefun": {44, 21, 44}, "newland": {34, 18, 0}, "nexgo": {13, 3, 0}, "pagarme-mpos": {1, 1, 0},
		"pax": {46, 23, 0}, "payshield": {104, 70, 0}, "ped-300-family": {39, 15, 32}, "pkcs11": {95, 25, 0}, "postilion": {3, 1, 0},
		"screen-texts": {16, 15, 2}, "sunmi": {27, 15, 0}, "telpo": {14, 10, 0}, "uic-pp791": {15, 13, 0}, "unionpay-de39": {56, 7, 0},
		"verifone-adk": {252, 107, 121}, "visa": {6, 1, 0}, "xinguodu": {7, 5, 0},
	}
	names, rows := tablesOf(t)
	if len(names) != 28 || len(want) != 28 {
		t.Fatalf("%d files, %d known", len(names), len(want))
	}
	for _, name := range names {
		var got [3]int
		for _, r := range rows[name] {
			got[0]++
			if r.KeyRelated {
				got[1]++
			}
			if r.Certainty == Inferred {
				got[2]++
			}
		}
		if got != want[name] {
			t.Errorf("%s has %v rows, key-related, inferred; want %v", name, got, want[name])
		}
	}
}

func TestEveryRowIsInTheDictionaryAsTheTableHasIt(t *testing.T) {
	d := open(t)
	names, tables := tablesOf(t)
	all, n := d.Rows(), 0
	for _, name := range names {
		for _, want := range tables[name] {
			got := all[n]
			n++
			same := got.Vendor == want.Vendor && got.Table == want.Table && got.Code == want.Code && got.Symbol == want.Symbol &&
				got.HasValue == (want.Value != nil) && (want.Value == nil || got.Value == *want.Value) && got.Kind == want.Kind &&
				got.KeyRelated == want.KeyRelated && got.Source == want.Source && got.Certainty == want.Certainty
			words, ok := got.Meaning.Args[0].(text.Words)
			if !same || !ok || words.EN != want.EN || words.ZH != want.ZH {
				t.Errorf("%s: %+v is in the dictionary as %+v", name, want, got)
			}
		}
	}
	if n != 1200 || len(all) != n {
		t.Errorf("%d rows in the tables, %d in the dictionary, want 1200", n, len(all))
	}
}

func TestARowIsNamedByVendorTableCodeAndSymbol(t *testing.T) {
	seen := map[[4]string]bool{}
	kinds := []Kind{Key, PIN, MAC, Device, Comm, Auth, Card, Other}
	for _, r := range open(t).Rows() {
		id := [4]string{r.Vendor, r.Table, r.Code, r.Symbol}
		if seen[id] {
			t.Errorf("%v is there twice", id)
		}
		seen[id] = true
		if r.Source == "" || r.Meaning.String() == "" || r.Code+r.Symbol == "" || !slices.Contains(kinds, r.Kind) {
			t.Errorf("%v lacks something: %+v", id, r)
		}
	}
}

func TestTablesAndVendorsAddUp(t *testing.T) {
	d := open(t)
	rows, seen := 0, map[[2]string]bool{}
	for _, table := range d.Tables() {
		id := [2]string{table.Vendor, table.Name}
		if seen[id] || table.Rows == 0 || table.KeyRelated > table.Rows || table.Inferred > table.Rows {
			t.Errorf("table %+v", table)
		}
		seen[id] = true
		rows += table.Rows
	}
	vendors := d.Vendors()
	of := 0
	for i, v := range vendors {
		of += v.Rows
		if v.Name.IsZero() || i > 0 && vendors[i-1].ID >= v.ID {
			t.Errorf("vendor %+v behind %+v", v, vendors[max(0, i-1)])
		}
		for _, table := range v.Tables {
			if !seen[[2]string{v.ID, table}] {
				t.Errorf("vendor %s has no table %q", v.ID, table)
			}
		}
	}
	if rows != 1200 || of != 1200 || len(vendors) != len(vendorNames()) {
		t.Errorf("%d rows in tables, %d of vendors; %d vendors, %d names", rows, of, len(vendors), len(vendorNames()))
	}
	for _, v := range vendorNames() {
		if !slices.ContainsFunc(vendors, func(o Vendor) bool { return o.ID == v.id }) {
			t.Errorf("%s has a name and no table", v.id)
		}
	}
}

// TestARowsOwnCodeFindsItFirst: with the vendor, by code and by symbol. Two codes of Verifone carry two symbols
// each, and a number may be printed by two tables of a vendor: then the first reading has the same code.
func TestARowsOwnCodeFindsItFirst(t *testing.T) {
	d := open(t)
	n := 0
	for _, r := range d.Rows() {
		questions := []string{r.Code, r.Symbol}
		if lower := strings.ToLower(r.Code); lower != r.Code {
			questions = append(questions, lower)
		}
		for _, asked := range questions {
			if asked == "" {
				continue
			}
			n++
			a, err := d.Look(Query{Text: asked, Vendor: r.Vendor})
			if err != nil || len(a.Readings) == 0 {
				t.Errorf("%s %q: %v, %d readings", r.Vendor, asked, err, len(a.Readings))
				continue
			}
			first := a.Readings[0]
			if first.Weight != High || !strings.EqualFold(first.Code, asked) && !strings.EqualFold(first.Symbol, asked) {
				t.Errorf("%s %q finds %s %q %s %s first", r.Vendor, asked, first.Table, first.Code, first.Symbol, first.Weight)
			}
			if !slices.ContainsFunc(a.Readings, func(o Reading) bool { return same(o.Row, r) }) {
				t.Errorf("%s %q does not find %s %s", r.Vendor, asked, r.Table, r.Symbol)
			}
		}
	}
	if n < 1800 {
		t.Fatalf("only %d questions", n)
	}
}

func same(a, b Row) bool {
	return a.Vendor == b.Vendor && a.Table == b.Table && a.Code == b.Code && a.Symbol == b.Symbol
}

func TestARowsOwnMeaningFindsIt(t *testing.T) {
	d := open(t)
	for _, r := range d.Rows() {
		words := r.Meaning.Args[0].(text.Words)
		for _, asked := range []string{words.EN, words.ZH} {
			a, err := d.Look(Query{Text: asked, Vendor: r.Vendor, Table: r.Table})
			if err != nil {
				t.Fatal(err)
			}
			if !slices.ContainsFunc(a.Readings, func(o Reading) bool { return same(o.Row, r) }) {
				t.Errorf("%s %s %s: %q", r.Vendor, r.Code, r.Symbol, asked)
			}
		}
	}
}

func TestABrokenDictionaryIsABug(t *testing.T) {
	whole := "t\tpax\tPED\ns\tfrom\nr\t-314\tX\tkey\tK\tkey length\t密钥长度\n"
	if d, err := read(whole); err != nil || len(d.rows) != 1 {
		t.Fatalf("%v", err)
	}
	for _, broken := range []string{
		"", "t\tpax\tPED\n", whole[:len(whole)-1], "r" + whole, strings.Replace(whole, "s\tfrom\n", "", 1),
		strings.Replace(whole, "t\tpax\tPED\n", "", 1), strings.Replace(whole, "\tK\t", "\t", 1), whole + "x\n", whole + "\n",
		strings.Replace(whole, "-314", "-3\t14", 1), whole + "r\t1\t2\n",
	} {
		if d, err := read(broken); !fault.Is(err, fault.Bug) || d != nil {
			t.Errorf("%q: %v", broken, err)
		}
	}
}

func TestFamiliesSayHowTheirRowsAreNumbered(t *testing.T) {
	d := open(t)
	byID := map[string]family{}
	for _, n := range numberings() {
		byID[n.ID] = n.family
	}
	n := 0
	for i := range d.rows {
		e := &d.rows[i]
		if e.family == none {
			continue
		}
		n++
		f := byID[d.families[e.family].ID]
		code := f.code(int64(e.ordinal))
		if !slices.Contains(f.Vendors, e.vendor) || code != e.value && code+1<<16 != e.value {
			t.Errorf("%s %s is ordinal %d of %s, whose code is %d", e.vendor, e.code, e.ordinal, f.ID, code)
		}
	}
	if n < 350 {
		t.Errorf("only %d rows have an ordinal", n)
	}
}
