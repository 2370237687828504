package agent

import (
	"golang.org/x/sys/unix"

	"poskey/internal/fault"
	"poskey/internal/secret"
)

// harden allows no core files. weak says why secrets are not in locked memory, if they are not.
func harden() (weak, err error) {
	unix.Umask(0o077)
	if err := secret.HardenProcess(); err != nil {
		return nil, fault.WrapAs(fault.NotPermitted, err, "the agent cannot protect its memory from other processes")
	}
	secret.New(1).Wipe()
	return secret.LockError(), nil
}

// watched asks nothing: a process finds out here only by what a tracer can answer for the system.
func watched() error { return nil }

// unguarded: programs of one user may look into each other as far as the system's signatures let them.
func unguarded() bool { return true }
