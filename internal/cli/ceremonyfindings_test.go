package cli

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"poskey/internal/testvec"
)

// roomFindings reads off the code which findings the room can give, each with the constants of its requirements.
func roomFindings(t *testing.T) map[string][]string {
	t.Helper()
	files, err := filepath.Glob("ceremony*.go")
	if err != nil {
		t.Fatal(err)
	}
	all := map[string][]string{}
	for _, path := range files {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.CallExpr:
				switch f, _ := n.Fun.(*ast.Ident); {
				case f == nil || len(n.Args) < 3:
				case f.Name == "roomFinding":
					all[literal(n.Args[0])] = append(all[literal(n.Args[0])], name(n.Args[2]))
				case f.Name == "finding": // of the officers
					all[literal(n.Args[0])] = append(all[literal(n.Args[0])], "pinCustodian")
				}
			case *ast.CompositeLit:
				fields := map[string]ast.Expr{}
				for _, e := range n.Elts {
					if kv, ok := e.(*ast.KeyValueExpr); ok {
						fields[name(kv.Key)] = kv.Value
					}
				}
				if id := fields["ID"]; id != nil && fields["Level"] != nil && literal(id) != "" {
					all[literal(id)] = append(all[literal(id)], name(fields["Requirement"]))
				}
			}
			return true
		})
	}
	delete(all, "")
	if len(all) < 30 {
		t.Fatalf("only %d findings were found in the source: %v", len(all), all)
	}
	return all
}

func literal(e ast.Expr) string {
	if lit, ok := e.(*ast.BasicLit); ok {
		s, _ := strconv.Unquote(lit.Value)
		return s
	}
	return ""
}

func name(e ast.Expr) string {
	if id, ok := e.(*ast.Ident); ok {
		return id.Name
	}
	return ""
}

// TestEveryFindingOfTheRoomHasItsNumberAndStandsOnThePage: what people are told goes back to a requirement.
func TestEveryFindingOfTheRoomHasItsNumberAndStandsOnThePage(t *testing.T) {
	root := testvec.Root(t)
	room, err := os.ReadFile("ceremonyroom.go")
	if err != nil {
		t.Fatal(err)
	}
	numbers := map[string]string{}
	for _, m := range regexp.MustCompile(`(pin[A-Za-z]+) += "PCI PIN ([0-9.-]+)"`).FindAllStringSubmatch(string(room), -1) {
		numbers[m[1]] = m[2]
	}
	rows := map[string]string{}
	for _, page := range []string{"ceremony.md", "transcript.md"} {
		raw, err := os.ReadFile(filepath.Join(root, "docs", "formats", page))
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(raw)) {
			ids, _, _ := strings.Cut(strings.TrimPrefix(line, "| "), " |")
			for id := range strings.SplitSeq(ids, ", ") {
				rows[strings.Trim(id, "`")] = line
			}
		}
	}
	for id, requirements := range roomFindings(t) {
		for _, r := range requirements {
			if n := numbers[r]; n == "" || !strings.Contains(rows[id], "| "+n+" |") {
				t.Errorf("%s goes back to %s (%q); the page has %q", id, r, n, rows[id])
			}
		}
	}
}

// TestEveryFindingOfVerifyStandsOnThePage: programs act on ids.
func TestEveryFindingOfVerifyStandsOnThePage(t *testing.T) {
	root := testvec.Root(t)
	page, err := os.ReadFile(filepath.Join(root, "docs", "formats", "transcript.md"))
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(root, "pkg", "ceremony", "verify*.go"))
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	said := regexp.MustCompile(`(?:\.found|\.warn|finding|\.wrong|\.note|\.bad)\("([a-z]+(?:-[a-z]+)+|rehearsal|elsewhere)"`)
	for _, path := range files {
		src, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		for _, m := range said.FindAllStringSubmatch(string(src), -1) {
			n++
			if !strings.Contains(string(page), "`"+m[1]+"`") {
				t.Errorf("%s stands on no page", m[1])
			}
		}
	}
	if n < 20 {
		t.Errorf("only %d findings were found in the source", n)
	}
}
