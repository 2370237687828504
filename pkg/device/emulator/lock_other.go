//go:build !unix

package emulator

import (
	"os"

	"poskey/internal/fault"
)

// lockDir keeps other processes away until unlock is called: only one can make the file.
func lockDir(name string) (unlock func() error, err error) {
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if os.IsExist(err) {
		return nil, fault.New(fault.Busy, "another process runs the terminal in this directory")
	}
	if err != nil {
		return nil, fault.WrapAs(fault.Failure, err, "the terminal's directory")
	}
	return func() error {
		_ = f.Close()
		return os.Remove(name)
	}, nil
}

// syncDir does nothing: directories cannot be synced here.
func syncDir(string) error { return nil }
