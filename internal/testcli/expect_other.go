//go:build !(linux || darwin || freebsd || netbsd || openbsd || dragonfly)

package testcli

import (
	"os"
	"os/exec"

	"github.com/rogpeppe/go-internal/testscript"
)

// terminalCommands: terminals and signals are for unix; scripts that need them begin with [!unix] skip.
func terminalCommands() map[string]func(*testscript.TestScript, bool, []string) { return nil }

func detach(*exec.Cmd) {}

func killAll(c *exec.Cmd) { _ = c.Process.Kill() }

func cmdPostgres(ts *testscript.TestScript, _ bool, _ []string) { ts.Fatalf("there is no server here") }

// agentDir: there are no agents here.
func agentDir() (string, error) { return "", nil }

func endAgents(string) []string { return nil }

func peakKB(*os.ProcessState) int64 { return 0 }

type server struct{}

func (*server) end() {}
