//go:build unix

package testpg

import (
	"net"
	"os"
	"path/filepath"
	"testing"
)

func TestServerStartsStopsAndLeavesNothing(t *testing.T) {
	s, err := Start("fsync=off")
	if err != nil {
		t.Fatal(err)
	}
	socket := filepath.Join(s.dir, ".s.PGSQL.5432")
	answers := func() bool {
		c, err := net.Dial("unix", socket)
		if err != nil {
			return false
		}
		_ = c.Close()
		return true
	}
	if !answers() {
		t.Error("the server does not answer")
	}
	for _, stop := range []func() error{s.Down, s.Crash} {
		if err := stop(); err != nil || answers() {
			t.Errorf("stopping: %v", err)
		}
		if err := s.Up(); err != nil || !answers() {
			t.Fatalf("starting again: %v", err)
		}
	}
	if err := s.Remove(); err != nil || answers() {
		t.Errorf("removing: %v", err)
	}
	if _, err := os.Stat(s.dir); !os.IsNotExist(err) {
		t.Errorf("something is left: %v", err)
	}
}
