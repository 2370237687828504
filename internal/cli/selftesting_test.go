package cli

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"poskey/internal/host"
	"poskey/internal/render"
	"poskey/internal/secret"
	"poskey/internal/selftest"
	"poskey/pkg/ceremony/script"
	"poskey/pkg/custody"
	"poskey/pkg/keys"
)

// selftested runs the command as a process would, and gives what it said.
func selftested(t *testing.T, random io.Reader, args ...string) (code int, out, said string) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	a := &App{Env: keys.Env{Rand: random, Now: time.Now}, In: strings.NewReader(""), Out: &stdout, Err: &stderr,
		Getenv: func(name string) string { return map[string]string{"HOME": t.TempDir()}[name] }}
	code = a.Run(t.Context(), append([]string{"selftest"}, args...))
	return code, stdout.String(), stderr.String()
}

// TestEverySelftestCanBeMadeToFail by its name; then it alone is broken, and the self-test as a whole says no.
func TestEverySelftestCanBeMadeToFail(t *testing.T) {
	a := &App{Env: keys.Env{Rand: rand.Reader, Now: time.Now}, Getenv: func(string) string { return "" }}
	a.flags.hsmURI = softURI
	all, err := a.selfTests(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = a.boundary.Close() }()
	seen := map[string]bool{}
	for i, test := range all {
		if seen[test.Name] {
			t.Errorf("two tests are named %s", test.Name)
		}
		seen[test.Name] = true
		broken, found := selftest.Broken(all, test.Name)
		if _, failed := runTests(t.Context(), broken[i:i+1]); !found || failed != 1 {
			t.Errorf("%s passes though it is broken", test.Name)
		}
	}
	if names := selftestNames(); len(names) != len(all) || !slices.ContainsFunc(names, func(n string) bool { return seen[n] }) {
		t.Errorf("the shell is told %d names of %d", len(names), len(all))
	}
}

func TestABrokenSelftestEndsWithFive(t *testing.T) {
	for _, name := range []string{"tdes-128-ecb", "retail-mac", "kcv-sm4-cmac", "gf256", "keyblock-wrap-E", "dukpt-update", "ed25519",
		"search-cmac", "random-proportion", "boundary", "core-dumps", "file-log", "aslr"} {
		code, out, said := selftested(t, rand.Reader, "--break", name)
		if code != 5 || !strings.Contains(out, "FAILED: "+name+"\n") || !strings.Contains(said, "do not use this program") {
			t.Errorf("%s: exit %d\n%s\n%s", name, code, out, said)
		}
	}
}

// brokenSource gives what it has, and an error.
type brokenSource struct{ give byte }

func (s brokenSource) Read(p []byte) (int, error) {
	if s.give == 0 {
		return 0, errors.New("no entropy")
	}
	for i := range p {
		p[i] = s.give
	}
	return len(p), nil
}

func TestASelftestWithABrokenRandomSourceFails(t *testing.T) {
	live := secret.Live()
	for name, source := range map[string]io.Reader{"stuck": brokenSource{0xA5}, "dry": brokenSource{}} {
		code, out, _ := selftested(t, source, "-o", "json")
		var doc selftestDoc
		if err := json.Unmarshal([]byte(out), &doc); err != nil {
			t.Fatalf("%s: %v\n%s", name, err, out)
		}
		if code != 5 || doc.Passed {
			t.Errorf("%s: exit %d, passed %t", name, code, doc.Passed)
		}
		failed := 0
		for _, c := range doc.Checks {
			if !c.Passed && c.Group == selftest.Random {
				failed++
			}
			if !c.Passed && c.Kind == selftest.KnownAnswer && c.Group != selftest.Boundary {
				t.Errorf("%s: %s fails and needs no randomness: %s", name, c.Name, c.Error)
			}
		}
		if failed < 3 {
			t.Errorf("%s: only %d tests of the source fail", name, failed)
		}
	}
	if now := secret.Live(); now != live {
		t.Errorf("%d secrets are left", now-live)
	}
}

func TestThePageOfASelftestFitsOnAScreen(t *testing.T) {
	for _, lang := range []string{"en", "zh"} {
		_, out, _ := selftested(t, rand.Reader, "--lang", lang)
		table, _, _ := strings.Cut(out, "\n\n")
		lines := strings.Split(table, "\n")
		if len(lines) != len(selftest.Groups())+1 {
			t.Errorf("%s: %d lines of table\n%s", lang, len(lines), out)
		}
		for _, line := range lines {
			if n := render.Columns(line); n > 80 {
				t.Errorf("%s: %d columns: %s", lang, n, line)
			}
		}
	}
}

