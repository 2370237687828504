package host

// Who can reach a file, by its mode.

import (
	"errors"
	"io/fs"
	"os"
	"runtime"
)

// FileOf looks at one file or folder. Links are followed: what is reached counts. Windows has no modes.
func FileOf(path string) File {
	info, err := os.Stat(path)
	f := File{Path: path}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		f.There = known(false, "stat")
		return f
	case err != nil:
		f.There = unknown[bool](reason(err))
		return f
	}
	f.There, f.Folder, f.Mode, f.Own = known(true, "stat"), info.IsDir(), info.Mode().Perm(), owned(info)
	f.Sticky = info.Mode()&fs.ModeSticky != 0
	if runtime.GOOS == "windows" {
		f.OthersRead, f.OthersWrite, f.AnyoneWrite = unheard[bool](), unheard[bool](), unheard[bool]()
		return f
	}
	how := "mode " + octal(f.Mode)
	f.OthersRead = known(f.Mode&0o044 != 0, how)
	f.OthersWrite = known(f.Mode&0o022 != 0, how)
	f.AnyoneWrite = known(f.Mode&0o002 != 0, how)
	return f
}

// octal writes permission bits as chmod takes them.
func octal(m fs.FileMode) string {
	digits := [4]byte{'0', '0', '0', '0'}
	for i, bits := 3, m.Perm(); i > 0; i, bits = i-1, bits>>3 {
		digits[i] += byte(bits & 7)
	}
	return string(digits[:])
}

// reason is an error without the path in it, which the caller knows.
func reason(err error) string {
	var at *fs.PathError
	if errors.As(err, &at) {
		return at.Err.Error()
	}
	return err.Error()
}
