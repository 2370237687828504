package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"poskey/internal/cli"
)

const scriptDir = "testdata/script"

// TestMain is also poskey itself: a copy of the test binary by that name, first on the scripts' PATH, runs the command line.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"poskey": func() { os.Exit(cli.Main(os.Args[1:])) }})
}

// TestScripts runs the real command line, a process for every command. UPDATE_GOLDEN=1 rewrites what "cmp" compares with.
//
// Scripts call poskey by exits, expect, serve and signalled alone, never by exec: these look at the exact exit status,
// hold that a failing command changes no file, and keep every output for the search after the canary keys.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 scriptDir,
		Setup:               setup,
		Cmds:                commands(),
		UpdateScripts:       os.Getenv("UPDATE_GOLDEN") == "1",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
	})
}

// passed are the variables of a script's environment that its commands see. HOME is /no-home unless a script sets it:
// poskey needs no home.
func passed() []string {
	return []string{
		"PATH", "HOME", "TMPDIR", "WORK", "GORACE", "GOCOVERDIR", "GOTRACEBACK", "LANG", "LC_ALL", "LC_MESSAGES", "TERM",
		"NO_COLOR", "POSKEY_LANG", "POSKEY_ALLOW_ARGV_SECRETS", "CANARY", "CANARY2", "KEY",
		"SOFTHSM2_CONF", "POSKEY_STORE", "POSKEY_AGENT", "POSKEY_HSM", "XDG_DATA_HOME",
	}
}

type stateKey struct{}

// state is what one script's commands remember.
type state struct {
	canaries *search
	servers  map[string]*server
	t        testing.TB
	pg       any // the script's PostgreSQL
	printer  interface{ text() string }
	code     int64             // step of the last one-time code
	bags     map[string]string // of ceremonies, by key and part
	reaper   any               // of ceremonies
	offline  bool              // where ceremonies are played
	sealed   int               // bags that were taken from the box
}

// printed is what the script's printer has printed.
func (s *state) printed() string {
	if s.printer == nil {
		return ""
	}
	return s.printer.text()
}

func stateOf(ts *testscript.TestScript) *state { return ts.Value(stateKey{}).(*state) }

func setup(env *testscript.Env) error {
	s := &state{canaries: newSearch(env.WorkDir), servers: map[string]*server{}, bags: map[string]string{}, t: env.T().(testing.TB)}
	env.Values[stateKey{}] = s
	env.Setenv("GORACE", "atexit_sleep_ms=0") // the race runtime would sleep for a second at the end of every process
	env.Setenv("CANARY", canary)
	env.Setenv("CANARY2", canary2)
	if err := s.canaries.takeInputs(); err != nil {
		return err
	}
	agents, err := agentDir()
	if err != nil {
		return err
	}
	env.Setenv("AGENTS", agents)
	env.Setenv("STORE_URL", "sqlite:"+filepath.Join(env.WorkDir, "store.db"))
	env.Setenv("STORE_URL_2", "sqlite:"+filepath.Join(env.WorkDir, "elsewhere", "store.db"))
	env.Setenv("POSKEY_AGENT", filepath.Join(agents, "a"))
	t := env.T().(testing.TB)
	env.Defer(func() {
		for _, srv := range s.servers {
			srv.end()
		}
		for _, left := range endAgents(agents) {
			t.Error(left)
		}
		for _, found := range s.canaries.run() {
			t.Error(found)
		}
	})
	return nil
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
