package cli

// The self-tests of the whole program: algorithms and formats, and this process, its files and its machine.

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"poskey/internal/fault"
	"poskey/internal/host"
	"poskey/internal/secret"
	"poskey/internal/selftest"
	"poskey/internal/text"
	"poskey/pkg/custody"
	"poskey/pkg/hsm"
	"poskey/pkg/keys"
)

// selfTests lists all of them.
func (a *App) selfTests(ctx context.Context) ([]selftest.Test, error) {
	b, err := a.hsm(ctx)
	if err != nil && a.onToken() {
		return nil, err
	}
	all := append(hsm.SelfTests(b, a.Env), custody.SelfTests()...)
	if err != nil { // such as a random source that gives no key: one failure among those that say why
		all = slices.DeleteFunc(all, func(t selftest.Test) bool { return t.Group == selftest.Boundary })
		all = append(all, condition(selftest.Boundary, "boundary", "how it was made",
			text.New("boundary: a key goes in, its check value comes out"), func() error { return err }))
	}
	places := a.ownPlaces()
	seen := host.Look(host.Options{Disks: places.disks(), Files: places.files(), Now: a.Env.Now()})
	all = append(all, memoryTests(seen)...)
	all = append(all, fileTests(places, seen)...)
	return append(all, machineTests(seen)...), nil
}

// selftestNames lists the names of all tests, for the shell.
func selftestNames() []string {
	var all []string
	tests := append(hsm.SelfTests(nil, keys.Env{}), custody.SelfTests()...)
	tests = append(append(append(tests, memoryTests(host.Facts{})...), fileTests(ownPlaces{}, host.Facts{})...),
		machineTests(host.Facts{})...)
	for _, t := range tests {
		all = append(all, t.Name)
	}
	return all
}

// runTests makes the tests, and counts those that fail.
func runTests(ctx context.Context, all []selftest.Test) (outcomes []selftest.Outcome, failed int) {
	for _, t := range all {
		o := t.Run(ctx)
		if o.Failed() {
			failed++
		}
		outcomes = append(outcomes, o)
	}
	return outcomes, failed
}

// condition makes a test of the world around the program. It says nil, what is wrong, or that nothing can be told.
func condition(group selftest.Group, name, source string, what text.Text, look func() error) selftest.Test {
	return selftest.Test{Name: name, Group: group, Kind: selftest.Condition, What: what, Source: source, Want: selftest.Sound,
		Compute: func(context.Context) (string, error) {
			if err := look(); err != nil {
				return "", err
			}
			return selftest.Sound, nil
		}}
}

// unlike makes an error where a fact is known and not as it should be.
func unlike[T comparable](f host.Fact[T], want T, wrong error) error {
	switch {
	case !f.Known:
		return selftest.Unknown(f.How)
	case f.Value != want:
		return wrong
	}
	return nil
}

func memoryTests(seen host.Facts) []selftest.Test {
	return []selftest.Test{
		condition(selftest.Memory, "memory-locked", "VmFlags of the pages, or mlock", text.New("secrets lie in memory that is locked"),
			func() error { return lockedMemory(seen) }),
		condition(selftest.Memory, "memory-undumped", "VmFlags of the pages", text.New("secrets are left out of core dumps"),
			func() error {
				at, wipe := secretPage()
				defer wipe()
				return unlike(at.Dumped, false, fault.New(fault.SelftestFailed, "the pages of secrets go into core dumps"))
			}),
		condition(selftest.Memory, "memory-wiped", "the bytes after they were wiped", text.New("a secret is wiped"), wipedMemory),
		condition(selftest.Memory, "core-dumps", "PR_GET_DUMPABLE, RLIMIT_CORE and core_pattern",
			text.New("a crash leaves no memory of this process"), func() error {
				return unlike(seen.CoreDumps, false,
					fault.New(fault.SelftestFailed, "memory of this process can be dumped: %s", seen.CoreDumps.How))
			}),
	}
}

// secretPage looks at the memory of a secret; wipe ends its use.
func secretPage() (host.Page, func()) {
	s := secret.New(32)
	return host.PageOf(s.Expose()), s.Wipe
}

