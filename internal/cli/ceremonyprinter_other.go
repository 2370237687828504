//go:build !(linux || darwin || freebsd)

package cli

import "os"

const openPatiently = 0

func wouldBlock(error) bool { return false }

func sameDevice(a, b os.FileInfo) bool { return a.Mode() == b.Mode() }

func takesPaper(*os.File, os.FileInfo) bool { return true }
