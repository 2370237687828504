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

// TestStoreDocumentRuns: the shell blocks of docs/store.md run one after the other, as they stand but for the cost of the
// passphrases.
func TestStoreDocumentRuns(t *testing.T) {
	page, err := os.ReadFile(filepath.Join(testvec.Root(t), "docs", "store.md"))
	if err != nil {
		t.Fatal(err)
	}
	var blocks []string
	for _, m := range regexp.MustCompile("(?ms)^```sh\n(.*?)^```$").FindAllStringSubmatch(string(page), -1) {
		blocks = append(blocks, m[1])
	}
	if len(blocks) < 8 {
		t.Fatalf("docs/store.md has %d shell blocks", len(blocks))
	}
	run := strings.ReplaceAll(strings.Join(blocks, ""), "poskey officer new ", "poskey officer new --kdf-memory 64 ")
	script := "exits 0 sh -eu run.sh\nstdout 'The store verifies'\n-- run.sh --\n" + run
	file := filepath.Join(t.TempDir(), "store_document.txtar")
	if err := os.WriteFile(file, []byte(script), 0o600); err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{Files: []string{file}, Setup: setup, Cmds: commands(), RequireExplicitExec: true})
}
