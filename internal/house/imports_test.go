// Package house holds the house to its plan: who may import whom, which library has which one home, and what code keeps
// its hands off. It has tests only. A package that is not placed here fails them, so that a new one gets its place.
package house

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"poskey/internal/testvec"
)

const module = "poskey/"

// floors lists the packages from the ground up. A package imports only from floors below its own.
func floors() [][]string {
	return [][]string{
		{"internal/text", "docs/playbooks"},
		{"internal/fault"},
		{"internal/secret", "internal/cipherx", "internal/bitslice", "internal/chained", "internal/selftest"},
		{"pkg/keys", "internal/host"},
		{"pkg/kcv"},
		{"pkg/keyblock", "pkg/component", "pkg/dukpt", "pkg/slip", "pkg/errorcode", "pkg/unionpay", "pkg/playbook"},
		{"pkg/hsm", "pkg/device", "pkg/audit", "pkg/custody", "pkg/store"},
		{"pkg/hsm/pkcs11", "pkg/agent"},
		{"pkg/device/line", "pkg/device/visa/table", "pkg/device/futurex/table", "pkg/device/manage"},
		{"pkg/device/visa", "pkg/device/futurex", "pkg/device/manage/client"},
		{"pkg/device/drivers", "pkg/device/emulator"},
		{"pkg/ceremony/script", "pkg/ceremony/transcript"},
		{"pkg/inject", "pkg/diagnose", "pkg/vault"},
		{"pkg/fleet", "pkg/ceremony", "pkg/incident"},
		{"pkg/assess"},
		{"pkg/ceremony/minutes", "pkg/ceremony/tools"},
		{"internal/i18n"},
		{"internal/render", "internal/console"},
		{"internal/source", "internal/page"},
		{"internal/cli"},
		{"cmd/poskey", "internal/docs"},
	}
}

// support lists the packages that only tests and generators may import, each with the highest one that it may know.
func support() map[string]string {
	return map[string]string{
		"docs":                       "cmd/poskey",
		"internal/testcli":           "cmd/poskey",
		"internal/testpg":            "internal/text",
		"internal/testproc":          "internal/text",
		"internal/testtoken":         "internal/text",
		"internal/testvec":           "internal/text",
		"pkg/hsm/hsmtest":            "pkg/hsm",
		"pkg/store/storetest":        "pkg/store",
		"pkg/device/devicetest":      "pkg/device",
		"internal/house":             "internal/text",
		"internal/bitslice/circuit":  "internal/text",
		"internal/bitslice/sboxgen":  "internal/text",
		"internal/bitslice/roundgen": "internal/text",
	}
}

// alone lists the tools of the build, which have nothing to do with the program.
func alone() []string {
	return []string{"scripts/bulk", "scripts/goals", "scripts/hello", "scripts/ratio", "scripts/release", "scripts/startup"}
}

// homes gives each library of others the packages that may import it.
func homes() map[string][]string {
	return map[string][]string{
		"github.com/spf13/cobra":            {"internal/cli", "internal/docs", "internal/testcli"},
		"github.com/CycloneDX/cyclonedx-go": {"scripts/release"},
		"github.com/spf13/pflag":            {"internal/cli", "internal/docs"},
		"golang.org/x/term":                 {"internal/console", "internal/testcli"},
		"github.com/vbauerster/mpb":         {"internal/console"},
		"github.com/olekukonko/tablewriter": {"internal/render"},
		"golang.org/x/sys":                  {"internal/secret", "internal/console", "internal/host", "pkg/device/line", "pkg/agent", "internal/testcli"},
		"github.com/emmansun/gmsm":          {"internal/cipherx"},
		"github.com/rogpeppe/go-internal":   {"internal/testcli"},
		"golang.org/x/mod":                  {"pkg/audit", "pkg/custody", "scripts/release"},
		"modernc.org/sqlite":                {"pkg/store"},
		"github.com/jackc/pgx":              {"pkg/store"},
		"github.com/pressly/goose":          {"pkg/store"},
		"github.com/miekg/pkcs11":           {"pkg/hsm/pkcs11"},
		"github.com/creack/pty":             {"pkg/device/emulator", "internal/testcli"},
		"filippo.io/age":                    {"pkg/custody"},
		"go.bug.st/serial":                  {"pkg/device/line"},
		"github.com/pquerna/otp":            {"pkg/device/emulator"},
		"github.com/moov-io/iso8583":        {"pkg/unionpay"},
		"go.yaml.in/yaml/v3":                {"pkg/inject", "pkg/ceremony/script", "pkg/assess"},
		"codeberg.org/go-pdf/fpdf":          {"pkg/ceremony/minutes", "pkg/ceremony/tools"},
		"golang.org/x/text/unicode/norm":    {"pkg/ceremony/script", "pkg/incident"},
		"golang.org/x/text/encoding":        {"pkg/diagnose"},
		"rsc.io/qr":                         {"pkg/ceremony/minutes", "pkg/ceremony/tools"},
		"github.com/riverqueue/river":       {"pkg/fleet"},
		"golang.org/x/crypto/argon2":        {"pkg/custody"},
	}
}

