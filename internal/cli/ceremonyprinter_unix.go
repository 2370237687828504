//go:build linux || darwin || freebsd

package cli

// What a printer is to a Unix system.

import (
	"errors"
	"os"
	"syscall"
)

// openPatiently: a serial printer may have no carrier yet, and must not become the terminal of this process.
const openPatiently = syscall.O_NONBLOCK | syscall.O_NOCTTY

// wouldBlock: the device takes nothing now.
func wouldBlock(err error) bool { return errors.Is(err, syscall.EAGAIN) }

// deviceNumber is which device a file stands for. Its place in the folder may be made anew, when a cable is put in again.
func deviceNumber(info os.FileInfo) (uint64, bool) {
	s, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, false
	}
	return uint64(s.Rdev), true //nolint:unconvert // its type is another one in each system
}

func sameDevice(a, b os.FileInfo) bool {
	one, known := deviceNumber(a)
	two, ok := deviceNumber(b)
	return known && ok && one == two
}
