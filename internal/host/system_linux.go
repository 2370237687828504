package host

import (
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// machine is a Linux system: where its /proc and /sys are, and what its kernel answers.
type machine struct {
	proc, sys string
}

func system() machine { return machine{proc: "/proc", sys: "/sys"} }

func (m machine) fill(f *Facts) {
	f.LockLimit, f.CoreLimit = limit(unix.RLIMIT_MEMLOCK, "RLIMIT_MEMLOCK"), limit(unix.RLIMIT_CORE, "RLIMIT_CORE")
	f.CorePiped, f.Dumpable = m.corePiped(), dumpable()
	f.Swaps, f.Administrator = m.swaps(), known(os.Geteuid() == 0, "geteuid")
	f.PtraceScope = m.ptraceScope()
	f.ASLR = m.number("sys/kernel/randomize_va_space")
	f.ClockSynced = clockSynced()
	status, err := m.status()
	if err != nil {
		f.Traced, f.Umask = unknown[bool](reason(err)), unknown[fs.FileMode](reason(err))
		return
	}
	by := tracer(status)
	f.Traced, f.Umask = Fact[bool]{Value: by.Value != 0, Known: by.Known, How: by.How}, umask(status)
}

func limit(which int, name string) Fact[uint64] {
	var l unix.Rlimit
	if err := unix.Getrlimit(which, &l); err != nil {
		return unknown[uint64](name + ": " + err.Error())
	}
	return known(l.Cur, name) // RLIM_INFINITY is Unlimited
}

func dumpable() Fact[bool] {
	const how = "PR_GET_DUMPABLE"
	n, err := unix.PrctlRetInt(unix.PR_GET_DUMPABLE, 0, 0, 0, 0)
	if err != nil {
		return unknown[bool](how + ": " + err.Error())
	}
	return known(n != 0, how)
}

// corePiped reads core_pattern: a bar begins the name of a program (systemd-coredump, apport, ...).
func (m machine) corePiped() Fact[string] {
	const name = "sys/kernel/core_pattern"
	raw, err := os.ReadFile(filepath.Join(m.proc, name))
	if err != nil {
		return unknown[string](m.how(name) + ": " + reason(err))
	}
	program, piped := strings.CutPrefix(strings.TrimSpace(string(raw)), "|")
	words := strings.Fields(program)
	if !piped || len(words) == 0 {
		return known("", m.how(name))
	}
	return known(words[0], m.how(name))
}

// how names a file of the kernel as an auditor finds it.
func (machine) how(name string) string { return "/proc/" + name }

func (m machine) number(name string) Fact[int] {
	raw, err := os.ReadFile(filepath.Join(m.proc, name))
	if err != nil {
		return unknown[int](m.how(name) + ": " + reason(err))
	}
	n, err := strconv.Atoi(strings.TrimSpace(string(raw)))
	if err != nil {
		return unknown[int](m.how(name))
	}
	return known(n, m.how(name))
}

// status reads what the kernel tells of this process, field by field.
func (m machine) status() (map[string]string, error) {
	raw, err := os.ReadFile(filepath.Join(m.proc, "self/status"))
	if err != nil {
		return nil, err
	}
	fields := map[string]string{}
	for line := range strings.Lines(string(raw)) {
		name, value, _ := strings.Cut(line, ":")
		fields[name] = strings.TrimSpace(value)
	}
	return fields, nil
}

// Tracer is, on Linux, the number of the process that looks into this one, 0 for none. The kernel's file tells it: what
// system calls answer, a tracer may change. One that changes what is read of the file as well is not found.
func Tracer() Fact[int] {
	status, err := system().status()
	if err != nil {
		return unknown[int](reason(err))
	}
	return tracer(status)
}

func tracer(status map[string]string) Fact[int] {
	const name = "TracerPid"
	pid, err := strconv.Atoi(status[name])
	if err != nil {
		return unknown[int](name)
	}
	return known(pid, name)
}

// PtraceScope tells, on Linux, who may look into processes: 0 anybody into the own, 1 descendants, 2 administrators, 3
// nobody.
func PtraceScope() Fact[int] { return system().ptraceScope() }

func (m machine) ptraceScope() Fact[int] { return m.number("sys/kernel/yama/ptrace_scope") }

func umask(status map[string]string) Fact[fs.FileMode] {
	n, err := strconv.ParseUint(status["Umask"], 8, 32)
	if err != nil {
		return unknown[fs.FileMode]("Umask")
	}
	return known(fs.FileMode(n)&fs.ModePerm, "Umask")
}

// clockSynced asks the kernel, whose clock a program such as chrony or systemd-timesyncd keeps.
func clockSynced() Fact[bool] {
	var t unix.Timex // no modes: nothing is set
	state, err := unix.Adjtimex(&t)
	if err != nil {
		return unknown[bool]("adjtimex: " + err.Error())
	}
	return known(state != unix.TIME_ERROR && t.Status&unix.STA_UNSYNC == 0, "adjtimex")
}

// swaps reads where memory is swapped to.
func (m machine) swaps() Fact[[]Swap] {
	raw, err := os.ReadFile(filepath.Join(m.proc, "swaps"))
	if err != nil {
		return unknown[[]Swap](m.how("swaps") + ": " + reason(err))
	}
	var all []Swap
	lines := strings.Split(strings.TrimSpace(string(raw)), "\n")
	for _, line := range lines[1:] {
		if f := strings.Fields(line); len(f) > 0 {
			all = append(all, m.swap(f[0]))
		}
	}
	return known(all, m.how("swaps"))
}

func (m machine) swap(name string) Swap {
	s := Swap{Name: name, Compressed: strings.HasPrefix(filepath.Base(name), "zram")}
	var st unix.Stat_t
	switch err := unix.Stat(name, &st); {
	case err != nil:
		s.Encrypted = unknown[bool](err.Error())
	case st.Mode&unix.S_IFMT == unix.S_IFBLK:
		s.Encrypted = m.encrypted(uint64(st.Rdev))
	default:
		s.Encrypted = m.encrypted(uint64(st.Dev))
	}
	return s
}
