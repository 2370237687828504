package agent

import (
	"os"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"poskey/internal/fault"
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

// watched refuses to work under a tracer, which sees and changes all that the process does: what prctl answers too, so
// the file of the kernel is asked. A tracer that changes what is read of that file as well is not found; only a system
// on which processes of one user cannot trace each other keeps it out (unguarded).
func watched() error {
	raw, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return fault.WrapAs(fault.NotPermitted, err, "the agent cannot tell whether it is watched")
	}
	for line := range strings.Lines(string(raw)) {
		if v, ok := strings.CutPrefix(line, "TracerPid:"); ok {
			if pid := strings.TrimSpace(v); pid != "0" {
				return fault.New(fault.NotPermitted, "process %s traces the agent and sees its memory; end it (it may be a debugger or strace)", pid)
			}
			return nil
		}
	}
	return fault.New(fault.NotPermitted, "the agent cannot tell whether it is watched")
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
	raw, err := os.ReadFile("/proc/sys/kernel/yama/ptrace_scope")
	if err != nil {
		return true
	}
	scope, err := strconv.Atoi(strings.TrimSpace(string(raw)))
	return err != nil || scope == 0
}

// lockProblem makes a secret and asks what became of it.
func lockProblem() error {
	secret.New(1).Wipe()
	return secret.LockError()
}
