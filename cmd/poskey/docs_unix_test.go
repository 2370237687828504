//go:build unix

package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/rogpeppe/go-internal/txtar"

	"poskey/internal/testvec"
)

// document is a page whose shell blocks run one after the other.
type document struct {
	name   string
	blocks int    // that it has at least
	before string // lines of the script before them
	says   string // what stands in their output
	after  string // lines of the script behind them
	files  string // what lies beside them
}

// documents are all such pages. The one-time codes of devices.md are good for longer than the blocks take. The record that
// the guide verifies is that of a rehearsal.
func documents(t *testing.T) []document {
	t.Helper()
	const (
		secret    = " POSKEYTESTONLYPOSKEYTESTONLYPOSK"
		rehearsal = "printer\nexits 0 poskey ceremony new --template zmk-exchange --to play.yaml\n" +
			"play people.en poskey ceremony rehearse play.yaml --dir TEST-zmk --printer $PRINTER\n"
	)
	people := section(t, "ceremony_rehearse", "people.en")
	return []document{
		{"store", 8, "", "The store verifies", "", ""},
		{"devices", 5, "totp code.1" + secret + "\ntotp code.2" + secret + " 1\n", "the lock is lifted", "", ""},
		{"inject", 6, "", "exit status 8", "", ""},
		{"fleet", 5, "", "every device is accounted for", "reveals klk.txt\n", ""},
		{"ceremony-guide", 4, rehearsal, "The record verifies", "", people},
		{"ceremony-guide.zh", 4, rehearsal, "记录通过核验", "", people},
	}
}

// section is a file that lies beside a script, with its name.
func section(t *testing.T, script, name string) string {
	t.Helper()
	all, err := txtar.ParseFile(filepath.Join("testdata", "script", script+".txtar"))
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

// TestDocumentsRun: the shell blocks of a page run as they stand, but for the cost of the passphrases.
func TestDocumentsRun(t *testing.T) {
	var files []string
	dir := t.TempDir()
	for _, d := range documents(t) {
		page, err := os.ReadFile(filepath.Join(testvec.Root(t), "docs", d.name+".md"))
		if err != nil {
			t.Fatal(err)
		}
		var blocks []string
		for _, m := range regexp.MustCompile("(?ms)^```sh\n(.*?)^```$").FindAllStringSubmatch(string(page), -1) {
			blocks = append(blocks, m[1])
		}
		if len(blocks) < d.blocks {
			t.Fatalf("docs/%s.md has %d shell blocks", d.name, len(blocks))
		}
		run := strings.ReplaceAll(strings.Join(blocks, ""), "poskey officer new ", "poskey officer new --kdf-memory 64 ")
		script := d.before + "exits 0 sh -eu run.sh\nstdout '" + d.says + "'\n" + d.after + d.files + "-- run.sh --\n" + run
		file := filepath.Join(dir, d.name+"_document.txtar")
		if err := os.WriteFile(file, []byte(script), 0o600); err != nil {
			t.Fatal(err)
		}
		files = append(files, file)
	}
	testscript.Run(t, testscript.Params{Files: files, Setup: setup, Cmds: commands(), RequireExplicitExec: true})
}
