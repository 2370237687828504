//go:build unix

package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"poskey/internal/testvec"
)

// document is a page whose shell blocks run one after the other.
type document struct {
	name   string
	blocks int    // that it has at least
	before string // lines of the script before them
	says   string // what stands in their output
	after  string // lines of the script behind them
}

// documents are all such pages. The one-time codes of devices.md are good for longer than the blocks take.
func documents() []document {
	const secret = " POSKEYTESTONLYPOSKEYTESTONLYPOSK"
	return []document{
		{"store", 8, "", "The store verifies", ""},
		{"devices", 5, "totp code.1" + secret + "\ntotp code.2" + secret + " 1\n", "the lock is lifted", ""},
		{"inject", 6, "", "exit status 8", ""},
		{"fleet", 5, "", "every device is accounted for", "reveals klk.txt\n"},
	}
}

// TestDocumentsRun: the shell blocks of a page run as they stand, but for the cost of the passphrases.
func TestDocumentsRun(t *testing.T) {
	var files []string
	dir := t.TempDir()
	for _, d := range documents() {
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
		script := d.before + "exits 0 sh -eu run.sh\nstdout '" + d.says + "'\n" + d.after + "-- run.sh --\n" + run
		file := filepath.Join(dir, d.name+"_document.txtar")
		if err := os.WriteFile(file, []byte(script), 0o600); err != nil {
			t.Fatal(err)
		}
		files = append(files, file)
	}
	testscript.Run(t, testscript.Params{Files: files, Setup: setup, Cmds: commands(), RequireExplicitExec: true})
}
