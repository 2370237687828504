package cli

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"poskey/internal/testvec"
	"poskey/internal/text"
	"poskey/pkg/diagnose"
)

// fieldsOf gives every field of a type by its place: checks.search.
func fieldsOf(path string, shape reflect.Type, all map[string]bool) {
	for shape.Kind() == reflect.Pointer || shape.Kind() == reflect.Slice {
		shape = shape.Elem()
	}
	if shape.Kind() != reflect.Struct {
		return
	}
	for i := range shape.NumField() {
		at := strings.TrimPrefix(path+"."+shape.Field(i).Tag.Get("json"), ".")
		all[at] = true
		fieldsOf(at, shape.Field(i).Type, all)
	}
}

func factsFields() map[string]bool {
	all := map[string]bool{}
	fieldsOf("", reflect.TypeFor[factsDoc](), all)
	return all
}

// TestFieldsOfFactsAreThoseOfTheDocument: the table of docs/formats/facts.md has every field that is read, and no other.
func TestFieldsOfFactsAreThoseOfTheDocument(t *testing.T) {
	page, err := os.ReadFile(filepath.Join(testvec.Root(t), "docs", "formats", "facts.md"))
	if err != nil {
		t.Fatal(err)
	}
	listed := map[string]bool{}
	for _, row := range regexp.MustCompile("(?m)^\\| `([a-z_]+)` \\| (.*) \\|$").FindAllStringSubmatch(string(page), -1) {
		listed[row[1]] = true
		for _, word := range regexp.MustCompile("`([a-z_0-9]+)`").FindAllStringSubmatch(row[2], -1) {
			listed[row[1]+"."+word[1]] = true
		}
	}
	fields := factsFields()
	for field := range fields {
		if !listed[field] {
			t.Errorf("docs/formats/facts.md does not have %s", field)
		}
	}
	for field := range listed {
		if !fields[field] {
			t.Errorf("docs/formats/facts.md has %s, which is not read", field)
		}
	}
}

