//go:build unix

package console

import (
	"errors"
	"os"
	"syscall"

	"golang.org/x/sys/unix"

	"poskey/internal/fault"
)

func openTTY() (*os.File, error) { return os.OpenFile("/dev/tty", os.O_RDWR, 0) }

// handedOver makes a terminal that was handed over readable without waiting, so that a read of it can be given up. Opening
// it once more would not do: /dev/tty is another terminal in another session, or none. The process that handed it over
// opened it for this and waits meanwhile; done makes it as it was for both.
func handedOver(tty *os.File) (own *os.File, done func(), err error) {
	fd, err := syscall.Dup(int(tty.Fd()))
	if err != nil {
		return nil, nil, fault.WrapAs(fault.Failure, err, "take the terminal that was handed over")
	}
	syscall.CloseOnExec(fd)
	if err := syscall.SetNonblock(fd, true); err != nil {
		_ = syscall.Close(fd)
		return nil, nil, fault.WrapAs(fault.Failure, err, "take the terminal that was handed over")
	}
	own = os.NewFile(uintptr(fd), tty.Name())
	return own, func() {
		_ = syscall.SetNonblock(int(tty.Fd()), false)
		_ = own.Close()
	}, nil
}

// errNothing: nothing was typed yet.
var errNothing = syscall.EAGAIN

// readable reports whether a read would not wait. It cannot be left to the read to say so: the open file is shared with the
// process that handed it over, which makes it one that waits (os.File.Fd).
func readable(fd int) bool {
	n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, 0)
	return err != nil || n > 0
}

// readNow reads what is there.
func readNow(fd int, p []byte) (int, error) {
	n, err := syscall.Read(fd, p)
	if errors.Is(err, syscall.EINTR) {
		err = errNothing
	}
	return max(n, 0), err
}
