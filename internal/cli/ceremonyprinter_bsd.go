//go:build darwin || freebsd

package cli

import (
	"os"
	"path/filepath"
	"strings"

	"poskey/internal/console"
)

// takesPaper reports whether an open device prints: a printer's, or a serial line.
func takesPaper(f *os.File, info os.FileInfo) bool {
	name := filepath.Base(info.Name())
	if strings.HasPrefix(name, "lpt") || strings.HasPrefix(name, "ulpt") || strings.HasPrefix(name, "unlpt") {
		return true
	}
	return name != "ptmx" && name != "tty" && name != "console" && console.IsTerminal(f)
}
