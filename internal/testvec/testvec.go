// Package testvec loads the published vectors that tests are held against, from testdata/vectors. An empty or missing
// file is fatal: a moved folder must not turn a suite green.
package testvec

import (
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Load decodes a vector file into a slice of T and fails the test when there is nothing in it.
func Load[T any](t testing.TB, name string) []T {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(root(t), "testdata", "vectors", name))
	if err != nil {
		t.Fatalf("vectors are missing: %v", err)
	}
	var all []T
	if err := json.Unmarshal(raw, &all); err != nil {
		t.Fatalf("vectors %s: %v", name, err)
	}
	if len(all) == 0 {
		t.Fatalf("vectors %s: the file is empty", name)
	}
	return all
}

// root finds the module's folder above the test's.
func root(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for ; ; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		if dir == filepath.Dir(dir) {
			t.Fatal("no go.mod above the test")
		}
	}
}

// Root gives the module's folder.
func Root(t testing.TB) string { return root(t) }

// Hex decodes hex or fails.
func Hex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// Upper encodes as upper-case hex.
func Upper(b []byte) string { return strings.ToUpper(hex.EncodeToString(b)) }
