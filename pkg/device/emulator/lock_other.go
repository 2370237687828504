//go:build !unix

package emulator

import (
	"errors"
	"io/fs"
	"os"

	"poskey/internal/fault"
)

const lockFile = "lock"

// ownAlone knows nothing of owners here: the directory has the rights of the one it lies in.
func ownAlone(fs.FileInfo) bool { return true }

// lockDir keeps other processes away until unlock is called: only one can make the file. On success the directory is
// closed by unlock.
func lockDir(root *os.Root, dir *os.File) (unlock func() error, err error) {
	f, err := root.OpenFile(lockFile, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil, fault.New(fault.Busy, "another process runs the terminal in this directory")
	}
	if err != nil {
		return nil, fault.WrapAs(fault.Failure, err, "the terminal's directory")
	}
	return func() error { return errors.Join(f.Close(), root.Remove(lockFile), dir.Close()) }, nil
}

// syncDir does nothing: directories cannot be synced here.
func syncDir(*os.Root) error { return nil }
