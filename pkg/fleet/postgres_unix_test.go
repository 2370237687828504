//go:build unix

package fleet_test

import (
	"testing"

	"poskey/internal/testpg"
	"poskey/pkg/store"
)

// server is one of the test's own, which it may stop.
func server(t testing.TB, settings ...string) *testpg.Server {
	t.Helper()
	s, err := testpg.Start(settings...)
	must(t, err)
	t.Cleanup(func() { must(t, s.Remove()) })
	return s
}

func onServer(t testing.TB, s *testpg.Server) store.URL {
	t.Helper()
	u, err := store.ParseURL(s.URL(""))
	must(t, err)
	return u
}