type listed struct {
	ImportPath, Dir                    string
	Imports, TestImports, XTestImports []string
}

func (p listed) name() string { return strings.TrimPrefix(p.ImportPath, module) }

func (p listed) tests() []string { return slices.Concat(p.TestImports, p.XTestImports) }

// list asks go list for all packages, as one system sees them.
func list(t *testing.T, goos string) []listed {
	t.Helper()
	c := exec.Command("go", "list", "-json=ImportPath,Dir,Imports,TestImports,XTestImports", "./...")
	c.Dir = testvec.Root(t)
	c.Env = append(os.Environ(), "GOOS="+goos, "CGO_ENABLED="+withCgo(goos))
	var complaints strings.Builder
	c.Stderr = &complaints
	out, err := c.Output()
	if err != nil {
		t.Fatalf("go list for %s: %v\n%s", goos, err, complaints.String())
	}
	var all []listed
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p listed
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
	if len(all) == 0 {
		t.Fatal("no packages listed")
	}
	return all
}

// systems are those whose files are looked at: imports differ by build tags.
func systems() []string { return []string{"linux", "darwin", "windows"} }

// withCgo has cgo's files on one system: pkg/hsm/pkcs11 is another package with it.
func withCgo(goos string) string {
	if goos == "linux" {
		return "1"
	}
	return "0"
}

func floorOf(name string) (int, bool) {
	for i, floor := range floors() {
		if slices.Contains(floor, name) {
			return i, true
		}
	}
	return 0, false
}

func own(imports []string) []string {
	var ours []string
	for _, path := range imports {
		if name, ok := strings.CutPrefix(path, module); ok {
			ours = append(ours, name)
		}
	}
	return ours
}

func TestImportsOnlyGoDown(t *testing.T) {
	met := map[string]bool{}
	for _, goos := range systems() {
		for _, p := range list(t, goos) {
			met[p.name()] = true
			checkImports(t, p)
		}
	}
	for _, floor := range floors() {
		for _, name := range floor {
			if !met[name] {
				t.Errorf("%s has a place in the plan and does not exist", name)
			}
		}
	}
}

func checkImports(t *testing.T, p listed) {
	t.Helper()
	if !strings.HasPrefix(p.ImportPath, module) {
		t.Fatalf("%s is not of this module", p.ImportPath)
	}
	if slices.Contains(alone(), p.name()) {
		if ours := own(append(p.Imports, p.tests()...)); len(ours) > 0 {
			t.Errorf("%s is a tool of the build and imports %v", p.name(), ours)
		}
		return
	}
	ceiling, isSupport := support()[p.name()]
	if !isSupport {
		ceiling = p.name()
	}
	floor, placed := floorOf(ceiling)
	if !placed {
		t.Fatalf("%s has no place; give it one in floors, support or alone of internal/house", p.name())
	}
	for _, name := range own(p.Imports) {
		_, forTests := support()[name]
		at, ok := floorOf(name)
		switch {
		case forTests && isSupport, ok && at < floor, ok && at == floor && isSupport:
		case forTests:
			t.Errorf("%s imports %s, which is for tests only", p.name(), name)
		default:
			t.Errorf("%s imports %s, which is not below it", p.name(), name)
		}
	}
	for _, name := range own(p.tests()) { // tests may look at their neighbours, not upstairs
		if _, forTests := support()[name]; forTests {
			continue
		}
		if at, ok := floorOf(name); !ok || at > floor {
			t.Errorf("the tests of %s import %s, which is above it", p.name(), name)
		}
	}
}

func TestEveryLibraryHasItsHome(t *testing.T) {
	used := map[string]bool{}
	for _, goos := range systems() {
		for _, p := range list(t, goos) {
			for _, path := range p.Imports {
				first, _, _ := strings.Cut(path, "/")
				if !strings.Contains(first, ".") {
					continue // ours, or Go's own
				}
				library := libraryOf(path)
				if library == "" {
					t.Errorf("%s imports %s, a library that has no home; give it one package in internal/house", p.name(), path)
					continue
				}
				used[library] = true
				if !slices.Contains(homes()[library], p.name()) {
					t.Errorf("%s imports %s, which only %v may", p.name(), path, homes()[library])
				}
			}
		}
	}
	raw, err := os.ReadFile(filepath.Join(testvec.Root(t), "docs", "dependencies.md"))
	if err != nil {
		t.Fatal(err)
	}
	for library := range homes() {
		if !used[library] {
			t.Errorf("%s has a home and nobody uses it", library)
		}
		if !strings.Contains(string(raw), library) && library != "github.com/spf13/pflag" { // part of cobra
			t.Errorf("docs/dependencies.md does not speak of %s", library)
		}
	}
}

func libraryOf(path string) string {
	for library := range homes() {
		if path == library || strings.HasPrefix(path, library+"/") {
			return library
		}
	}
	return ""
}
