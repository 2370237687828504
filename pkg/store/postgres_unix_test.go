//go:build unix

package store_test

import (
	"fmt"
	"os"
	"sync/atomic"
	"testing"

	"poskey/internal/testpg"
	"poskey/pkg/store"
	"poskey/pkg/store/storetest"
)

// cluster is one for all tests of the binary but those that stop it.
type cluster struct {
	server  *testpg.Server
	schemas atomic.Int64
}

var shared cluster

func TestMain(m *testing.M) {
	if path := os.Getenv(childMark); path != "" {
		os.Exit(child(path))
	}
	if os.Getenv("POSKEY_TEST_CHILD") != "" { // a test in a process of its own needs no server
		os.Exit(m.Run())
	}
	var err error
	if shared.server, err = testpg.Start("fsync=off"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	if err := shared.server.Remove(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// schema gives a place on the shared server.
func schema(t *testing.T) store.URL {
	t.Helper()
	return parse(t, shared.server.URL(fmt.Sprintf("test_%d", shared.schemas.Add(1))))
}

func TestPostgreSQLPassesTheSuite(t *testing.T) { storetest.Run(t, schema) }
