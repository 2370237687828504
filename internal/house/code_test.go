package house

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"poskey/internal/testvec"
)

// source is one Go file of the module, of whatever system.
type source struct {
	path  string // below the root, with slashes
	text  string
	fset  *token.FileSet
	file  *ast.File
	names map[string]string // the names of its imports
}

func (s *source) isTest() bool { return strings.HasSuffix(s.path, "_test.go") }

// inLibrary reports whether the file is code of pkg/ that goes into the program.
func (s *source) inLibrary() bool {
	_, forTests := support()[path.Dir(s.path)]
	return strings.HasPrefix(s.path, "pkg/") && !s.isTest() && !forTests
}

func (s *source) at(n ast.Node) string {
	return s.path + ":" + strconv.Itoa(s.fset.Position(n.Pos()).Line)
}

// call gives path and name of what a selector of a package names, such as "os", "Stdout".
func (s *source) selected(n ast.Node) (pkg, name string) {
	sel, ok := n.(*ast.SelectorExpr)
	if !ok {
		return "", ""
	}
	id, ok := sel.X.(*ast.Ident)
	if !ok {
		return "", ""
	}
	return s.names[id.Name], sel.Sel.Name
}

func sources(t *testing.T) []*source {
	t.Helper()
	root := testvec.Root(t)
	var all []*source
	err := filepath.WalkDir(root, func(file string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "testdata" || strings.HasPrefix(d.Name(), ".") && file != root):
			return filepath.SkipDir
		case d.IsDir() || !strings.HasSuffix(file, ".go"):
			return nil
		}
		s, err := read(root, file)
		all = append(all, s)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < 150 {
		t.Fatalf("only %d Go files were found", len(all))
	}
	return all
}

func read(root, file string) (*source, error) {
	raw, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	rel, err := filepath.Rel(root, file)
	if err != nil {
		return nil, err
	}
	s := &source{path: filepath.ToSlash(rel), text: string(raw), fset: token.NewFileSet(), names: map[string]string{}}
	if s.file, err = parser.ParseFile(s.fset, file, raw, parser.ParseComments|parser.SkipObjectResolution); err != nil {
		return nil, err
	}
	for _, imp := range s.file.Imports {
		from, err := strconv.Unquote(imp.Path.Value)
		if err != nil {
			return nil, err
		}
		name := path.Base(strings.TrimSuffix(from, "/v2"))
		if imp.Name != nil {
			name = imp.Name.Name
		}
		s.names[name] = from
	}
	return s, nil
}

// worldly lists what reaches for the world, by package. Libraries are handed clock, randomness and streams.
func worldly() map[string][]string {
	return map[string][]string{
		"os":   {"Stdout", "Stderr", "Stdin", "Exit", "Args", "Getenv", "LookupEnv", "Environ"},
		"fmt":  {"Print", "Printf", "Println", "Scan", "Scanf", "Scanln"},
		"time": {"Now", "Since", "Until", "Sleep", "After", "AfterFunc", "Tick", "NewTimer", "NewTicker"},
		"log":  {"Print", "Printf", "Println", "Fatal", "Fatalf", "Fatalln", "Panic", "Panicf", "Default"},
	}
}

func TestLibrariesDoNotReachForTheWorld(t *testing.T) {
	clocks := 0
	for _, s := range sources(t) {
		if !s.inLibrary() {
			continue
		}
		for _, imp := range s.file.Imports {
			from, err := strconv.Unquote(imp.Path.Value)
			if err != nil {
				t.Fatal(err)
			}
			if from == "math/rand" || from == "math/rand/v2" || from == "crypto/rand" {
				t.Errorf("%s imports %s; randomness is handed in", s.path, from)
			}
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			pkg, name := s.selected(n)
			if !slices.Contains(worldly()[pkg], name) {
				return true
			}
			if s.path == "pkg/device/clock.go" && pkg == "time" { // the home of the real clock
				clocks++
				return true
			}
			t.Errorf("%s: %s.%s", s.at(n), pkg, name)
			return true
		})
	}
	if clocks == 0 {
		t.Error("the real clock is not in pkg/device/clock.go any more; the exception can go")
	}
}

