package store_test

import (
	"path/filepath"
	"testing"

	"poskey/pkg/store"
	"poskey/pkg/store/storetest"
)

// file gives a place for a SQLite store; its name has what a URI would trip over.
func file(t *testing.T) store.URL {
	t.Helper()
	u, err := store.ParseURL("sqlite:" + filepath.Join(t.TempDir(), "a store ?#%41&x=1.db"))
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func parse(t testing.TB, s string) store.URL {
	t.Helper()
	u, err := store.ParseURL(s)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func TestSQLitePassesTheSuite(t *testing.T) { storetest.Run(t, file) }
