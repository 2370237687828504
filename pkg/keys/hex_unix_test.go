//go:build unix

package keys

import (
	"testing"

	"golang.org/x/sys/unix"

	"poskey/internal/fault"
)

// TestInputOf100MBIsRefusedUnread hands over memory that cannot be read: touching one byte of it would end the process.
func TestInputOf100MBIsRefusedUnread(t *testing.T) {
	mem, err := unix.Mmap(-1, 0, 100<<20, unix.PROT_NONE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = unix.Munmap(mem) }()
	sec, err := ParseHex(mem)
	wantKind(t, err, fault.TooLarge)
	if sec != nil {
		t.Error("an error came with a key")
	}
}
