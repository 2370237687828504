package docs

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"poskey/internal/fault"
	"poskey/internal/testvec"
)

// TestExitCodesOfTheGuideAreThoseOfTheProgram: the table of scripting.md is fault.ExitCodes, kind by kind, and says of each kind
// that may be tried again that it may.
func TestExitCodesOfTheGuideAreThoseOfTheProgram(t *testing.T) {
	rows, table := read(t, "docs/scripting.md").table("Exit codes"), fault.ExitCodes()
	if len(rows) != len(table) {
		t.Fatalf("docs/scripting.md has %d exit codes, the program %d", len(rows), len(table))
	}
	for i, want := range table {
		row := rows[i]
		if row[0] != strconv.Itoa(want.Code) || row[1] != want.Meaning.String() {
			t.Errorf("row %d is %q %q, the program has %d %q", i, row[0], row[1], want.Code, want.Meaning)
		}
		var kinds []string
		for _, kind := range want.Kinds {
			kinds = append(kinds, string(kind))
		}
		if got := quoted(row[2]); !slices.Equal(got, kinds) {
			t.Errorf("exit code %d: the guide has %v, the program %v", want.Code, got, kinds)
		}
		again := strings.Contains(row[3], "yes")
		if some := slices.ContainsFunc(want.Kinds, fault.Kind.Retriable); some != again {
			t.Errorf("exit code %d: the guide says %q, and retriable is %v", want.Code, row[3], some)
		}
	}
}

// TestRetriableKindsOfTheGuideAreThoseOfTheProgram: the sentence about the field "retriable" names each of them.
func TestRetriableKindsOfTheGuideAreThoseOfTheProgram(t *testing.T) {
	var want []string
	for _, row := range fault.ExitCodes() {
		for _, kind := range row.Kinds {
			if kind.Retriable() {
				want = append(want, string(kind))
			}
		}
	}
	for _, row := range read(t, "docs/scripting.md").table("Errors") {
		if row[0] != "`retriable`" {
			continue
		}
		got := quoted(row[1])
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("the guide has %v, the program %v", got, want)
		}
		return
	}
	t.Error("docs/scripting.md does not say what is retriable")
}

// TestFieldsOfTheFormatsAreFieldsOfTheProgram: a name in the table of formats.md that no document of the program has is an old one.
// That every field of a document stands there is held by the scripts of cmd/poskey, on each document that they see.
func TestFieldsOfTheFormatsAreFieldsOfTheProgram(t *testing.T) {
	tags := map[string]bool{}
	tag := regexp.MustCompile(`json:"([a-z0-9_]+)|(?m)^\s+"([a-z0-9_]+)":|\.Set\("([a-z0-9_]+)"`)
	for _, pattern := range []string{"internal/cli/*.go", "internal/render/*.go", "pkg/*/*.go", "pkg/*/*/*.go"} {
		files, err := filepath.Glob(filepath.Join(testvec.Root(t), filepath.FromSlash(pattern)))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			raw, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range tag.FindAllStringSubmatch(string(raw), -1) {
				tags[m[1]+m[2]+m[3]] = true
			}
		}
	}
	looked := 0
	remark := regexp.MustCompile(`\([^()]*\)`)
	field := regexp.MustCompile(`(?:^|[\[{,] ?)([a-z][a-z0-9]*(?:_[a-z0-9]+)+)\??`) // one with an underscore is no word of a sentence
	for _, row := range read(t, "docs/formats.md").table("Formats") {
		if len(row) < 2 {
			continue
		}
		for _, m := range field.FindAllStringSubmatch(remark.ReplaceAllString(row[1], ""), -1) {
			looked++
			if !tags[m[1]] {
				t.Errorf("docs/formats.md, %s: no document has a field %s", row[0], m[1])
			}
		}
	}
	if looked < 60 {
		t.Fatalf("only %d fields were found", looked)
	}
}
