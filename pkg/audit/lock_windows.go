package audit

import (
	"errors"
	"io"
	"os"
	"syscall"

	"poskey/internal/fault"
)

// lockFile keeps every other process out by a file beside the log that nobody else may open meanwhile. The system
// closes it with the process.
func lockFile(_ *os.File, path string) (io.Closer, error) {
	name, err := syscall.UTF16PtrFromString(path + ".lock")
	if err != nil {
		return nil, err
	}
	const sharingViolation = syscall.Errno(32) // ERROR_SHARING_VIOLATION
	h, err := syscall.CreateFile(name, syscall.GENERIC_READ|syscall.GENERIC_WRITE, 0, nil, syscall.OPEN_ALWAYS,
		syscall.FILE_ATTRIBUTE_NORMAL, 0)
	if errors.Is(err, sharingViolation) {
		return nil, fault.New(fault.Busy, "another process has the audit log open")
	}
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(h), path+".lock"), nil
}
