//go:build !(linux || darwin || freebsd)

package cli

const openPatiently = 0
