//go:build linux || darwin || freebsd

package cli

// How a printer is opened on a Unix system.

import "syscall"

// openPatiently: a serial printer may have no carrier yet, and must not become the terminal of this process.
const openPatiently = syscall.O_NONBLOCK | syscall.O_NOCTTY
