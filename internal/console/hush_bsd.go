//go:build darwin || freebsd || netbsd || openbsd || dragonfly

package console

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// The requests that read and set the mode of a terminal.
const (
	getTermios = unix.TIOCGETA
	setTermios = unix.TIOCSETA
)

// inputQueue names what was typed and not read (FREAD).
const inputQueue = 1

// flush drops what was typed and not read.
func flush(fd int) error { return unix.IoctlSetPointerInt(fd, unix.TIOCFLUSH, inputQueue) }

// stopSelf sends a signal to this process; there is no call for this thread alone.
func stopSelf(s syscall.Signal) { _ = syscall.Kill(syscall.Getpid(), s) }