// lockedMemory asks the system of the page itself, and where it does not tell, whether locking was refused.
func lockedMemory(seen host.Facts) error {
	at, wipe := secretPage()
	defer wipe()
	err := secret.LockError()
	switch {
	case err != nil && seen.System == "windows":
		return selftest.Unknown(err.Error())
	case err != nil:
		return fault.New(fault.SelftestFailed, "%s; raise the limit for locked memory (ulimit -l)", err)
	case !at.Locked.Known:
		return nil // it was locked without an error, and that is all that can be told
	}
	return unlike(at.Locked, true, fault.New(fault.SelftestFailed, "the system says that the pages of secrets are not locked"))
}

// wipedMemory looks at the place of a secret after it was wiped. A small one's place stays this process's own.
func wipedMemory() error {
	s := secret.Copy(bytes.Repeat([]byte{0x5A}, 32))
	place := s.Expose()
	if !bytes.Equal(place, bytes.Repeat([]byte{0x5A}, 32)) {
		return fault.New(fault.SelftestFailed, "a secret does not hold its bytes")
	}
	s.Wipe()
	if !bytes.Equal(place, make([]byte, len(place))) {
		return fault.New(fault.SelftestFailed, "the bytes of a secret are there after it was wiped")
	}
	return nil
}

// ownPlaces are the files and folders that poskey keeps; "" where there is none.
type ownPlaces struct {
	program, config, store string
	logs                   []string
}

func (a *App) ownPlaces() ownPlaces {
	var p ownPlaces
	if exe, err := os.Executable(); err == nil {
		p.program = exe
	}
	if path, ok := scanFlag(a.args, "--config"); ok {
		p.config = path
	}
	at, err := a.storeURL()
	if err != nil || at.Path() == "" {
		return p
	}
	p.store = at.Path()
	p.logs, _ = filepath.Glob(filepath.Join(globEscaped(filepath.Dir(p.store)), "*.audit")) // a bad pattern finds none
	return p
}

// globEscaped takes the meaning from what stands for others in a pattern.
func globEscaped(path string) string {
	if runtime.GOOS == "windows" {
		return path
	}
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(path)
}

func (p ownPlaces) disks() []string {
	if p.store == "" {
		return nil
	}
	return []string{p.store}
}

// files lists them with the folders of program and store, in which others could put something else in their place.
func (p ownPlaces) files() []string {
	var all []string
	for _, path := range []string{p.program, p.config, p.store} {
		if path != "" {
			all = append(all, path)
		}
	}
	for _, path := range []string{p.program, p.store} {
		if path != "" {
			all = append(all, filepath.Dir(path))
		}
	}
	return append(all, p.logs...)
}

func fileTests(p ownPlaces, seen host.Facts) []selftest.Test {
	found := map[string]host.File{}
	for _, f := range seen.Files {
		found[f.Path] = f
	}
	folder := func(path string) []string {
		if path == "" {
			return nil
		}
		return []string{filepath.Dir(path)}
	}
	test := func(name string, what text.Text, rule fileRule, paths ...string) selftest.Test {
		return condition(selftest.Files, name, "owner and mode", what, func() error { return rule.holds(found, paths) })
	}
	return []selftest.Test{
		test("file-program", text.New("nobody else can change this program"), program, p.program),
		test("file-program-folder", text.New("nobody else can replace this program"), program, folder(p.program)...),
		test("file-config", text.New("nobody else can change the configuration"), unwritable, p.config),
		test("file-store", text.New("nobody else can get at the store"), private, p.store),
		test("file-store-folder", text.New("nobody else can replace the store"), unwritable, folder(p.store)...),
		test("file-log", text.New("nobody else can change the audit logs"), unwritable, p.logs...),
	}
}

// fileRule says what others must not be able to do with a file.
type fileRule int

const (
	program    fileRule = iota // anybody: write; a group may, which often is the user's own
	unwritable                 // group and others: write
	private                    // group and others: anything
)

// holds looks at files; those that are not there say nothing.
func (r fileRule) holds(found map[string]host.File, paths []string) error {
	looked := false
	for _, path := range paths {
		f, ok := found[path]
		if !ok || host.Is(f.There, false) {
			continue
		}
		if !f.There.Known || !f.OthersWrite.Known {
			return selftest.Unknown(f.There.How + " " + f.OthersWrite.How)
		}
		looked = true
		if err := r.check(f); err != nil {
			return err
		}
	}
	if !looked {
		return selftest.Unknown("there is none")
	}
	return nil
}

