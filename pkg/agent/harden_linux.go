package agent

import (
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
	dumpable, err := unix.PrctlRetInt(unix.PR_GET_DUMPABLE, 0, 0, 0, 0)
	if err != nil || dumpable != 0 {
		return nil, fault.New(fault.NotPermitted, "the agent's memory can be dumped, and the system does not change that")
	}
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_CORE, &limit); err != nil || limit.Cur != 0 || limit.Max != 0 {
		return nil, fault.New(fault.NotPermitted, "the system would still write core files of the agent")
	}
	return lockProblem(), nil
}

// lockProblem makes a secret and asks what became of it.
func lockProblem() error {
	secret.New(1).Wipe()
	return secret.LockError()
}
