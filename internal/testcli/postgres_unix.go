//go:build unix

package testcli

import (
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"poskey/internal/testpg"
)

// startPostgres starts a server that goes with the script, after its secrets were searched for.
func startPostgres(t testing.TB) *testpg.Server {
	t.Helper()
	pg, err := testpg.Start("fsync=off")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := pg.Remove(); err != nil {
			t.Error(err)
		}
	})
	return pg
}

// cmdPostgres starts, stops and starts again:
//
//	postgres          a PostgreSQL; sets POSKEY_STORE to a schema of it, and POSKEY_STORE_2 to another one
//	postgres down     it is stopped
//	postgres up       it runs again
func cmdPostgres(ts *testscript.TestScript, neg bool, args []string) {
	noNegation(ts, neg)
	s := stateOf(ts)
	switch {
	case len(args) == 0 && s.pg == nil:
		pg := startPostgres(s.t)
		s.pg = pg
		for name, schema := range map[string]string{"POSKEY_STORE": "one", "POSKEY_STORE_2": "two"} {
			ts.Setenv(name, pg.URL(schema))
			s.canaries.stores = append(s.canaries.stores, pg.URL(schema))
		}
	case len(args) == 1 && args[0] == "down" && s.pg != nil:
		ts.Check(s.pg.(*testpg.Server).Down())
	case len(args) == 1 && args[0] == "up" && s.pg != nil:
		ts.Check(s.pg.(*testpg.Server).Up())
	default:
		ts.Fatalf("usage: postgres [down|up]")
	}
}

// SetupOnPostgreSQL is Setup with a server of the script's own: its two stores are there.
func SetupOnPostgreSQL(env *testscript.Env) error {
	if err := Setup(env); err != nil {
		return err
	}
	s := env.Values[stateKey{}].(*state)
	pg := startPostgres(s.t)
	env.Setenv("XDG_DATA_HOME", env.WorkDir+"/data")
	for name, schema := range map[string]string{"STORE_URL": "one", "STORE_URL_2": "two"} {
		env.Setenv(name, pg.URL(schema))
		s.canaries.stores = append(s.canaries.stores, pg.URL(schema))
	}
	return nil
}
