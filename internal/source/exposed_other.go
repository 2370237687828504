//go:build !unix

package source

import "io/fs"

// exposed cannot be told from the mode bits on this system.
func exposed(fs.FileInfo) bool { return false }
