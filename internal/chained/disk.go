package chained

// Small things about files.

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"runtime"
	"syscall"

	"poskey/internal/fault"
)

// What [Lock] says. Whoever asks puts it in words of their own.
var (
	ErrLocked = errors.New("another process has the lock")
	ErrNoLock = errors.New("this system has no lock for files")
)

// WriteAll writes everything or says why not.
func WriteAll(w io.Writer, p []byte) error {
	n, err := w.Write(p)
	if err == nil && n < len(p) {
		return io.ErrShortWrite
	}
	return err
}

// Alongside keeps an error as it is and adds another one if there is one.
func Alongside(err, more error) error {
	if more == nil {
		return err
	}
	return errors.Join(err, more)
}

// KindOf turns an error of the operating system into a kind.
func KindOf(err error) fault.Kind {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fault.NotFound
	case errors.Is(err, fs.ErrExist):
		return fault.FileExists
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS): // a read-only medium
		return fault.NotPermitted
	}
	return fault.KindOf(err)
}

// SyncDir makes a new name of a file last. Windows has no such call and keeps names in its journal.
func SyncDir(path string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
