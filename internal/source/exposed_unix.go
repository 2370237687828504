//go:build unix

package source

import "io/fs"

// Exposed reports whether group or others can read a regular file. Pipes and devices are not files of that kind.
func Exposed(info fs.FileInfo) bool { return info.Mode().IsRegular() && info.Mode().Perm()&0o077 != 0 }
