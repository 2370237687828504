package script

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"poskey/internal/testvec"
)

// page is docs/formats/ceremony.md.
func page(t *testing.T) (path, text string) {
	t.Helper()
	path = filepath.Join(testvec.Root(t), "docs", "formats", "ceremony.md")
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return path, string(raw)
}

// verbRows is the table of verbs as the page has it.
func verbRows() string {
	var b strings.Builder
	for _, v := range Verbs() {
		by := string(v.Actor)
		if v.Custodian {
			by = strings.TrimPrefix(by+", custodian", ", ")
		}
		fields := strings.Join(v.Needs, "*, ")
		if len(v.Needs) > 0 {
			fields += "*"
		}
		if fields != "" && len(v.May) > 0 {
			fields += ", "
		}
		mark := ""
		if v.Irreversible {
			mark = " !"
		}
		fmt.Fprintf(&b, "| `%s`%s | %s | %s | %s | %s |\n", v.Verb, mark, by, fields+strings.Join(v.May, ", "), v.Says, strings.Join(v.Requirements, ", "))
	}
	return b.String()
}

func kindRows() string {
	var b strings.Builder
	for _, k := range Kinds() {
		var steps []string
		for _, anyOf := range k.Steps {
			steps = append(steps, strings.Join(names(anyOf), " or "))
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", k.Kind, strings.Join(steps, ", "), strings.Join(names(k.Source), " or "), k.Says)
	}
	return b.String()
}

// between gives what stands on the page between two marks, and the page with it replaced.
func between(t *testing.T, text, from, to, with string) (was, now string) {
	t.Helper()
	_, rest, ok := strings.Cut(text, from)
	was, after, ok2 := strings.Cut(rest, to)
	if !ok || !ok2 {
		t.Fatalf("the page has no %q", from)
	}
	return was, strings.TrimSuffix(text, rest) + with + to + after
}

// The page shows the tables and the example as they are; UPDATE_GOLDEN=1 writes them anew.
func TestThePageIsTrue(t *testing.T) {
	path, text := page(t)
	example, err := New(ZMKExchange, Wish{Parts: 2})
	if err != nil {
		t.Fatal(err)
	}
	want := text
	_, want = between(t, want, "| verb | by | fields | what | PCI PIN |\n|---|---|---|---|---|\n", "\n## Order", verbRows())
	_, want = between(t, want, "| kind | steps | source | what |\n|---|---|---|---|\n", "\n## Rules", kindRows())
	_, want = between(t, want, "```yaml\n", "```\n", string(example))
	if os.Getenv("UPDATE_GOLDEN") == "1" {
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		text = want
	}
	if text != want {
		t.Error("docs/formats/ceremony.md is not what the code says; UPDATE_GOLDEN=1 writes it anew")
	}
}

func TestEveryRuleAndFieldStandsOnThePage(t *testing.T) {
	_, text := page(t)
	for _, r := range rulesInSource(t) {
		row := ""
		for _, line := range strings.Split(text, "\n") {
			id, _, _ := strings.Cut(strings.TrimPrefix(line, "| "), " |")
			for _, one := range strings.Split(id, ", ") {
				if one == r.id {
					row = line
				}
			}
		}
		if row == "" || r.number != "" && !strings.Contains(row, "| "+r.number+" |") {
			t.Errorf("%s (%s) does not stand on the page: %q", r.id, r.number, row)
		}
	}
	for _, field := range strings.Fields("schema kind environment title purpose organisation place starts people roles keys steps id name employee " +
		"manager card partner algorithm usage mode exportability source label check scheme threshold parts outputs number custodian former bag " +
		"outer channel serial_by file kbpk version device slot do by text item expect method minutes primary backup") {
		if !strings.Contains(text, field) {
			t.Errorf("the field %s does not stand on the page", field)
		}
	}
}
