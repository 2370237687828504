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
