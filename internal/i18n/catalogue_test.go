package i18n

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"sort"
	"strconv"
	"strings"
	"testing"
	"unicode"

	"poskey/internal/testvec"
)

// use is one place in the code where a text for people stands.
type use struct {
	place  string // file:line
	format string
	args   int // -1: handed on with ...
}

// formatAt tells for which argument of which function the format of a text is asked.
func formatAt(pkg, name string) (at int, ok bool) {
	switch pkg + "." + name {
	case "text.New":
		return 0, true
	case "fault.New", "fault.Wrap":
		return 1, true
	case "fault.WrapAs":
		return 2, true
	}
	return 0, false
}

// collect reads every non-test file of the module. Formats that are not literals are reported: the catalogue could not
// know them.
func collect(t *testing.T) []use {
	t.Helper()
	root := testvec.Root(t)
	var uses []use
	files := 0
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "testdata" || strings.HasPrefix(d.Name(), ".") && path != root):
			return filepath.SkipDir
		case d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go"):
			return nil
		}
		files++
		fset := token.NewFileSet()
		file, err := parser.ParseFile(fset, path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, path)
		uses = append(uses, usesIn(t, fset, file, filepath.ToSlash(rel))...)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if files < 100 || len(uses) < 500 {
		t.Fatalf("only %d files with %d texts were found", files, len(uses))
	}
	return uses
}

func usesIn(t *testing.T, fset *token.FileSet, file *ast.File, path string) []use {
	t.Helper()
	names := packageNames(file)
	var uses []use
	ast.Inspect(file, func(n ast.Node) bool {
		if lit, ok := n.(*ast.CompositeLit); ok && len(lit.Elts) > 0 && !mayBuildTexts(path) {
			if sel, ok := lit.Type.(*ast.SelectorExpr); ok && sel.Sel.Name == "Text" && names[ident(sel.X)] == "text" {
				t.Errorf("%s: a text is made without text.New, so nobody can translate it", fset.Position(lit.Pos()))
			}
		}
		call, ok := n.(*ast.CallExpr)
		if !ok {
			return true
		}
		sel, ok := call.Fun.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		at, ours := formatAt(names[ident(sel.X)], sel.Sel.Name)
		isT := sel.Sel.Name == "T" && len(call.Args) > 0
		if !ours && !isT {
			return true
		}
		place := fmt.Sprintf("%s:%d", path, fset.Position(call.Pos()).Line)
		format, literal := literalOf(call.Args[at])
		switch {
		case literal:
			u := use{place, format, len(call.Args) - at - 1}
			if call.Ellipsis.IsValid() {
				u.args = -1
			}
			uses = append(uses, u)
		case ours && !mayBuildTexts(path):
			t.Errorf("%s: the format of %s.%s is not a literal, so nobody can translate it", place, ident(sel.X), sel.Sel.Name)
		}
		return true
	})
	return uses
}

// mayBuildTexts: the packages that texts go through.
func mayBuildTexts(path string) bool {
	return path == "internal/text/text.go" || path == "internal/fault/fault.go" || path == "internal/i18n/i18n.go"
}

// packageNames maps the names under which a file knows our packages to these.
func packageNames(file *ast.File) map[string]string {
	names := map[string]string{}
	for _, imp := range file.Imports {
		path, _ := strconv.Unquote(imp.Path.Value)
		own, ok := strings.CutPrefix(path, "poskey/internal/")
		if !ok || own != "text" && own != "fault" {
			continue
		}
		name := own
		if imp.Name != nil {
			name = imp.Name.Name
		}
		names[name] = own
	}
	return names
}

func ident(e ast.Expr) string {
	if id, ok := e.(*ast.Ident); ok {
		return id.Name
	}
	return ""
}

// literalOf gives the value of a string literal, also of one put together with +.
func literalOf(e ast.Expr) (string, bool) {
	switch v := e.(type) {
	case *ast.BasicLit:
		s, err := strconv.Unquote(v.Value)
		return s, err == nil && v.Kind == token.STRING
	case *ast.BinaryExpr:
		a, okA := literalOf(v.X)
		b, okB := literalOf(v.Y)
		return a + b, okA && okB && v.Op == token.ADD
	case *ast.ParenExpr:
		return literalOf(v.X)
	}
	return "", false
}

var (
	directive = regexp.MustCompile(`%([+\-# 0]*)(?:\[(\d+)\])?(\d*(?:\.\d*)?)([a-zA-Z%])`)
	percent   = regexp.MustCompile(`%`)
)

