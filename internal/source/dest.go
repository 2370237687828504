package source

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"poskey/internal/fault"
	"poskey/internal/text"
)

// ParseDEST takes a DEST apart. Errors do not repeat what stands behind a colon: it may be hex:, given by mistake.
func ParseDEST(s string) (Spec, error) {
	kind, arg, ok := strings.Cut(s, ":")
	if ok {
		s = kind + ":"
	}
	if ok && arg != "" {
		switch k := Kind(kind); k {
		case File, Block, Store:
			return Spec{k, arg}, nil
		}
	}
	return Spec{}, fault.New(fault.Usage, "a destination is store:LABEL, block:PATH (a key block, with --kbpk) or file:PATH (clear, with --reveal), not %q", text.Redact(s))
}

// CheckNew makes sure, before any work is done, that a file can be made: it is not there and its folder is.
func CheckNew(path string) error {
	if _, err := os.Lstat(path); err == nil {
		return fault.New(fault.FileExists, "%s exists; poskey never overwrites a file", path)
	}
	info, err := os.Stat(filepath.Dir(path))
	if err != nil || !info.IsDir() {
		return fault.New(fault.NotFound, "folder %s does not exist", filepath.Dir(path))
	}
	return nil
}

// WriteNew makes a file that only its owner can read, writes it, reads it back and compares; whatever goes wrong, no
// half-written file stays. An existing file is never touched.
func WriteNew(path string, content []byte) (err error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return createError(err, path)
	}
	defer func() {
		if cerr := f.Close(); err == nil && cerr != nil {
			err = fault.WrapAs(fault.Failure, cerr, "close %s", path)
		}
		if err != nil {
			_ = os.Remove(path)
		}
	}()
	_ = f.Chmod(0o600) // whatever the umask took away, its owner must be able to read it; some file systems have no modes
	if _, err := f.Write(content); err != nil {
		return fault.WrapAs(fault.Failure, err, "write %s", path)
	}
	if err := f.Sync(); err != nil {
		return fault.WrapAs(fault.Failure, err, "write %s", path)
	}
	back := make([]byte, len(content)+1)
	defer clear(back)
	n, _ := f.ReadAt(back, 0)
	if n != len(content) || !bytes.Equal(back[:n], content) {
		return fault.New(fault.Failure, "%s does not hold what was written to it", path)
	}
	return nil
}

func createError(err error, path string) error {
	switch {
	case errors.Is(err, fs.ErrExist):
		return fault.New(fault.FileExists, "%s exists; poskey never overwrites a file", path)
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS):
		return fault.New(fault.NotPermitted, "%s may not be written", path)
	case errors.Is(err, fs.ErrNotExist):
		return fault.New(fault.NotFound, "folder %s does not exist", filepath.Dir(path))
	}
	return fault.WrapAs(fault.Failure, err, "make %s", path)
}

// MakeDir makes a folder that only its owner can enter, or takes an existing one as it is. It tells whether it made it,
// so that a failed command can take it away again.
func MakeDir(path string) (made bool, err error) {
	err = os.Mkdir(path, 0o700)
	switch {
	case err == nil:
		return true, nil
	case errors.Is(err, fs.ErrExist):
		info, err := os.Stat(path)
		if err != nil || !info.IsDir() {
			return false, fault.New(fault.FileExists, "%s exists and is no folder", path)
		}
		return false, nil
	}
	return false, createError(err, path)
}
