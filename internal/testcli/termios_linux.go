package testcli

import "golang.org/x/sys/unix"

const (
	getTermios = unix.TCGETS
	maxrssUnit = 1 // KB
)