func (r fileRule) check(f host.File) error {
	name := pathWord(f.Path)
	switch {
	case f.AnyoneWrite.Value && !f.Sticky, r != program && f.OthersWrite.Value && !f.Sticky:
		return fault.New(fault.SelftestFailed, "others can change %s (%s); chmod go-w it", name, f.OthersWrite.How)
	case r == private && f.OthersRead.Value:
		return fault.New(fault.SelftestFailed, "others can read %s (%s); chmod go-rwx it", name, f.OthersRead.How)
	case r != program && host.Is(f.Own, false):
		return fault.New(fault.SelftestFailed, "%s belongs to another user", name)
	}
	return nil
}

// machineTests look at what poskey cannot change. Each of them warns.
func machineTests(seen host.Facts) []selftest.Test {
	warns := func(name, source string, what text.Text, look func() error) selftest.Test {
		t := condition(selftest.Machine, name, source, what, look)
		t.Warns = true
		return t
	}
	return []selftest.Test{
		warns("swap", "/proc/swaps", text.New("memory is not swapped in clear"), func() error { return clearSwap(seen) }),
		warns("administrator", "geteuid", text.New("an ordinary user runs poskey"), func() error {
			return unlike(seen.Administrator, false, fault.New(fault.SelftestFailed, "the administrator runs poskey"))
		}),
		warns("tracing", "PR_GET_DUMPABLE, ptrace_scope and TracerPid", text.New("no other program looks into this process"),
			func() error { return untraced(seen) }),
		warns("aslr", "randomize_va_space", text.New("the address space is randomised"), func() error {
			return unlike(seen.ASLR, 2, fault.New(fault.SelftestFailed, "the address space is not wholly randomised (%d)", seen.ASLR.Value))
		}),
		warns("umask", "Umask of the process", text.New("new files are closed to others' writing"), func() error {
			return unlike(host.Fact[bool]{Value: seen.Umask.Value&0o022 == 0o022, Known: seen.Umask.Known, How: seen.Umask.How}, true,
				fault.New(fault.SelftestFailed, "others can write new files; set umask 077"))
		}),
		warns("clock", "time of the day", text.New("the clock says a time that can be"), func() error {
			return unlike(seen.ClockCredits, true, fault.New(fault.SelftestFailed, "the clock says a time that cannot be"))
		}),
		warns("clock-synchronised", "adjtimex", text.New("the clock is kept right"), func() error {
			return unlike(seen.ClockSynced, true, fault.New(fault.SelftestFailed, "no program keeps the clock right"))
		}),
		warns("store-disk", "file system of the store", text.New("the store lies on a disk of this machine"),
			func() error { return ownDisk(seen) }),
	}
}

func clearSwap(seen host.Facts) error {
	if !seen.Swaps.Known {
		return selftest.Unknown(seen.Swaps.How)
	}
	var clear []string
	for _, s := range seen.Swaps.Value {
		if !s.Compressed && !host.Is(s.Encrypted, true) {
			clear = append(clear, s.Name)
		}
	}
	if len(clear) == 0 {
		return nil
	}
	return fault.New(fault.SelftestFailed, "memory that is not locked is swapped to %s", strings.Join(clear, " "))
}

func untraced(seen host.Facts) error {
	if host.Is(seen.Traced, true) {
		return fault.New(fault.SelftestFailed, "another program traces this one")
	}
	return unlike(seen.Traceable, false, fault.New(fault.SelftestFailed, "programs of the same user can look into this process"))
}

func ownDisk(seen host.Facts) error {
	if len(seen.Disks) == 0 {
		return selftest.Unknown("there is none")
	}
	d := seen.Disks[0]
	if host.Is(d.Removable, true) {
		return fault.New(fault.SelftestFailed, "the store lies on a disk that can be taken away")
	}
	return unlike(d.Network, false, fault.New(fault.SelftestFailed, "the store lies on another machine (%s)", d.FileSystem.Value))
}
