package vault

// New files that are there as a whole or not at all.

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"

	"poskey/internal/fault"
)

// draft is a file under way: it is written beside its place under another name (PATH.part and digits) and has no other
// name before it is whole. Errors of its methods: file_exists, not_found (the folder), not_permitted, and what the disk says.
type draft struct {
	*os.File
	path string
}

// newDraft begins a file that only its owner can read.
func newDraft(path string) (*draft, error) {
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".part*") // mode 0600
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fault.New(fault.NotFound, "folder %s does not exist", filepath.Dir(path))
	case errors.Is(err, fs.ErrPermission):
		return nil, fault.WrapAs(fault.NotPermitted, err, "make %s", path)
	case err != nil:
		return nil, fault.WrapAs(fault.Failure, err, "make %s", path)
	}
	return &draft{f, path}, nil
}

// mustBeFree looks early for what place would refuse.
func mustBeFree(path string) error {
	if _, err := os.Lstat(path); err == nil {
		return isThere(path)
	}
	return nil
}

func isThere(path string) error {
	return fault.New(fault.FileExists, "%s is there already and is never overwritten", path)
}

// place gives the file its name when nobody has it, and returns when that is on the disk.
func (d *draft) place() error {
	err := d.Sync()
	if err == nil {
		err = os.Link(d.Name(), d.path)
	}
	if errors.Is(err, fs.ErrExist) {
		return isThere(d.path)
	}
	if err != nil {
		err = d.rename(err)
	}
	if err == nil {
		err = syncDir(filepath.Dir(d.path))
	}
	return fault.WrapAs(fault.KindOf(err), err, "write %s", d.path)
}

// rename is for file systems without links, such as those of USB sticks, which take only renaming. why is what linking
// failed with.
func (d *draft) rename(why error) error {
	var link *os.LinkError
	if !errors.As(why, &link) {
		return why
	}
	if _, err := os.Lstat(d.path); !errors.Is(err, fs.ErrNotExist) {
		return isThere(d.path)
	}
	return os.Rename(d.Name(), d.path)
}

// drop closes the draft and takes its own name away; the file keeps the one that place gave it.
func (d *draft) drop() {
	_ = d.Close()
	_ = os.Remove(d.Name()) // it was renamed, perhaps
}

// syncDir makes a new name of a file last. Windows has no such call and keeps names in its journal.
func syncDir(path string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
