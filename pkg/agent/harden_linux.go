package agent

import (
	"os"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"

	"poskey/internal/fault"
	"poskey/internal/host"
	"poskey/internal/secret"
)

// harden makes the process undumpable and without core files, and looks whether it is. weak says why secrets are not in
// locked memory, if they are not.
func harden() (weak, err error) {
	unix.Umask(0o077)
	if err := secret.HardenProcess(); err != nil {
		return nil, fault.WrapAs(fault.NotPermitted, err, "the agent cannot protect its memory from other processes")
	}
	if err := watched(); err != nil {
		return nil, err
	}
	dumpable, err := unix.PrctlRetInt(unix.PR_GET_DUMPABLE, 0, 0, 0, 0)
	if err != nil || dumpable != 0 {
		return nil, fault.New(fault.NotPermitted, "the agent's memory can be dumped, and the system does not change that")
	}
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_CORE, &limit); err != nil || limit.Cur != 0 || limit.Max != 0 {
		return nil, fault.New(fault.NotPermitted, "the system would still write core files of the agent")
	}
	if err := closedToOthers(); err != nil {
		return nil, err
	}
	return lockProblem(), nil
}

// watched refuses to work under a tracer, which sees and changes all that the process does. One that hides itself is kept
// out only by a system on which processes of one user cannot trace each other (unguarded).
func watched() error {
	switch by := host.Tracer(); {
	case !by.Known:
		return fault.New(fault.NotPermitted, "the agent cannot tell whether it is watched")
	case by.Value != 0:
		return fault.New(fault.NotPermitted, "process %s traces the agent and sees its memory; end it (it may be a debugger or strace)",
			strconv.Itoa(by.Value))
	}
	return nil
}

// closedToOthers looks at whom the kernel lets into the process: of one that is undumpable, root owns the files.
func closedToOthers() error {
	info, err := os.Stat("/proc/self/environ")
	if err != nil {
		return fault.WrapAs(fault.NotPermitted, err, "the agent cannot tell who may look into it")
	}
	if at, ok := info.Sys().(*syscall.Stat_t); !ok || at.Uid != 0 {
		return fault.New(fault.NotPermitted, "the agent's memory can be looked into by other programs of the same user")
	}
	return nil
}

// unguarded tells that the system lets programs of one user trace each other: one that waited for the agent to be born
// may have done so unseen.
func unguarded() bool {
	scope := host.PtraceScope()
	return !scope.Known || scope.Value == 0
}

// lockProblem makes a secret and asks what became of it.
func lockProblem() error {
	secret.New(1).Wipe()
	return secret.LockError()
}
