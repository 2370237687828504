//go:build unix

package main

import (
	"os"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"poskey/internal/testcli"
)

// TestStoryOnPostgreSQL is the story of a store, unchanged, on a server.
func TestStoryOnPostgreSQL(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Files:               []string{scriptDir + "/story_custody.txtar"},
		Setup:               testcli.SetupOnPostgreSQL,
		Cmds:                testcli.Commands(),
		UpdateScripts:       os.Getenv("UPDATE_GOLDEN") == "1",
		RequireExplicitExec: true,
	})
}
