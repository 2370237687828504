package house

import (
	"go/ast"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"poskey/internal/testvec"
)

// listedInMakefile gives the words of a variable.
func listedInMakefile(t *testing.T, name string) []string {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(testvec.Root(t), "Makefile"))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(raw)) {
		if words := strings.Fields(line); len(words) > 2 && words[0] == name && words[1] == ":=" {
			return words[2:]
		}
	}
	t.Fatalf("the Makefile has no %s", name)
	return nil
}

// TestWhatRunsWithoutTheRaceDetectorStartsNoGoroutine: else make test must watch it.
func TestWhatRunsWithoutTheRaceDetectorStartsNoGoroutine(t *testing.T) {
	all, seen := listedInMakefile(t, "SEQUENTIAL"), map[string]bool{}
	for _, s := range sources(t) {
		if !slices.Contains(all, path.Dir(s.path)) {
			continue
		}
		seen[path.Dir(s.path)] = true
		ast.Inspect(s.file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.GoStmt:
				t.Errorf("%s starts a goroutine", s.at(n))
			case *ast.SelectorExpr:
				if slices.Contains([]string{"Go", "Parallel", "AfterFunc"}, n.Sel.Name) {
					t.Errorf("%s: %s starts a goroutine", s.at(n), n.Sel.Name)
				}
			}
			return true
		})
	}
	for _, name := range all {
		if !seen[name] {
			t.Errorf("there is no package %s", name)
		}
	}
}

// TestUnwatchedLibrariesHaveNoGenericFunctions: the linker would take their copies, in which nothing is watched, for ours.
func TestUnwatchedLibrariesHaveNoGenericFunctions(t *testing.T) {
	all := listedInMakefile(t, "UNWATCHED")
	args := []string{"list", "-race", "-export", "-f", "{{.Export}}"}
	for _, name := range all {
		args = append(args, "-gcflags="+name+"=-race=false")
	}
	files := strings.Fields(output(t, append(args, all...)...))
	if len(files) != len(all) {
		t.Fatalf("%d libraries, %d are compiled", len(all), len(files))
	}
	for i, file := range files {
		functions := 0
		for line := range strings.Lines(output(t, "tool", "nm", file)) {
			_, symbol, ok := strings.Cut(line, " T ")
			if !ok {
				continue
			}
			functions++
			if !strings.HasPrefix(symbol, "type:") && strings.Contains(symbol, "[") {
				t.Errorf("%s has %s", all[i], strings.TrimSpace(symbol))
			}
		}
		if functions == 0 {
			t.Errorf("%s has no functions", all[i])
		}
	}
}

func output(t *testing.T, args ...string) string {
	t.Helper()
	c := exec.Command("go", args...)
	c.Dir = testvec.Root(t)
	out, err := c.Output()
	if err != nil {
		t.Fatalf("go %s: %v", strings.Join(args, " "), err)
	}
	return string(out)
}
