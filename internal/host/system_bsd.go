//go:build darwin || freebsd

package host

import (
	"encoding/binary"
	"io/fs"
	"os"
	"runtime"

	"golang.org/x/sys/unix"
)

// machine is macOS or FreeBSD.
type machine struct{}

func system() machine { return machine{} }

func (machine) fill(f *Facts) {
	f.LockLimit, f.CoreLimit = limit(unix.RLIMIT_MEMLOCK, "RLIMIT_MEMLOCK"), limit(unix.RLIMIT_CORE, "RLIMIT_CORE")
	f.CorePiped, f.Dumpable = known("", "core dumps are files here"), unheard[bool]()
	f.Administrator, f.Swaps = known(os.Geteuid() == 0, "geteuid"), swaps()
	f.PtraceScope, f.Traced, f.ASLR = unheard[int](), unheard[bool](), unheard[int]()
	f.Umask, f.ClockSynced = unheard[fs.FileMode](), unheard[bool]()
}

func limit(which int, name string) Fact[uint64] {
	var l unix.Rlimit
	if err := unix.Getrlimit(which, &l); err != nil {
		return unknown[uint64](name + ": " + err.Error())
	}
	if cur := uint64(l.Cur); cur < 1<<62 {
		return known(cur, name)
	}
	return known[uint64](Unlimited, name)
}

// swaps reads struct xsw_usage of macOS: total, available and used bytes, page size, encrypted or not.
func swaps() Fact[[]Swap] {
	const name, length, flag = "vm.swapusage", 32, 28
	if runtime.GOOS != "darwin" {
		return unheard[[]Swap]()
	}
	raw, err := unix.SysctlRaw(name)
	switch {
	case err != nil:
		return unknown[[]Swap](name + ": " + err.Error())
	case len(raw) < length:
		return unknown[[]Swap](name)
	case binary.LittleEndian.Uint64(raw) == 0:
		return known[[]Swap](nil, name)
	}
	s := Swap{Name: "/private/var/vm", Encrypted: unknown[bool](name)}
	if raw[flag] != 0 {
		s.Encrypted = known(true, name)
	}
	return known([]Swap{s}, name)
}

// DiskOf looks at what a path lies on.
func DiskOf(path string) Disk {
	d := Disk{Path: path, Encrypted: unheard[bool](), Removable: unheard[bool]()}
	var s unix.Statfs_t
	if err := unix.Statfs(above(path), &s); err != nil {
		d.Free, d.FileSystem = unknown[uint64](err.Error()), unknown[string](err.Error())
		d.Network = unknown[bool](err.Error())
		return d
	}
	d.Free = known(uint64(max(0, int64(s.Bavail)))*uint64(s.Bsize), "statfs")
	d.FileSystem = known(unix.ByteSliceToString(s.Fstypename[:]), "statfs")
	d.Network = known(uint64(s.Flags)&unix.MNT_LOCAL == 0, "statfs")
	return d
}

// PageOf looks at the memory that some bytes lie in.
func PageOf([]byte) Page { return Page{Locked: unheard[bool](), Dumped: unheard[bool]()} }
