//go:build linux || darwin || freebsd || openbsd

package line

import (
	"os"

	"golang.org/x/sys/unix"
)

// MakeRaw lets every byte through unchanged (no echo, no line editing: a tty would eat SI, SO and EOT) and throws away
// what an earlier user left in the line. It does not take the file out of the poller, as os.File.Fd would.
func MakeRaw(f *os.File) error { return control(f, makeRaw) }

func makeRaw(fd int) error {
	t, err := unix.IoctlGetTermios(fd, getTermios)
	if err != nil {
		return err
	}
	t.Iflag &^= unix.IGNBRK | unix.BRKINT | unix.PARMRK | unix.ISTRIP | unix.INLCR | unix.IGNCR | unix.ICRNL |
		unix.IXON | unix.IXOFF
	t.Oflag &^= unix.OPOST
	t.Lflag &^= unix.ECHO | unix.ECHONL | unix.ICANON | unix.ISIG | unix.IEXTEN
	t.Cflag &^= unix.CSIZE | unix.PARENB
	t.Cflag |= unix.CS8 | unix.CREAD | unix.CLOCAL
	t.Cc[unix.VMIN], t.Cc[unix.VTIME] = 1, 0
	if err := unix.IoctlSetTermios(fd, setTermios, t); err != nil {
		return err
	}
	return flush(fd)
}

// Polled gives the file under another descriptor that the poller watches, and closes the first. Code that asked a file
// for its descriptor has put it into blocking mode; a Read on such a file goes on after Close, until a byte comes.
func Polled(f *os.File) (*os.File, error) {
	conn, err := f.SyscallConn()
	if err != nil {
		return nil, err
	}
	fd, inner := -1, error(nil)
	if err := conn.Control(func(old uintptr) { fd, inner = unix.FcntlInt(old, unix.F_DUPFD_CLOEXEC, 0) }); err != nil {
		return nil, err
	}
	if inner != nil {
		return nil, inner
	}
	if err := unix.SetNonblock(fd, true); err != nil {
		_ = unix.Close(fd)
		return nil, err
	}
	polled := os.NewFile(uintptr(fd), f.Name())
	if err := f.Close(); err != nil {
		_ = polled.Close()
		return nil, err
	}
	return polled, nil
}
