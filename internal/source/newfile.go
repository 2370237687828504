package source

import (
	"io"
	"os"
	"path/filepath"

	"poskey/internal/fault"
)

// Fill makes a file that only its owner can read and lets fill write it, however long it gets; whatever goes wrong, no
// half-written file stays. An existing file is never touched. It returns when the file is on the disk.
func Fill(path string, fill func(io.Writer) error) (err error) {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
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
	_ = f.Chmod(0o600) // as WriteNew does
	if err := fill(f); err != nil {
		return err
	}
	return fault.WrapAs(fault.Failure, f.Sync(), "write %s", path)
}

// Replace puts other content in the place of a file, so that there is always a whole one: the new file is written beside
// the old one and proved before it takes the name. prove is handed the new file's path. What a crash leaves beside the
// old file is never overwritten: file_exists.
func Replace(path string, content []byte, prove func(path string) error) error {
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		return OpenError(err, path)
	}
	beside := real + ".new"
	if err := WriteNew(beside, content); err != nil {
		return err
	}
	err = prove(beside)
	if err == nil {
		err = fault.WrapAs(fault.Failure, os.Rename(beside, real), "replace %s", path)
	}
	if err != nil {
		_ = os.Remove(beside)
		return err
	}
	syncDir(filepath.Dir(real))
	return nil
}

// syncDir makes a new name last. Not every system can; the file itself is on the disk already.
func syncDir(path string) {
	d, err := os.Open(path)
	if err != nil {
		return
	}
	_ = d.Sync()
	_ = d.Close()
}
