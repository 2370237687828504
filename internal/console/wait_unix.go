//go:build unix && !darwin

package console

import (
	"time"

	"golang.org/x/sys/unix"
)

// readable waits until something was typed, but not for long.
func readable(fd int, most time.Duration) bool {
	n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, int(most.Milliseconds()))
	return err == nil && n > 0
}
