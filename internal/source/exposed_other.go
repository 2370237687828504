//go:build !unix

package source

import "io/fs"

// Exposed cannot be told from the mode bits on this system.
func Exposed(fs.FileInfo) bool { return false }
