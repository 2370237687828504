package errorcode

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// published is a row as the files in tables hold it.
type published struct {
	Vendor     string    `json:"vendor"`
	Table      string    `json:"table"`
	Code       string    `json:"code"`
	Value      *int64    `json:"value"`
	Symbol     string    `json:"symbol"`
	EN         string    `json:"meaning_en"`
	ZH         string    `json:"meaning_zh"`
	Kind       Kind      `json:"kind"`
	KeyRelated bool      `json:"key_related"`
	Source     string    `json:"source"`
	Certainty  Certainty `json:"certainty"`
}

// tablesOf reads the files, in the order of their names.
func tablesOf(t testing.TB) (names []string, rows map[string][]published) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("tables", "*.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("the tables are missing: %v", err)
	}
	slices.Sort(files)
	rows = map[string][]published{}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		d := json.NewDecoder(strings.NewReader(string(raw)))
		d.DisallowUnknownFields()
		var of []published
		if err := d.Decode(&of); err != nil || len(of) == 0 {
			t.Fatalf("%s: %v, %d rows", file, err, len(of))
		}
		name := strings.TrimSuffix(filepath.Base(file), ".json")
		names, rows[name] = append(names, name), of
	}
	return names, rows
}

// compact writes the tables in the form that the program carries.
func compact(t testing.TB) string {
	t.Helper()
	names, rows := tablesOf(t)
	var b strings.Builder
	write := func(fields ...string) {
		for _, f := range fields {
			if strings.ContainsAny(f, "\t\n\r") {
				t.Fatalf("a tab or a line's end in %q", f)
			}
		}
		b.WriteString(strings.Join(fields, "\t") + "\n")
	}
	vendor, table, source := "", "", ""
	for _, name := range names {
		for _, r := range rows[name] {
			if r.Vendor != vendor || r.Table != table {
				vendor, table = r.Vendor, r.Table
				write("t", vendor, table)
			}
			if r.Source != source {
				source = r.Source
				write("s", source)
			}
			marks := ""
			if r.KeyRelated {
				marks = "K"
			}
			if r.Certainty == Inferred {
				marks += "I"
			}
			if marks == "" {
				marks = "-"
			}
			write("r", r.Code, r.Symbol, string(r.Kind), marks, r.EN, r.ZH)
		}
	}
	return b.String()
}

func TestTheProgramCarriesTheTablesAsTheyAre(t *testing.T) {
	want := compact(t)
	if os.Getenv("UPDATE_GOLDEN") == "1" {
		if err := os.WriteFile("dictionary.txt", []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if dictionary != want {
		t.Fatal("dictionary.txt is not what tables/*.json say; UPDATE_GOLDEN=1 writes it anew")
	}
}
