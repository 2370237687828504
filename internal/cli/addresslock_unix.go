//go:build linux || darwin || freebsd

package cli

import (
	"errors"
	"io"
	"os"
	"syscall"
)

// noFollow: the folder is the user's own, and a link in it is none that poskey made.
const noFollow = syscall.O_NOFOLLOW

// lockByte locks a byte of a file for this process; false when another one has it.
func lockByte(f *os.File, at int64) (bool, error) {
	err := setLock(f, at, syscall.F_WRLCK)
	if errors.Is(err, syscall.EAGAIN) || errors.Is(err, syscall.EACCES) {
		return false, nil
	}
	return err == nil, err
}

func unlockByte(f *os.File, at int64) { _ = setLock(f, at, syscall.F_UNLCK) }

func setLock(f *os.File, at int64, kind int16) error {
	for {
		err := syscall.FcntlFlock(f.Fd(), syscall.F_SETLK, &syscall.Flock_t{Type: kind, Whence: io.SeekStart, Start: at, Len: 1})
		if !errors.Is(err, syscall.EINTR) {
			return err
		}
	}
}
