package console

import (
	"time"

	"golang.org/x/sys/unix"
)

// readable waits until something was typed, but not for long. This system's poll takes no terminals.
func readable(fd int, most time.Duration) bool {
	var in unix.FdSet
	if fd >= unix.FD_SETSIZE {
		return false
	}
	in.Set(fd)
	limit := unix.NsecToTimeval(most.Nanoseconds())
	n, err := unix.Select(fd+1, &in, nil, nil, &limit)
	return err == nil && n > 0
}