func TestNothingRunsBeforeMain(t *testing.T) {
	for _, s := range sources(t) {
		for _, d := range s.file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil && f.Name.Name == "init" {
				t.Errorf("%s: an init function", s.at(f))
			}
		}
	}
}

// TestLibrariesKeepNoState: package variables of libraries are error values, files that are built in, and proofs that a type
// has an interface.
func TestLibrariesKeepNoState(t *testing.T) {
	for _, s := range sources(t) {
		if !s.inLibrary() {
			continue
		}
		for _, d := range s.file.Decls {
			g, ok := d.(*ast.GenDecl)
			if !ok || g.Tok != token.VAR || isEmbedded(g) {
				continue
			}
			for _, spec := range g.Specs {
				v := spec.(*ast.ValueSpec)
				if v.Names[0].Name == "_" {
					continue
				}
				if len(v.Values) == 1 {
					if call, ok := v.Values[0].(*ast.CallExpr); ok {
						if pkg, name := s.selected(call.Fun); name == "New" && (pkg == "errors" || pkg == module+"internal/fault") {
							continue
						}
					}
				}
				t.Errorf("%s: the variable %s of a package", s.at(v), v.Names[0].Name)
			}
		}
	}
}

// isEmbedded: the variable is a file that the compiler puts there; Go has no other form for it.
func isEmbedded(g *ast.GenDecl) bool {
	return g.Doc != nil && slices.ContainsFunc(g.Doc.List, func(c *ast.Comment) bool {
		return strings.HasPrefix(c.Text, "//go:embed ")
	})
}

// TestSecretsAreHeldByPointer: a copied secret would be wiped twice, and its copy not at all.
func TestSecretsAreHeldByPointer(t *testing.T) {
	found := 0
	for _, s := range sources(t) {
		behind := map[ast.Node]bool{}
		ast.Inspect(s.file, func(n ast.Node) bool {
			if star, ok := n.(*ast.StarExpr); ok {
				behind[star.X] = true
			}
			if pkg, name := s.selected(n); pkg == module+"internal/secret" && name == "Bytes" {
				found++
				if !behind[n] {
					t.Errorf("%s: secret.Bytes by value", s.at(n))
				}
			}
			return true
		})
	}
	if found < 50 {
		t.Fatalf("only %d places with secrets were found", found)
	}
}

// TestNoPathOfAMachineIsInTheCode: the parts are put together here, or this file would hold them.
func TestNoPathOfAMachineIsInTheCode(t *testing.T) {
	var machine []string
	for _, dir := range []string{"work", "root", "home", "Users"} {
		machine = append(machine, "/"+dir+"/")
	}
	for _, s := range sources(t) {
		for _, place := range machine {
			if at := strings.Index(s.text, place); at >= 0 {
				t.Errorf("%s:%d: %s", s.path, 1+strings.Count(s.text[:at], "\n"), place)
			}
		}
	}
}

func TestNothingIsLeftForLater(t *testing.T) {
	for _, s := range sources(t) {
		for _, word := range []string{"TO" + "DO", "FIX" + "ME"} {
			for _, group := range s.file.Comments {
				if strings.Contains(group.Text(), word) {
					t.Errorf("%s: %s", s.at(group), word)
				}
			}
		}
	}
}

// TestMainIsADozenLines: everything is below it.
func TestMainIsADozenLines(t *testing.T) {
	for _, s := range sources(t) {
		if s.path == "cmd/poskey/main.go" {
			if n := strings.Count(s.text, "\n"); n > 15 {
				t.Errorf("%s has %d lines", s.path, n)
			}
			return
		}
	}
	t.Fatal("cmd/poskey/main.go is not there")
}
