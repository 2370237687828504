//go:build !linux && !darwin && !freebsd && !netbsd && !openbsd && !dragonfly && !windows

package audit

import (
	"io"
	"os"

	"poskey/internal/fault"
)

// lockFile refuses: a log that two processes could write at once would be worth nothing.
func lockFile(*os.File, string) (io.Closer, error) {
	return nil, fault.New(fault.Failure, "this system has no lock for the audit log")
}
