//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package chained

import (
	"errors"
	"io"
	"os"
	"syscall"
)

// Lock keeps every other process out of a file. The kernel lets the lock go with the file, also after kill -9.
// There is nothing to close. Errors: ErrLocked.
func Lock(f *os.File, _ string) (io.Closer, error) {
	conn, err := f.SyscallConn()
	if err != nil {
		return nil, err
	}
	var locked error
	err = conn.Control(func(fd uintptr) {
		for locked = syscall.EINTR; errors.Is(locked, syscall.EINTR); {
			locked = syscall.Flock(int(fd), syscall.LOCK_EX|syscall.LOCK_NB)
		}
	})
	if errors.Is(locked, syscall.EWOULDBLOCK) {
		return nil, ErrLocked
	}
	return nil, errors.Join(err, locked)
}