// TestFieldsOfTheAnswerAreThoseOfTheDocument: the last paragraph of docs/formats/facts.md names what a report has.
func TestFieldsOfTheAnswerAreThoseOfTheDocument(t *testing.T) {
	page, err := os.ReadFile(filepath.Join(testvec.Root(t), "docs", "formats", "facts.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, answer, found := strings.Cut(string(page), "\nThe answer is ")
	if !found {
		t.Fatal("docs/formats/facts.md does not tell of the answer")
	}
	listed := map[string]bool{}
	for _, word := range regexp.MustCompile("`([a-z_]+)`").FindAllStringSubmatch(answer, -1) {
		listed[word[1]] = true
	}
	raw, err := json.Marshal(diagnose.Report{NextStep: text.Raw("x"), RuledOut: []diagnose.Ruling{{}}, Notes: []text.Text{text.Raw("x")},
		Findings: []diagnose.Finding{{Also: "x"}}, Keys: []diagnose.KeyResult{{}}, Variants: []diagnose.Variant{{}},
		Readings: []diagnose.Reading{{}}})
	if err != nil {
		t.Fatal(err)
	}
	var report any
	if err := json.Unmarshal(raw, &report); err != nil {
		t.Fatal(err)
	}
	used, there := map[string]bool{}, []string{}
	usedIn("", report, used)
	for at := range used {
		over, name, nested := strings.Cut(at, ".")
		switch {
		case !nested:
			there = append(there, over)
		case (over == "findings" || over == "ruled_out") && !strings.Contains(name, "."):
			there = append(there, name)
		}
	}
	for _, field := range there {
		if !listed[field] {
			t.Errorf("docs/formats/facts.md does not have %s of the answer", field)
		}
	}
	for field := range listed {
		if !slices.Contains(there, field) {
			t.Errorf("docs/formats/facts.md has %s, which no answer has", field)
		}
	}
}

// TestEveryFieldOfFactsStandsInADocumentThatRuns: the scripts of cmd/poskey give each to the command.
func TestEveryFieldOfFactsStandsInADocumentThatRuns(t *testing.T) {
	scripts, err := filepath.Glob(filepath.Join(testvec.Root(t), "cmd", "poskey", "testdata", "script", "*.txtar"))
	if err != nil {
		t.Fatal(err)
	}
	used := map[string]bool{}
	for _, script := range scripts {
		raw, err := os.ReadFile(script)
		if err != nil {
			t.Fatal(err)
		}
		archive := txtar.Parse(raw)
		for _, f := range archive.Files {
			var doc any
			runs := strings.Contains(string(archive.Comment), "--facts "+f.Name)
			if runs && json.Unmarshal(f.Data, &doc) == nil && strings.Contains(string(f.Data), factsSchema) {
				usedIn("", doc, used)
			}
		}
	}
	missing := []string{}
	for field := range factsFields() {
		if !used[field] {
			missing = append(missing, field)
		}
	}
	slices.Sort(missing)
	if len(missing) > 0 {
		t.Errorf("no script of cmd/poskey gives --facts: %s", strings.Join(missing, " "))
	}
}

func usedIn(path string, v any, used map[string]bool) {
	switch v := v.(type) {
	case map[string]any:
		for name, inner := range v {
			at := strings.TrimPrefix(path+"."+name, ".")
			used[at] = true
			usedIn(at, inner, used)
		}
	case []any:
		for _, inner := range v {
			usedIn(path, inner, used)
		}
	}
}

func TestFactsAreReadStrictly(t *testing.T) {
	for doc, want := range map[string]string{
		`{"schema":"poskey.facts/v1","chekcs":[]}`:                         "chekcs: unknown field",
		`{"schema":"poskey.facts/v1","Checks":[]}`:                         "Checks: unknown field",
		`{"checks":[{"algorithm":"tdes-128"},{"got":"8D0A74","serch":1}]}`: "checks[1].serch: unknown field",
		`{"checks":[{"got":"8D0A74","got":"43C6CC"}]}`:                     "checks[0].got: the field stands there twice",
		`{"log":"a","checks":[],"log":"b"}`:                                "log: the field stands there twice",
		`{"checks":[{"search":"2"}]}`:                                      "checks[0].search: it takes integer",
		`{"checks":[{"search":2.5}]}`:                                      "checks[0].search: it takes integer",
		`{"checks":{"got":"8D0A74"}}`:                                      "checks: it takes array",
		`{"sign_in":{"tmk":"store:TMK-1"}}`:                                "sign_in.tmk: it takes array",
		`{"sign_in":{"shown":{"PIN":"8D0A74"}}}`:                           "sign_in.shown.PIN: unknown field",
		`{"sign_in":{"shown":{"PIK":"8D0A74","PIK":"8D0A74"}}}`:            "sign_in.shown.PIK: the field stands there twice",
		`{"block":[]}`:                           "block: it takes object",
		`{"said":[{"text":14}]}`:                 "said[0].text: it takes string",
		`[]`:                                     "$: it takes object",
		`{"0123456789ABCDEFFEDCBA9876543210":1}`: "(32 characters): unknown field",
		`{"schema":"poskey.facts/v1","block":null,"checks":[{"search":null}]}`:      "",
		`{"schema":"poskey.facts/v1","checks":[{"search":2,"parts":["prompt"]}]}`:   "",
		`{"schema":"poskey.facts/v1","sign_in":{"shown":{"PIK":"1","MAK":"2"}}}`:    "",
		`{"schema":"poskey.facts/v1","device":{"address":"visa+tcp://127.0.0.1:1"}`: "",
	} {
		got := ""
		if err := strictFacts([]byte(doc), reflect.TypeFor[factsDoc]()); err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%s: %q, want %q", doc, got, want)
		}
	}
}

// TestADUKPTKeyIsWantedByItsKeySerialNumberAlone: the sheet of a PIN pad often has no more.
func TestADUKPTKeyIsWantedByItsKeySerialNumberAlone(t *testing.T) {
	const ksn = "FFFF9876543210E00000"
	got, err := factsWanted{Slot: "90", KSN: ksn}.fact()
	if err != nil || got.KSN != ksn || got.Check.Digits != "" {
		t.Errorf("%+v: %v", got, err)
	}
	for _, w := range []factsWanted{{Slot: "90"}, {Slot: "90", KSN: ksn, Check: "12"}, {Slot: "90", KSN: "1234"}} {
		if got, err := w.fact(); err == nil {
			t.Errorf("%+v is taken: %+v", w, got)
		}
	}
}

// FuzzStrictFacts: what is no document of facts is an error at most.
func FuzzStrictFacts(f *testing.F) {
	f.Add([]byte(`{"schema":"poskey.facts/v1","checks":[{"search":2}]}`))
	f.Add([]byte(`{"a":`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		if strictFacts(raw, reflect.TypeFor[factsDoc]()) != nil {
			return
		}
		var doc factsDoc
		d := json.NewDecoder(strings.NewReader(string(raw)))
		d.DisallowUnknownFields()
		if err := d.Decode(&doc); err != nil && strings.Contains(err.Error(), "unknown field") {
			t.Errorf("%q: %v", raw, err)
		}
	})
}
