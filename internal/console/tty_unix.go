//go:build unix

package console

import (
	"os"
	"syscall"
)

func openTTY() (*os.File, error) { return os.OpenFile("/dev/tty", os.O_RDWR, 0) }

// readNow reads what is there to be read. A terminal that was handed over is read by its descriptor: opening it once more
// would not do, since /dev/tty is another terminal in another session, or none.
func readNow(fd int, p []byte) (int, error) {
	n, err := syscall.Read(fd, p)
	return max(n, 0), err
}

// handable tells whether a terminal can be handed over on this system.
func handable() error { return nil }
