package console

import (
	"os"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"
)

// The requests that read and set the mode of a terminal.
const (
	getTermios = unix.TCGETS
	setTermios = unix.TCSETS
)

// flush drops what was typed and not read.
func flush(fd int) error { return unix.IoctlSetInt(fd, unix.TCFLSH, unix.TCIFLUSH) }

// stopSelf sends a signal to this very thread, so that it has come when the call returns. One that is sent to the process
// may go to another thread, which on a busy machine runs much later: by then this one had taken echo off again.
func stopSelf(s syscall.Signal) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	_ = unix.Tgkill(os.Getpid(), unix.Gettid(), s)
}
