package console

// Whose a terminal is that was handed over. The reader belongs to another session, where the system does not tell the
// foreground job of the terminal (TIOCGPGRP). What the two processes share is the open file; it carries the process that
// handed it over (fcntl F_SETOWN, which does nothing else without O_ASYNC), and /proc tells of that one.

import (
	"bytes"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// claim marks a terminal as this process's, for one that it will be handed to.
func claim(fd int) { _, _ = unix.FcntlInt(uintptr(fd), unix.F_SETOWN, os.Getpid()) }

// owner is the process that handed a terminal over; 0 where nobody said.
type owner int

func ownerOf(fd int) owner {
	pid, err := unix.FcntlInt(uintptr(fd), unix.F_GETOWN, 0)
	if err != nil || pid < 0 {
		return 0
	}
	return owner(pid)
}

func (o owner) known() bool { return o != 0 }

// foreground reports whether the job of the owner has the terminal. One that nobody claimed is the reader's.
func (o owner) foreground(fd int) bool {
	if !o.known() {
		return true
	}
	if ownerOf(fd) != o {
		return false // it has gone
	}
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(int(o)) + "/stat")
	return err != nil || hasTerminal(stat) // where /proc hides it (hidepid), the mode of the terminal has to tell
}

// Fields of /proc/PID/stat after the name in brackets (proc_pid_stat(5)).
const (
	statState = iota
	_         // its parent
	statGroup
	_ // its session
	statTerminal
	statForeground
	statFields
)

// hasTerminal reads whether a process is in the foreground of its terminal. One without a terminal was not stopped by any
// shell's doing.
func hasTerminal(stat []byte) bool {
	f := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:]) // the name may hold anything
	if len(f) < statFields {
		return true
	}
	if s := string(f[statState]); s == "Z" || s == "X" {
		return false
	}
	return string(f[statTerminal]) == "0" || bytes.Equal(f[statGroup], f[statForeground])
}
