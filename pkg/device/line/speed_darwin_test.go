package line_test

import (
	"testing"

	"golang.org/x/sys/unix"
)

func speedOf(t *testing.T, fd int) uint32 {
	t.Helper()
	s, err := unix.IoctlGetTermios(fd, unix.TIOCGETA)
	if err != nil {
		t.Fatal(err)
	}
	return uint32(s.Ospeed)
}
