//go:build darwin || freebsd || netbsd || openbsd || dragonfly

package testcli

import (
	"runtime"

	"golang.org/x/sys/unix"
)

const getTermios = unix.TIOCGETA

// maxrssUnit makes KB of the peak that the system reports: only darwin reports bytes.
var maxrssUnit = map[bool]int64{true: 1 << 10, false: 1}[runtime.GOOS == "darwin"]
