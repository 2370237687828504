package cli

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// released lists the systems that releases are made for.
func released() []string { return []string{"linux", "darwin", "windows"} }

// TestWhatASystemRefusesIsKnown: with a new command somebody decides where it runs.
func TestWhatASystemRefusesIsKnown(t *testing.T) {
	looking := map[string]bool{}
	count := 0
	var walk func(*cobra.Command)
	walk = func(cmd *cobra.Command) {
		for _, c := range cmd.Commands() {
			walk(c)
		}
		if cmd.HasSubCommands() || !cmd.Runnable() {
			return
		}
		count++
		words := strings.TrimPrefix(cmd.CommandPath(), "poskey ")
		if !serves("linux", words) || !serves("darwin", words) {
			t.Errorf("poskey %s is refused on a system that guards keys", words)
		}
		if serves("windows", words) {
			looking[words] = true
		}
	}
	root := Tree()
	walk(root)
	for _, words := range []string{"kcv check", "keyblock inspect", "keyblock verify", "diagnose kcv", "diagnose log", "code",
		"device status", "version"} {
		if !looking[words] {
			t.Errorf("poskey %s does not run on windows", words)
		}
	}
	for words := range looking {
		branch, _, _ := strings.Cut(words, " ")
		if slices.Contains([]string{"generate", "split", "combine", "officer", "store", "key", "keyset", "inject", "fleet",
			"hsm", "audit", "custody", "incident"}, branch) {
			t.Errorf("poskey %s runs on windows, where keys cannot be guarded", words)
		}
	}
	if count < 60 {
		t.Errorf("only %d commands", count)
	}
	for _, words := range append(lookingBranches(), lookingCommands()...) {
		if cmd, _, err := root.Find(strings.Fields(words)); err != nil || cmd == root {
			t.Errorf("there is no command %q", words)
		}
	}
}

// TestEveryCommandIsBuiltForEverySystem: a command is refused by words, never left out by a build tag.
func TestEveryCommandIsBuiltForEverySystem(t *testing.T) {
	commands, err := filepath.Glob("cmd_*.go")
	if err != nil || len(commands) < 60 {
		t.Fatalf("%d files of commands, error %v", len(commands), err)
	}
	for _, goos := range released() {
		list := exec.Command("go", "list", "-f", "{{range .GoFiles}}{{.}}\n{{end}}", ".")
		list.Env = append(os.Environ(), "GOOS="+goos, "CGO_ENABLED=0")
		out, err := list.Output()
		if err != nil {
			t.Fatal(err)
		}
		built := strings.Fields(string(out))
		for _, name := range commands {
			if !strings.HasSuffix(name, "_test.go") && !slices.Contains(built, name) {
				t.Errorf("%s is not built for %s", name, goos)
			}
		}
	}
}
