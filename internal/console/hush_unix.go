//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package console

import (
	"os"
	"os/signal"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// echoOff has lines typed that nobody sees, also where a program before left the terminal in a mode without lines: Ctrl-C
// interrupts, and Enter ends a line. All else stays as it is.
func echoOff(fd int) error {
	mode, err := unix.IoctlGetTermios(fd, getTermios)
	if err != nil {
		return err
	}
	mode.Lflag &^= unix.ECHO | unix.ECHONL
	mode.Lflag |= unix.ICANON | unix.ISIG
	mode.Iflag |= unix.ICRNL
	return unix.IoctlSetTermios(fd, setTermios, mode)
}

// dark reports whether nothing that is typed is shown.
func dark(fd int) bool {
	mode, err := unix.IoctlGetTermios(fd, getTermios)
	return err == nil && mode.Lflag&unix.ECHO == 0
}

// echoOn is for a terminal that nobody else puts in order.
func echoOn(fd int) {
	mode, err := unix.IoctlGetTermios(fd, getTermios)
	if err != nil {
		return
	}
	mode.Lflag |= unix.ECHO
	_ = unix.IoctlSetTermios(fd, setTermios, mode)
}

// rawMode takes a terminal out of its line mode, without echo. Where signals are kept, Ctrl-C interrupts and Ctrl-Z stops:
// all in one step, or a key pressed between two would be a byte and no signal. A read gives nothing where there is
// nothing (VMIN 0): Ctrl-C drops what was typed, between the look whether there is something and the read too.
func rawMode(fd int, signals bool) error {
	mode, err := unix.IoctlGetTermios(fd, getTermios)
	if err != nil {
		return err
	}
	mode.Iflag &^= unix.IGNBRK | unix.BRKINT | unix.PARMRK | unix.ISTRIP | unix.INLCR | unix.IGNCR | unix.ICRNL | unix.IXON
	mode.Oflag &^= unix.OPOST
	mode.Lflag &^= unix.ECHO | unix.ECHONL | unix.ICANON | unix.ISIG | unix.IEXTEN
	if signals {
		mode.Lflag |= unix.ISIG
	}
	mode.Cflag = mode.Cflag&^(unix.CSIZE|unix.PARENB) | unix.CS8
	mode.Cc[unix.VMIN], mode.Cc[unix.VTIME] = 0, 0
	return unix.IoctlSetTermios(fd, setTermios, mode)
}

// foreground reports whether the terminal is this job's. One that belongs to another session has no jobs of this one.
func foreground(fd int) bool {
	group, err := unix.IoctlGetInt(fd, unix.TIOCGPGRP)
	return err != nil || group == unix.Getpgrp()
}

// stopGrace is how long a process runs on at most after it has sent itself a stop. One that nobody could continue (an
// orphaned process group) is not stopped by the system at all.
const stopGrace = 50 * time.Millisecond

// watch gives the terminal back when the job is stopped, as Ctrl-Z does, and takes echo off again when it goes on.
func (h *hush) watch() (unwind func()) {
	signals, over := make(chan os.Signal, 4), make(chan struct{})
	signal.Notify(signals, syscall.SIGCONT)
	if !signal.Ignored(syscall.SIGTSTP) { // one that is ignored stays so
		signal.Notify(signals, syscall.SIGTSTP)
	}
	go func() {
		for {
			select {
			case <-over:
				return
			case s := <-signals:
				h.mu.Lock()
				if s == syscall.SIGTSTP {
					h.stop(signals, over)
				}
				h.resume(over) // under the same lock: a question that begins in between would take the mode for its own
				h.mu.Unlock()
			}
		}
	}()
	return func() {
		signal.Stop(signals)
		close(over)
	}
}

// stop stops this process as the signal would have done, with the terminal as it was found. It does so by SIGTTOU, which
// stops on the same terms: the runtime of Go never puts the default of a signal back that was once asked for. The lock is
// held.
func (h *hush) stop(signals chan os.Signal, over chan struct{}) {
	select {
	case <-over:
	default:
		h.lighten()
	}
	stopSelf(syscall.SIGTTOU)
	select {
	case <-signals: // it goes on
	case <-time.After(stopGrace):
	}
}

// resume takes echo off after a stop, or shows the question again that is answered with echo; unless the dialogue is over,
// or the job goes on in the background. The lock is held.
func (h *hush) resume(over chan struct{}) {
	select {
	case <-over:
	default:
		switch {
		case !foreground(int(h.tty.Fd())):
		case h.dark:
			h.darken()
		case h.asked != "":
			_, _ = h.tty.WriteString(h.asked)
		}
	}
}
