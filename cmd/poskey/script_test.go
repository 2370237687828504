package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"poskey/internal/testcli"
)

const scriptDir = "testdata/script"

// TestMain is also poskey itself.
func TestMain(m *testing.M) { testcli.Main(m) }

// TestScripts runs the real command line, a process for every command. UPDATE_GOLDEN=1 rewrites what "cmp" compares with.
//
// Scripts call poskey by exits, expect, serve and signalled alone, never by exec: these look at the exact exit status,
// hold that a failing command changes no file, and keep every output for the search after the canary keys.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 scriptDir,
		Setup:               testcli.Setup,
		Cmds:                testcli.Commands(),
		UpdateScripts:       os.Getenv("UPDATE_GOLDEN") == "1",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
	})
}

// scripts gives the paths of all scripts; a moved folder must not turn the tests green.
func scripts(t *testing.T) []string {
	t.Helper()
	all, err := filepath.Glob(filepath.Join(scriptDir, "*.txtar"))
	if err != nil {
		t.Fatal(err)
	}
	if len(all) == 0 {
		t.Fatalf("no scripts in %s", scriptDir)
	}
	return all
}
