package cli

// The garbage collector during a search of millions of keys.

import "runtime/debug"

// searchMemory is what a search may use before the collector runs.
const searchMemory = 256 << 20

// tuneForSearch lets ciphers that are made and thrown away by the million pile up to a limit, instead of collecting
// them every few milliseconds: that is what makes two cores slower than one. The function returned puts things back.
func (a *App) tuneForSearch() (restore func()) {
	percent := debug.SetGCPercent(-1)
	limit := debug.SetMemoryLimit(searchMemory)
	return func() {
		debug.SetMemoryLimit(limit)
		debug.SetGCPercent(percent)
	}
}
