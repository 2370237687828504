package host

// What is looked at, and what is told of it.

import (
	"io/fs"
	"math"
	"runtime"
	"time"
)

// Fact is one thing that was measured.
type Fact[T any] struct {
	Value T
	Known bool   // false: Value says nothing
	How   string // what told it, or why nothing did
}

// Is reports whether a fact is known and is the value.
func Is[T comparable](f Fact[T], value T) bool { return f.Known && f.Value == value }

func known[T any](value T, how string) Fact[T] { return Fact[T]{Value: value, Known: true, How: how} }

func unknown[T any](how string) Fact[T] { return Fact[T]{How: how} }

// unheard is a fact that this system does not tell.
func unheard[T any]() Fact[T] { return unknown[T]("not told on " + runtime.GOOS) }

// Unlimited is a limit that is none.
const Unlimited = math.MaxUint64

// Facts are what a machine is like, as this process sees it.
type Facts struct {
	System string // linux, darwin, windows, ...

	Lockable  Fact[bool]   // memory can be locked: this process did it
	LockLimit Fact[uint64] // bytes that an ordinary user may lock; Unlimited

	CoreLimit Fact[uint64] // bytes of a core file of this process; Unlimited
	CorePiped Fact[string] // the program that core dumps are piped to; "": a file
	Dumpable  Fact[bool]   // the kernel may dump this process
	CoreDumps Fact[bool]   // a crash of this process leaves its memory somewhere

	Swaps    Fact[[]Swap]
	Networks Fact[[]string] // interfaces that are up and have an address, without the loopback

	Administrator Fact[bool] // root runs this process
	PtraceScope   Fact[int]  // 0 anybody's own processes, 1 descendants, 2 administrators, 3 nobody
	Traceable     Fact[bool] // another process of the same user can look into this one
	Traced        Fact[bool] // somebody does
	ASLR          Fact[int]  // 0 none, 1 without the heap, 2 whole

	Umask        Fact[fs.FileMode]
	ClockSynced  Fact[bool] // some program keeps the system's clock right
	ClockCredits Fact[bool] // the clock says a time that can be

	Disks []Disk // one per path asked for
	Files []File // one per path asked for
}

// Swap is one place that memory goes to.
type Swap struct {
	Name       string
	Compressed bool       // in memory (zram)
	Encrypted  Fact[bool] // known only where it is so
}

// SwapNames lists the names of the places that memory goes to.
func (f Facts) SwapNames() []string {
	var all []string
	for _, s := range f.Swaps.Value {
		all = append(all, s.Name)
	}
	return all
}

// Disk is what a path lies on.
type Disk struct {
	Path       string
	Free       Fact[uint64] // bytes that this user may still write
	FileSystem Fact[string] // ext4, xfs, nfs, tmpfs, ...
	Encrypted  Fact[bool]   // known only where it is so: a drive that encrypts by itself cannot be told from one that does not
	Network    Fact[bool]   // on another machine
	Removable  Fact[bool]
}

// File is one file or folder and who can reach it.
type File struct {
	Path        string
	There       Fact[bool]
	Folder      bool
	Sticky      bool        // a folder in which nobody replaces what is another's
	Mode        fs.FileMode // permission bits
	Own         Fact[bool]  // it belongs to this user, or to the administrator
	OthersRead  Fact[bool]  // by its mode, group or others can
	OthersWrite Fact[bool]
	AnyoneWrite Fact[bool] // by its mode, others can
}

// Options say what to look at beside the machine itself.
type Options struct {
	Disks []string  // paths whose disks are looked at; what is not there yet counts by the folder above
	Files []string  // files and folders whose permissions are looked at
	Now   time.Time // of the clock
}

// Earliest is a time before which nobody runs this program.
func Earliest() time.Time { return time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC) }

// latest is a time after which a clock is wrong rather than the program old.
func latest() time.Time { return Earliest().AddDate(50, 0, 0) }

// Look measures. It never fails, changes nothing, and takes a few milliseconds.
func Look(o Options) Facts {
	f := Facts{System: runtime.GOOS, Lockable: lockable(), Networks: Networks(), ClockCredits: credible(o.Now)}
	system().fill(&f)
	f.CoreDumps = coreDumps(f)
	f.Traceable = traceable(f)
	for _, path := range o.Disks {
		f.Disks = append(f.Disks, DiskOf(path))
	}
	for _, path := range o.Files {
		f.Files = append(f.Files, FileOf(path))
	}
	return f
}

// credible looks at a clock as it is told.
func credible(now time.Time) Fact[bool] {
	if now.IsZero() {
		return unknown[bool]("nobody told the time")
	}
	return known(!now.Before(Earliest()) && now.Before(latest()), "time of the day")
}

// coreDumps puts together what leads to a dump. A program that dumps are piped to gets them whatever the limit is.
func coreDumps(f Facts) Fact[bool] {
	switch {
	case Is(f.Dumpable, false):
		return known(false, f.Dumpable.How)
	case !f.CoreLimit.Known:
		return unknown[bool](f.CoreLimit.How)
	case f.CoreLimit.Value == 0 && Is(f.CorePiped, ""):
		return known(false, f.CoreLimit.How)
	case f.CoreLimit.Value == 0 && !f.CorePiped.Known && f.System != "linux":
		return known(false, f.CoreLimit.How) // nobody else pipes them
	case f.CoreLimit.Value > 0 || f.CorePiped.Known:
		return known(true, f.CoreLimit.How)
	}
	return unknown[bool](f.CorePiped.How)
}

// traceable puts together who can look into this process. The administrator always can.
func traceable(f Facts) Fact[bool] {
	switch {
	case Is(f.Dumpable, false):
		return known(false, f.Dumpable.How)
	case f.PtraceScope.Known && f.PtraceScope.Value > 0:
		return known(false, f.PtraceScope.How)
	case f.PtraceScope.Known && f.Dumpable.Known:
		return known(true, f.PtraceScope.How)
	}
	return unknown[bool](f.PtraceScope.How)
}
