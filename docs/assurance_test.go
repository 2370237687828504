package docs

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"poskey/internal/testvec"
)

// names are the functions and methods that a package's files declare, those of its tests too, on whatever system.
type names map[string]map[string]bool

func (n names) of(t *testing.T, dir string) map[string]bool {
	t.Helper()
	if known, ok := n[dir]; ok {
		return known
	}
	all := map[string]bool{}
	files, err := filepath.Glob(filepath.Join(testvec.Root(t), filepath.FromSlash(dir), "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range parsed.Decls {
			if f, ok := d.(*ast.FuncDecl); ok {
				all[f.Name.Name] = true
			}
		}
	}
	n[dir] = all
	return all
}

// suites are packages whose functions others run, so that any name of theirs proves something.
func suites() []string {
	return []string{"pkg/hsm/hsmtest", "pkg/store/storetest", "pkg/device/devicetest"}
}

// prove looks a proof up: a package with names of tests, a script, or a file of vectors.
func (n names) prove(t *testing.T, where, proof string) {
	t.Helper()
	root := testvec.Root(t)
	words := strings.Fields(proof)
	if len(words) == 1 && strings.HasPrefix(proof, "testdata/vectors/") {
		if _, err := os.Stat(filepath.Join(root, proof)); err != nil {
			t.Errorf("%s: there is no %s", where, proof)
		}
		return
	}
	if len(words) < 2 {
		t.Errorf("%s: %q is no proof: a package and names, or a script", where, proof)
		return
	}
	for _, name := range words[1:] {
		switch {
		case words[0] == "script":
			if _, err := os.Stat(filepath.Join(root, "cmd", "poskey", "testdata", "script", name+".txtar")); err != nil {
				t.Errorf("%s: there is no script %s", where, name)
			}
		case !n.of(t, words[0])[name]:
			t.Errorf("%s: %s has no %s", where, words[0], name)
		case !slices.Contains(suites(), words[0]) && !regexp.MustCompile(`^(Test|Fuzz)[A-Z]`).MatchString(name):
			t.Errorf("%s: %s is no test", where, name)
		}
	}
}

// TestEveryClaimHasItsProof: each row of assurance.md names tests or scripts that are there, and no id stands twice.
func TestEveryClaimHasItsProof(t *testing.T) {
	known, ids := names{}, map[string]bool{}
	rows := read(t, "docs/assurance.md").table("")
	for _, row := range rows {
		if len(row) != 4 {
			t.Fatalf("a row has %d cells: %q", len(row), row)
		}
		id := row[0]
		if ids[id] || !regexp.MustCompile(`^[A-Z]\d+$`).MatchString(id) {
			t.Errorf("%q is no id, or stands twice", id)
		}
		ids[id] = true
		proofs := quoted(row[3])
		if len(proofs) == 0 {
			t.Errorf("%s has no proof", id)
		}
		for _, proof := range proofs {
			known.prove(t, id, proof)
		}
	}
	if len(rows) < 40 {
		t.Fatalf("only %d claims were found", len(rows))
	}
	checkClaimsNamed(t, ids)
}

// checkClaimsNamed: the threat model speaks of claims that there are.
func checkClaimsNamed(t *testing.T, ids map[string]bool) {
	t.Helper()
	named := 0
	for _, row := range read(t, "docs/security.md").table("Who attacks") {
		for _, in := range regexp.MustCompile(`\(([A-Z]\d+(?:, [A-Z]\d+)*)\)`).FindAllStringSubmatch(strings.Join(row, " "), -1) {
			for id := range strings.SplitSeq(in[1], ", ") {
				named++
				if !ids[id] {
					t.Errorf("docs/security.md speaks of the claim %s, which there is not", id)
				}
			}
		}
	}
	if named < 20 {
		t.Fatalf("only %d claims are named in the threat model", named)
	}
}

// TestEveryClauseHasItsPlaceAndProof: each row of standards.md names files or packages, and tests, scripts or vectors that are there.
func TestEveryClauseHasItsPlaceAndProof(t *testing.T) {
	known, root, clauses := names{}, testvec.Root(t), 0
	for _, row := range read(t, "docs/standards.md").table("") {
		if len(row) == 2 { // the marks
			continue
		}
		if len(row) != 5 {
			t.Fatalf("a row has %d cells: %q", len(row), row)
		}
		clauses++
		places, proofs := quoted(row[2]), quoted(row[3])
		if len(places) == 0 || len(proofs) == 0 {
			t.Errorf("%s has no place or no proof", row[0])
		}
		for _, place := range places {
			if _, err := os.Stat(filepath.Join(root, filepath.FromSlash(place))); err != nil {
				t.Errorf("%s: there is no %s", row[0], place)
			}
		}
		for _, proof := range proofs {
			known.prove(t, row[0], proof)
		}
		if !regexp.MustCompile(`\b(confirmed|published|unconfirmed)\b`).MatchString(row[4]) {
			t.Errorf("%s: %q is no mark", row[0], row[4])
		}
	}
	if clauses < 40 {
		t.Fatalf("only %d clauses were found", clauses)
	}
}

// TestNoClauseIsNamedThatNobodySaw: of these standards no public text was seen. Their titles may be named, and no numbers of clauses.
func TestNoClauseIsNamedThatNobodySaw(t *testing.T) {
	clause := regexp.MustCompile(`(JR/T 0120(\.\d)?(-2016)?|GM/T \d{4})[,，:：]? *(§|条|第|clause |article )?\d+\.\d`)
	looked := 0
	for _, dir := range []string{"pkg/assess", "pkg/incident", "docs"} {
		err := filepath.WalkDir(filepath.Join(testvec.Root(t), filepath.FromSlash(dir)), func(path string, d os.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			raw, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			looked++
			if found := clause.Find(raw); found != nil {
				t.Errorf("%s names %q", path, found)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if looked < 100 {
		t.Fatalf("only %d files were looked at", looked)
	}
}
