//go:build !linux && !darwin && !freebsd && !netbsd && !openbsd && !dragonfly && !windows

package chained

import (
	"io"
	"os"
)

// Lock refuses: a record that two processes could write at once would be worth nothing.
func Lock(*os.File, string) (io.Closer, error) {
	return nil, ErrNoLock
}
