//go:build darwin || freebsd || openbsd

package line

import "golang.org/x/sys/unix"

const (
	getTermios = unix.TIOCGETA
	setTermios = unix.TIOCSETA
)

// flush throws away both directions: 0 means so for TIOCFLUSH (tty(4)).
func flush(fd int) error { return unix.IoctlSetPointerInt(fd, unix.TIOCFLUSH, 0) }
