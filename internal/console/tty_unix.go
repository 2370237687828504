//go:build unix

package console

import (
	"os"
	"syscall"

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
