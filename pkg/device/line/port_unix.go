//go:build linux || darwin || freebsd || openbsd

package line

import (
	"errors"
	"io/fs"
	"os"

	"go.bug.st/serial"
	"golang.org/x/sys/unix"
)

// Port is a terminal line of this machine: a serial port or a pseudo-terminal.
//
// It has two descriptors. Bytes go through a file that the poller watches, so that Close ends a Read or Write that
// waits; go.bug.st/serial has the other, for speed, mode and wires. The file also carries the lock (flock) that keeps a
// second station away. The kernel's own exclusive mode is set as well, but it does not bind root. The lock ends with
// Close, and with the process.
type Port struct {
	*os.File
	control serial.Port
	baud    int
	mode    string
}

// Close gives the line and its lock back.
func (p *Port) Close() error { return errors.Join(p.control.Close(), p.File.Close()) }

func openPort(path string, mode *serial.Mode, isPTY bool) (*Port, error) {
	f, err := openLocked(path)
	if err != nil {
		return nil, err
	}
	control, err := serial.Open(path, mode)
	if err != nil {
		_ = f.Close()
		return nil, portFault(err, path)
	}
	p := &Port{File: f, control: control}
	if err := p.prepare(isPTY); err != nil {
		_ = p.Close()
		return nil, portFault(err, path)
	}
	return p, nil
}

// openLocked opens the file and locks it. O_NONBLOCK keeps the opening from waiting for a carrier.
func openLocked(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK, 0)
	switch {
	case errors.Is(err, unix.EBUSY):
		return nil, busy(path)
	case errors.Is(err, fs.ErrPermission):
		return nil, denied(path)
	case err != nil:
		return nil, portFault(err, path)
	}
	switch err := control(f, func(fd int) error { return unix.Flock(fd, unix.LOCK_EX|unix.LOCK_NB) }); {
	case errors.Is(err, unix.EWOULDBLOCK):
		_ = f.Close()
		return nil, busy(path)
	case err != nil:
		_ = f.Close()
		return nil, portFault(err, path)
	}
	return f, nil
}

// prepare raises the wires and throws away what an earlier user left in the line. On a pseudo-terminal the exclusive
// mode is taken back: it would outlive a process that is killed, because the other end keeps the line open.
func (p *Port) prepare(isPTY bool) error {
	if !isPTY {
		raiseLines(p.control)
		return control(p.File, flush)
	}
	return control(p.File, func(fd int) error {
		return errors.Join(unix.IoctlSetInt(fd, unix.TIOCNXCL, 0), flush(fd))
	})
}

// control runs a system call on a file without taking it out of the poller, as os.File.Fd would.
func control(f *os.File, call func(fd int) error) error {
	conn, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var inner error
	if err := conn.Control(func(fd uintptr) { inner = call(int(fd)) }); err != nil {
		return err
	}
	return inner
}
