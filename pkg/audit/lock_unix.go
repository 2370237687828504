//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package audit

import (
	"errors"
	"io"
	"os"
	"syscall"

	"poskey/internal/fault"
)

// lockFile keeps every other process out. The kernel lets the lock go with the file, also after kill -9.
func lockFile(f *os.File, _ string) (io.Closer, error) {
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
		return nil, fault.New(fault.Busy, "another process has the audit log open")
	}
	return nil, errors.Join(err, locked)
}
