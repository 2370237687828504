package host

// Memory that is locked.

import "poskey/internal/secret"

// lockable locks memory as every secret does.
func lockable() Fact[bool] {
	secret.New(1).Wipe()
	if err := secret.LockError(); err != nil {
		return known(false, err.Error())
	}
	return known(true, "mlock")
}

// Page is what the system says of the memory that some bytes lie in.
type Page struct {
	Locked Fact[bool] // never swapped
	Dumped Fact[bool] // part of a core dump
}
