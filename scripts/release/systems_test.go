package main

import (
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestOtherSystemsCompile reads the whole program as it is for systems that no test runs on, and checks its types. That
// is what a compiler would complain of, in a tenth of the time; make cross and make release-check compile.
func TestOtherSystemsCompile(t *testing.T) {
	for _, system := range []target{{goos: "darwin", goarch: "arm64"}, {goos: "windows", goarch: "amd64"}} {
		t.Run(system.goos, func(t *testing.T) { checkTypes(t, system) })
	}
}

// listed is what go list says of a package.
type listed struct {
	ImportPath, Dir string
	GoFiles         []string
	ImportMap       map[string]string
	Module          *struct{ Main bool }
}

func checkTypes(t *testing.T, system target) {
	t.Helper()
	list := exec.Command("go", "list", "-deps", "-json=ImportPath,Dir,GoFiles,ImportMap,Module", "./cmd/poskey")
	list.Dir = project
	list.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS="+system.goos, "GOARCH="+system.goarch)
	out, err := list.Output()
	if err != nil {
		t.Fatal(err)
	}
	fset, known, ours := token.NewFileSet(), map[string]*types.Package{"unsafe": types.Unsafe}, 0
	for d := json.NewDecoder(strings.NewReader(string(out))); ; { // what is imported comes before who imports it
		var p listed
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		if p.ImportPath == "unsafe" {
			continue
		}
		own := p.Module != nil && p.Module.Main
		if own {
			ours++
		}
		known[p.ImportPath] = checkPackage(t, fset, p, own, known, system)
	}
	if ours < 40 {
		t.Errorf("only %d packages of ours for %s", ours, system.goos)
	}
}

// checkPackage checks our packages whole, and of others what we could call.
func checkPackage(t *testing.T, fset *token.FileSet, p listed, own bool, known map[string]*types.Package,
	system target) *types.Package {
	t.Helper()
	var files []*ast.File
	for _, name := range p.GoFiles {
		f, err := parser.ParseFile(fset, filepath.Join(p.Dir, name), nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, f)
	}
	conf := types.Config{
		Importer: imports{known, p.ImportMap}, IgnoreFuncBodies: !own, FakeImportC: true,
		Sizes: types.SizesFor("gc", system.goarch),
		Error: func(err error) {
			if own {
				t.Errorf("%s: %v", system.goos, err)
			}
		},
	}
	pkg, _ := conf.Check(p.ImportPath, fset, files, nil) // errors went to Error
	return pkg
}

type imports struct {
	packages map[string]*types.Package
	names    map[string]string // Go's own library brings copies of some modules
}

func (k imports) Import(path string) (*types.Package, error) {
	if real, ok := k.names[path]; ok {
		path = real
	}
	if p := k.packages[path]; p != nil {
		return p, nil
	}
	return nil, errors.New("not listed: " + path)
}
