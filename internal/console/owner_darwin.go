package console

// Whose a terminal is that was handed over. The reader belongs to another session, where the system does not tell the
// foreground job of the terminal (TIOCGPGRP); the table of processes does. Nothing tells which job handed it over: it is
// taken to be the one that has it when the asking begins.

import "golang.org/x/sys/unix"

// claim: nothing is needed here.
func claim(int) {}

// owner is the job that handed a terminal over, a process group; 0 where nobody has it.
type owner int32

func ownerOf(fd int) owner {
	var at unix.Stat_t
	if err := unix.Fstat(fd, &at); err != nil {
		return 0
	}
	all, err := unix.SysctlKinfoProcSlice("kern.proc.tty", int(at.Rdev))
	if err != nil || len(all) == 0 {
		return 0
	}
	return owner(all[0].Eproc.Tpgid)
}

// known: echo is not waited for, since a job that is taken for the owner need not be one that takes it off.
func (o owner) known() bool { return false }

// foreground reports whether the job has the terminal. One that nobody has is the reader's.
func (o owner) foreground(fd int) bool {
	now := ownerOf(fd)
	return o == 0 || now == 0 || now == o
}
