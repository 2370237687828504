//go:build unix

package docs

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/rogpeppe/go-internal/txtar"

	"poskey/internal/testcli"
	"poskey/internal/testvec"
)

// around is what a page's blocks need beside them. Most need nothing.
type around struct {
	before string // lines of the script before them
	says   string // what stands in their output
	after  string // lines of the script behind them
	files  string // what lies beside them
}

// needs are the pages whose blocks need something. The one-time codes of devices.md are good for longer than the blocks
// take. The record that the guide verifies is that of a rehearsal.
func needs(t *testing.T) map[string]around {
	t.Helper()
	const (
		secret    = " POSKEYTESTONLYPOSKEYTESTONLYPOSK"
		rehearsal = "printer\nexits 0 poskey ceremony new --template zmk-exchange --to play.yaml\n" +
			"play people.en poskey ceremony rehearse play.yaml --dir TEST-zmk --printer $PRINTER\n"
	)
	people := section(t, "ceremony_rehearse", "people.en")
	return map[string]around{
		"docs/scripting.md":         {says: "verified: true", after: "reveals klk.txt\n"},
		"docs/store.md":             {says: "The store verifies"},
		"docs/devices.md":           {before: "totp code.1" + secret + "\ntotp code.2" + secret + " 1\n", says: "the lock is lifted"},
		"docs/inject.md":            {says: "exit status 8"},
		"docs/fleet.md":             {says: "every device is accounted for", after: "reveals klk.txt\n"},
		"docs/ceremony-guide.md":    {before: rehearsal, says: "The record verifies", files: people},
		"docs/ceremony-guide.zh.md": {before: rehearsal, says: "记录通过核验", files: people},
	}
}

// section is a file that lies beside a script of cmd/poskey, with its name.
func section(t *testing.T, script, name string) string {
	t.Helper()
	all, err := txtar.ParseFile(filepath.Join(testvec.Root(t), "cmd", "poskey", "testdata", "script", script+".txtar"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range all.Files {
		if f.Name == name {
			return "-- " + name + " --\n" + string(f.Data)
		}
	}
	t.Fatalf("%s has no %s", script, name)
	return ""
}

// TestDocumentsRun: the shell blocks of a page run as they stand, one after the other, but for the cost of the passphrases.
// A page whose blocks are those of another one is not run again.
func TestDocumentsRun(t *testing.T) {
	var files []string
	dir, special, seen := t.TempDir(), needs(t), map[string]bool{}
	for _, p := range written(t) {
		run := ""
		for _, b := range p.blocks {
			if b.info == "sh" {
				run += b.text
			}
		}
		with, isSpecial := special[p.name]
		delete(special, p.name)
		switch {
		case run == "" && isSpecial:
			t.Errorf("%s has no shell block any more", p.name)
		case run == "" || seen[run]:
			continue
		}
		seen[run] = true
		run = strings.ReplaceAll(run, "poskey officer new ", "poskey officer new --kdf-memory 64 ")
		script := with.before + "exits 0 sh -eu run.sh\n"
		if with.says != "" {
			script += "stdout '" + with.says + "'\n"
		}
		script += with.after + with.files + "-- run.sh --\n" + run
		name := strings.NewReplacer("/", "_", ".md", "").Replace(p.name)
		file := filepath.Join(dir, name+".txtar")
		if err := os.WriteFile(file, []byte(script), 0o600); err != nil {
			t.Fatal(err)
		}
		files = append(files, file)
	}
	for name := range special {
		t.Errorf("there is no %s", name)
	}
	testscript.Run(t, testscript.Params{Files: files, Setup: testcli.Setup, Cmds: testcli.Commands(), RequireExplicitExec: true})
}
