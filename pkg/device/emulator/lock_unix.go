//go:build unix

package emulator

import (
	"errors"
	"os"
	"syscall"

	"poskey/internal/fault"
)

// lockDir keeps other processes away until unlock is called.
func lockDir(name string) (unlock func() error, err error) {
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fault.WrapAs(fault.Failure, err, "the terminal's directory")
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = f.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, fault.New(fault.Busy, "another process runs the terminal in this directory")
		}
		return nil, fault.WrapAs(fault.Failure, err, "the terminal's directory")
	}
	return f.Close, nil
}

// syncDir makes a renaming last.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
