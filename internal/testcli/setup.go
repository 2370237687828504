// Package testcli runs poskey's command line as people and programs do: scripts (testscript) whose commands hold exact exit
// statuses, terminals, printers and people who type, and a search of everything that a script leaves for the keys that it was
// given. It is for tests: those of cmd/poskey run its scripts, those of docs the shell blocks of the documents.
package testcli

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"poskey/internal/cli"
)

// Main is a test binary's TestMain, and poskey itself: a copy of the binary by that name, first on the scripts' PATH, runs the
// command line.
func Main(m *testing.M) {
	testscript.Main(m, map[string]func(){"poskey": func() { os.Exit(cli.Main(os.Args[1:])) }})
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

// Setup gives a script its environment, and what its commands remember.
func Setup(env *testscript.Env) error {
	s := &state{canaries: newSearch(env.WorkDir), servers: map[string]*server{}, bags: map[string]string{}, t: env.T().(testing.TB)}
	env.Values[stateKey{}] = s
	env.Setenv("GORACE", "atexit_sleep_ms=0") // the race runtime would sleep for a second at the end of every process
	env.Setenv("CANARY", Canary)
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
	formats := ReadFormats(t)
	env.Defer(func() {
		for _, h := range s.canaries.all {
			for _, unlisted := range append(formats.Unlisted(h.out), formats.Unlisted(h.err)...) {
				t.Errorf("%s: %s", h.label, unlisted)
			}
		}
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
