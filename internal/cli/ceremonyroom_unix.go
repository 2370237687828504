//go:build linux || darwin || freebsd

package cli

// What a room looks like to a Unix system.

import (
	"os"
	"strings"
	"syscall"
)

// openPatiently: a serial printer may have no carrier yet, and must not become the terminal of this process.
const openPatiently = syscall.O_NONBLOCK | syscall.O_NOCTTY

// diskFree is how many bytes a user may still write there.
func diskFree(dir string) (uint64, error) {
	var s syscall.Statfs_t
	if err := syscall.Statfs(dir, &s); err != nil {
		return 0, err
	}
	return uint64(s.Bavail) * uint64(s.Bsize), nil
}

// swapsOn names what memory is swapped to, where the system tells it in a file.
func swapsOn() []string {
	raw, err := os.ReadFile("/proc/swaps")
	if err != nil {
		return nil
	}
	var all []string
	lines := strings.Split(strings.TrimSpace(string(raw)), "\n")
	for _, line := range lines[1:] {
		if f := strings.Fields(line); len(f) > 0 {
			all = append(all, f[0])
		}
	}
	return all
}