func TestWhatOfTheMachineIsAWarning(t *testing.T) {
	yes, no := host.Fact[bool]{Value: true, Known: true}, host.Fact[bool]{Known: true}
	bad := host.Facts{
		Swaps:         host.Fact[[]host.Swap]{Value: []host.Swap{{Name: "/dev/sda2"}}, Known: true},
		Administrator: yes, Traceable: yes, ASLR: host.Fact[int]{Value: 0, Known: true}, ClockSynced: no, ClockCredits: no,
		Umask: host.Fact[os.FileMode]{Value: 0o002, Known: true}, Disks: []host.Disk{{Network: yes}},
	}
	outcomes, failed := runTests(t.Context(), machineTests(bad))
	doc := selftestDocOf(outcomes, "", failed)
	if failed > 0 || !doc.Passed || len(doc.Warnings) != len(outcomes) {
		t.Errorf("%d failures, %d warnings of %d", failed, len(doc.Warnings), len(outcomes))
	}
	outcomes, _ = runTests(t.Context(), machineTests(host.Facts{}))
	for _, o := range outcomes {
		if o.Unknown == "" || o.Err != nil {
			t.Errorf("%s is known of a machine of which nothing is known: %v", o.Name, o.Err)
		}
	}
	good := host.Facts{
		Swaps: host.Fact[[]host.Swap]{Value: []host.Swap{{Name: "/dev/zram0", Compressed: true},
			{Name: "/dev/dm-1", Encrypted: yes}}, Known: true},
		Administrator: no, Traceable: no, ASLR: host.Fact[int]{Value: 2, Known: true}, ClockSynced: yes, ClockCredits: yes,
		Umask: host.Fact[os.FileMode]{Value: 0o077, Known: true}, Disks: []host.Disk{{Network: no}},
	}
	outcomes, _ = runTests(t.Context(), machineTests(good))
	for _, o := range outcomes {
		if o.Err != nil || o.Unknown != "" {
			t.Errorf("%s: %v %s", o.Name, o.Err, o.Unknown)
		}
	}
}

// TestMemoryThatCanBeDumpedOrIsNotLockedFails: the first by what was measured.
func TestMemoryThatCanBeDumpedFails(t *testing.T) {
	dumped := host.Facts{CoreDumps: host.Fact[bool]{Value: true, Known: true, How: "RLIMIT_CORE"}}
	outcomes, failed := runTests(t.Context(), memoryTests(dumped))
	if failed != 1 || outcomes[len(outcomes)-1].Name != "core-dumps" || !outcomes[len(outcomes)-1].Failed() {
		t.Errorf("%d failures: %+v", failed, outcomes)
	}
}

func TestWhoMayDoWhatWithFilesOfPoskey(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "store.db")
	yes, no := host.Fact[bool]{Value: true, Known: true}, host.Fact[bool]{Known: true}
	file := func(own, read, write, anyone bool) host.File {
		fact := map[bool]host.Fact[bool]{true: yes, false: no}
		return host.File{Path: path, There: yes, Own: fact[own], OthersRead: fact[read], OthersWrite: fact[write], AnyoneWrite: fact[anyone]}
	}
	for name, c := range map[string]struct {
		file                         host.File
		program, unwritable, private bool // they hold
	}{
		"own alone":      {file(true, false, false, false), true, true, true},
		"others read":    {file(true, true, false, false), true, true, false},
		"group writes":   {file(true, true, true, false), true, false, false},
		"anybody writes": {file(true, true, true, true), false, false, false},
		"another's":      {file(false, false, false, false), true, false, false},
	} {
		found := map[string]host.File{path: c.file}
		for rule, want := range map[fileRule]bool{program: c.program, unwritable: c.unwritable, private: c.private} {
			if err := rule.holds(found, []string{path}); (err == nil) != want {
				t.Errorf("%s, rule %d: %v", name, rule, err)
			}
		}
	}
	sticky := file(true, true, true, true)
	sticky.Sticky, sticky.Folder = true, true
	if err := program.holds(map[string]host.File{path: sticky}, []string{path}); err != nil {
		t.Errorf("a folder in which nobody replaces what is another's: %v", err)
	}
}

// TestAProgramThatComputesWrongRunsNoCeremony, in production and in a rehearsal.
func TestAProgramThatComputesWrongRunsNoCeremony(t *testing.T) {
	if found := algorithms(nil); found != nil {
		t.Errorf("%+v", found)
	}
	found := algorithms(errors.New("self-test aes-128-ecb"))
	if len(found) != 1 || found[0].ID != "selftest-failed" || found[0].Level != script.Error || refusedBy(found) == nil {
		t.Errorf("%+v", found)
	}
	r := room{script: &script.Script{Environment: custody.Test}, rehearsal: true, now: time.Now()}
	for _, f := range r.machine() {
		if f.ID == "selftest-failed" {
			t.Errorf("%s", f.What)
		}
	}
}
