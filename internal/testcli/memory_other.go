//go:build darwin || freebsd || netbsd || openbsd || dragonfly

package testcli

import (
	"syscall"

	"github.com/rogpeppe/go-internal/testscript"
)

// lookAtMemory has nothing to look at: there is no /proc.
func lookAtMemory(*testscript.TestScript, int) {}

// withoutNetwork does nothing: the scripts that need it run on Linux.
func withoutNetwork(*syscall.SysProcAttr) {}
