//go:build unix

package emulator

import (
	"errors"
	"io/fs"
	"os"
	"syscall"

	"poskey/internal/fault"
)

// ownAlone reports whether a directory is the user's own, and nobody else enters it.
func ownAlone(info fs.FileInfo) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(stat.Uid) == os.Geteuid() && info.Mode().Perm() == 0o700
}

// lockDir keeps other processes away until unlock is called. The lock is on the directory itself: there is no file that
// somebody could remove. On success the directory is closed by unlock.
func lockDir(_ *os.Root, dir *os.File) (unlock func() error, err error) {
	if err := syscall.Flock(int(dir.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, fault.New(fault.Busy, "another process runs the terminal in this directory")
		}
		return nil, fault.WrapAs(fault.Failure, err, "the terminal's directory")
	}
	return dir.Close, nil
}

// syncDir makes a renaming last.
func syncDir(root *os.Root) error {
	d, err := root.Open(".")
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
