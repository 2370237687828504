package emulator

// The terminal's directory: its owner's alone, held by one process, and no link in it is followed.

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"poskey/internal/fault"
)

// folder is an open directory. It stays that directory, whatever becomes of its name.
type folder struct {
	name   string
	root   *os.Root
	unlock func() error
}

// openFolder takes a directory, and makes it where it is missing. Errors: file_exposed for one that others may enter,
// or that is a link; busy when another process has it.
func openFolder(name string) (*folder, error) {
	name = filepath.Clean(name)
	if err := os.MkdirAll(name, 0o700); err != nil {
		return nil, fault.WrapAs(fault.Failure, err, "the terminal's directory")
	}
	seen, err := os.Lstat(name)
	if err != nil {
		return nil, fault.WrapAs(fault.Failure, err, "the terminal's directory")
	}
	if !seen.IsDir() {
		return nil, fault.New(fault.FileExposed, "the terminal's directory %s is a link: name the directory itself", name)
	}
	root, err := os.OpenRoot(name)
	if err != nil {
		return nil, fault.WrapAs(fault.Failure, err, "the terminal's directory")
	}
	f := &folder{name: name, root: root}
	if err := f.take(seen); err != nil {
		return nil, errors.Join(err, root.Close())
	}
	return f, nil
}

// take holds the directory against what was seen under its name, and keeps other processes away.
func (f *folder) take(seen fs.FileInfo) error {
	dir, err := f.root.Open(".")
	if err != nil {
		return fault.WrapAs(fault.Failure, err, "the terminal's directory")
	}
	info, err := dir.Stat()
	switch {
	case err != nil:
		err = fault.WrapAs(fault.Failure, err, "the terminal's directory")
	case !os.SameFile(seen, info):
		err = fault.New(fault.FileExposed, "the terminal's directory %s was exchanged while it was opened", f.name)
	case !ownAlone(info):
		err = fault.New(fault.FileExposed, "the terminal's directory %s has mode %o: it must be the user's own, and 0700",
			f.name, info.Mode().Perm())
	default:
		f.unlock, err = lockDir(f.root, dir)
	}
	if err != nil {
		return errors.Join(err, dir.Close())
	}
	return nil
}

func (f *folder) close() error { return errors.Join(f.unlock(), f.root.Close()) }

// open opens a regular file that is there. A link, to a file or to a directory, is none.
func (f *folder) open(name string, flags int) (*os.File, error) {
	seen, err := f.root.Lstat(name)
	if err != nil {
		return nil, err
	}
	if !seen.Mode().IsRegular() {
		return nil, notOurs(f.name, name)
	}
	file, err := f.root.OpenFile(name, flags, 0)
	if err != nil {
		return nil, err
	}
	if info, err := file.Stat(); err != nil || !os.SameFile(seen, info) {
		_ = file.Close()
		return nil, notOurs(f.name, name)
	}
	return file, nil
}

func notOurs(dir, name string) error {
	return fault.New(fault.FileExposed, "%s in the terminal's directory %s is no file of its own", name, dir)
}

// read reads a file up to a length.
func (f *folder) read(name string, most int64) ([]byte, error) {
	file, err := f.open(name, os.O_RDONLY)
	if err != nil {
		return nil, err
	}
	raw, err := io.ReadAll(io.LimitReader(file, most))
	return raw, errors.Join(err, file.Close())
}

// write puts a file in place whole or not at all. What a crash left under the temporary name is removed, not written
// to.
func (f *folder) write(name string, content []byte) error {
	temporary := name + ".new"
	if info, err := f.root.Lstat(temporary); err == nil && !info.IsDir() {
		if err := f.root.Remove(temporary); err != nil {
			return err
		}
	}
	file, err := f.root.OpenFile(temporary, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = file.Write(content)
	if err = errors.Join(err, file.Sync(), file.Close()); err != nil {
		return err
	}
	if err := f.root.Rename(temporary, name); err != nil {
		return err
	}
	return syncDir(f.root)
}

// destroy overwrites a file with zeros and removes it. It does what it can: the one may work where the other fails.
func (f *folder) destroy(name string, length int) error {
	file, err := f.open(name, os.O_WRONLY)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		_, err = file.Write(make([]byte, length))
		err = errors.Join(err, file.Sync(), file.Close())
	}
	return errors.Join(err, f.root.Remove(name), syncDir(f.root))
}
