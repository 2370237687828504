//go:build !(linux || darwin || freebsd)

package host

import (
	"io/fs"
	"os"
)

// machine is a system that tells nothing.
type machine struct{}

func system() machine { return machine{} }

func (machine) fill(f *Facts) {
	f.LockLimit, f.CoreLimit, f.CorePiped = unheard[uint64](), unheard[uint64](), unheard[string]()
	f.Dumpable, f.Swaps, f.Administrator = unheard[bool](), unheard[[]Swap](), administrator()
	f.PtraceScope, f.Traced, f.ASLR = unheard[int](), unheard[bool](), unheard[int]()
	f.Umask, f.ClockSynced = unheard[fs.FileMode](), unheard[bool]()
}

// administrator: where users have no numbers nobody can tell.
func administrator() Fact[bool] {
	if id := os.Geteuid(); id >= 0 {
		return known(id == 0, "geteuid")
	}
	return unheard[bool]()
}

// DiskOf looks at what a path lies on.
func DiskOf(path string) Disk {
	return Disk{Path: path, Free: unheard[uint64](), FileSystem: unheard[string](), Encrypted: unheard[bool](),
		Network: unheard[bool](), Removable: unheard[bool]()}
}

// PageOf looks at the memory that some bytes lie in.
func PageOf([]byte) Page { return Page{Locked: unheard[bool](), Dumped: unheard[bool]()} }

func owned(fs.FileInfo) Fact[bool] { return unheard[bool]() }
