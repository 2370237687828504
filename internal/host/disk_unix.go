//go:build linux || darwin || freebsd

package host

import (
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// above is the path itself or the nearest folder above it that is there.
func above(path string) string {
	for {
		if _, err := os.Stat(path); err == nil {
			return path
		}
		up := filepath.Dir(path)
		if up == path {
			return path
		}
		path = up
	}
}

// owned reports whether a file belongs to this user or to the administrator, who can reach everything anyway.
func owned(info fs.FileInfo) Fact[bool] {
	s, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return unknown[bool]("stat")
	}
	return known(s.Uid == 0 || int(s.Uid) == os.Geteuid(), "stat")
}