// verbsOf lists for each argument, from 1, the directives that print it, without their indexes.
func verbsOf(format string) (map[int][]string, error) {
	verbs, next, found := map[int][]string{}, 1, 0
	for _, m := range directive.FindAllStringSubmatch(format, -1) {
		found += strings.Count(m[0], "%")
		if m[4] == "%" {
			if m[0] != "%%" {
				return nil, fmt.Errorf("%q is not %%%%", m[0])
			}
			continue
		}
		if m[2] != "" {
			next, _ = strconv.Atoi(m[2])
		}
		verbs[next] = append(verbs[next], "%"+m[1]+m[3]+m[4])
		next++
	}
	if found != len(percent.FindAllString(format, -1)) {
		return nil, errors.New("a % begins no directive")
	}
	for _, all := range verbs {
		sort.Strings(all)
	}
	return verbs, nil
}

func argsOf(verbs map[int][]string) int {
	most := 0
	for n := range verbs {
		most = max(most, n)
	}
	return most
}

// needsWords reports whether a format has anything to translate beside verbs and punctuation.
func needsWords(format string) bool {
	return strings.IndexFunc(directive.ReplaceAllString(format, ""), unicode.IsLetter) >= 0
}

// TestEveryTextHasAChineseTranslation holds the catalogue against the code. When it fails, the entries that are missing
// stand in its output, ready to be filled.
func TestEveryTextHasAChineseTranslation(t *testing.T) {
	entries, err := ParsePO(ZH())
	if err != nil {
		t.Fatal(err)
	}
	used := map[string]bool{}
	var missing strings.Builder
	n := 0
	for _, u := range collect(t) {
		if used[u.format] {
			continue
		}
		used[u.format] = true
		translated, ok := entries[u.format]
		if !ok {
			if needsWords(u.format) {
				n++
				fmt.Fprintf(&missing, "#: %s\nmsgid %s\nmsgstr \"\"\n\n", u.place, strconv.Quote(u.format))
			}
			continue
		}
		checkTranslation(t, u, translated)
	}
	if n > 0 {
		t.Errorf("%d texts have no Chinese translation; add to internal/i18n/zh.po:\n\n%s", n, missing.String())
	}
	var stale []string
	for id := range entries {
		if !used[id] {
			stale = append(stale, "msgid "+strconv.Quote(id))
		}
	}
	if len(stale) > 0 {
		sort.Strings(stale)
		t.Errorf("%d entries are used nowhere; take them out of internal/i18n/zh.po:\n%s", len(stale), strings.Join(stale, "\n"))
	}
}

func checkTranslation(t *testing.T, u use, translated string) {
	t.Helper()
	if strings.TrimSpace(translated) == "" {
		t.Errorf("the translation is empty: msgid %s", strconv.Quote(u.format))
		return
	}
	want, err := verbsOf(u.format)
	if err != nil {
		t.Errorf("%s: %q: %v", u.place, u.format, err)
		return
	}
	got, err := verbsOf(translated)
	if err != nil {
		t.Errorf("translation %q: %v", translated, err)
		return
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("the translation prints other arguments, or in another way:\nmsgid  %q %v\nmsgstr %q %v\n"+
			"(arguments in another order take an index: %%[2]s)", u.format, want, translated, got)
	}
}

// TestTextsTakeTheArgumentsTheyAreGiven: vet does not know text.New.
func TestTextsTakeTheArgumentsTheyAreGiven(t *testing.T) {
	for _, u := range collect(t) {
		verbs, err := verbsOf(u.format)
		if err != nil {
			t.Errorf("%s: %q: %v", u.place, u.format, err)
			continue
		}
		if want := argsOf(verbs); u.args >= 0 && u.args != want {
			t.Errorf("%s: %q takes %d arguments and is given %d", u.place, u.format, want, u.args)
		}
	}
}

func TestVerbsAreReadWithTheirArguments(t *testing.T) {
	for format, want := range map[string]string{
		"":                            "map[]",
		"no verbs, 100%% sure":        "map[]",
		"%s and %d":                   "map[1:[%s] 2:[%d]]",
		"%[2]d and %[1]s":             "map[1:[%s] 2:[%d]]",
		"%[2]d, then %s":              "map[2:[%d] 3:[%s]]",
		"%[1]s %[1]q":                 "map[1:[%q %s]]",
		"mode %04o, %-8s, %5.2f, %+v": "map[1:[%04o] 2:[%-8s] 3:[%5.2f] 4:[%+v]]",
		"%c%s%%%d":                    "map[1:[%c] 2:[%s] 3:[%d]]",
	} {
		got, err := verbsOf(format)
		if err != nil || fmt.Sprint(got) != want {
			t.Errorf("%q: %v, %v, want %s", format, got, err, want)
		}
	}
	for _, format := range []string{"100% sure, %", "%", "50%.", "%-", "% %"} {
		if got, err := verbsOf(format); err == nil && len(got) == 0 {
			t.Errorf("%q was read as %v", format, got)
		}
	}
	for format, want := range map[string]bool{"%s": false, "%s: %s": false, "%[1]s (%[2]d)": false, "%%": false, "AES": true, "%s 位": true, "": false} {
		if needsWords(format) != want {
			t.Errorf("%q needs words: %v, want %v", format, needsWords(format), want)
		}
	}
}
