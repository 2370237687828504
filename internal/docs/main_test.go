package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"poskey/internal/cli"
	"poskey/internal/testvec"
)

func TestTheReferenceIsWhatTheCommandsSay(t *testing.T) {
	folder := filepath.Join(testvec.Root(t), "docs", "cli")
	pages := Pages(cli.Tree())
	if len(pages) < 20 {
		t.Fatalf("only %d pages", len(pages))
	}
	for name, want := range pages {
		got, err := os.ReadFile(filepath.Join(folder, name))
		if err != nil {
			t.Errorf("%v; run make docs", err)
			continue
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s is not what the command says; run make docs", name)
		}
	}
	files, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	if len(files) != len(pages) {
		t.Errorf("%d files for %d pages; run make docs", len(files), len(pages))
	}
}
