package host

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"poskey/internal/secret"
	"poskey/internal/testproc"
)

// made builds a machine of files: what the kernel of another system would tell.
func made(t *testing.T, files map[string]string) machine {
	t.Helper()
	dir := t.TempDir()
	m := machine{proc: filepath.Join(dir, "proc"), sys: filepath.Join(dir, "sys")}
	for name, content := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return m
}

func TestADiskIsEncryptedWhereEveryWayDownIs(t *testing.T) {
	const dir = "sys/dev/block/"
	for name, c := range map[string]struct {
		files map[string]string
		want  bool
	}{
		"LUKS":                        {map[string]string{dir + "8:1/dm/uuid": "CRYPT-LUKS2-5f6c-root\n"}, true},
		"partition":                   {map[string]string{dir + "8:1/partition": "1\n"}, false},
		"LVM on LUKS":                 {map[string]string{dir + "8:1/dm/uuid": "LVM-a\n", dir + "8:1/slaves/dm-0/dm/uuid": "CRYPT-LUKS1-b\n"}, true},
		"LVM on one of two encrypted": {map[string]string{dir + "8:1/dm/uuid": "LVM-a\n", dir + "8:1/slaves/dm-0/dm/uuid": "CRYPT-LUKS1-b\n", dir + "8:1/slaves/sdb/size": "1\n"}, false},
		"nothing is told":             {nil, false},
	} {
		f := made(t, c.files).encrypted(unix.Mkdev(8, 1))
		if f.Known != c.want || f.Value != c.want || f.How == "" {
			t.Errorf("%s: %+v", name, f)
		}
	}
	if f := made(t, nil).encrypted(unix.Mkdev(0, 40)); f.Known {
		t.Errorf("what has no block device is known: %+v", f)
	}
}

func TestSwapIsReadWithWhatItLiesOn(t *testing.T) {
	const head = "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n"
	for content, want := range map[string]string{
		head: "", head + "/dev/sda2 partition 1 0 -2\n/swapfile file 1 0 -3\n": "/dev/sda2 /swapfile", head + "/dev/zram0 partition 1 0 100\n": "/dev/zram0",
	} {
		f := Facts{Swaps: made(t, map[string]string{"proc/swaps": content}).swaps()}
		if !f.Swaps.Known || strings.Join(f.SwapNames(), " ") != want {
			t.Errorf("%q: %+v", content, f.Swaps)
		}
		for _, s := range f.Swaps.Value {
			if s.Compressed != strings.Contains(s.Name, "zram") {
				t.Errorf("%+v", s)
			}
		}
	}
	if f := made(t, nil).swaps(); f.Known || f.How == "" {
		t.Errorf("%+v", f)
	}
}

func TestCorePatternTellsAProgram(t *testing.T) {
	for content, want := range map[string]string{
		"core\n": "", "|/usr/lib/systemd/systemd-coredump %P %u\n": "/usr/lib/systemd/systemd-coredump", "|\n": "", "/var/core/%e\n": "",
	} {
		if f := made(t, map[string]string{"proc/sys/kernel/core_pattern": content}).corePiped(); !Is(f, want) {
			t.Errorf("%q: %+v", content, f)
		}
	}
}

func TestStatusTellsTracerAndUmask(t *testing.T) {
	m := made(t, map[string]string{"proc/self/status": "Name:\tposkey\nUmask:\t0027\nTracerPid:\t77\n"})
	status, err := m.status()
	if err != nil || !Is(tracer(status), 77) || !Is(umask(status), 0o027) {
		t.Errorf("%v %+v %+v", err, tracer(status), umask(status))
	}
	if tracer(nil).Known || umask(nil).Known {
		t.Error("what is not told is known")
	}
}

func TestNumbersOfTheKernel(t *testing.T) {
	m := made(t, map[string]string{"proc/sys/kernel/randomize_va_space": "2\n", "proc/sys/kernel/odd": "x\n"})
	if f := m.number("sys/kernel/randomize_va_space"); !Is(f, 2) || f.How != "/proc/sys/kernel/randomize_va_space" {
		t.Errorf("%+v", f)
	}
	if m.number("sys/kernel/odd").Known || m.number("sys/kernel/none").Known {
		t.Error("what is no number is known")
	}
}

func TestFileSystemsOfTheNetworkAreKnownByName(t *testing.T) {
	for kind, want := range map[string]Fact[bool]{
		"ext4": known(false, ""), "xfs": known(false, ""), "tmpfs": known(false, ""), "fuseblk": known(false, ""), "nfs4": known(true, ""),
		"cifs": known(true, ""), "9p": known(true, ""), "fuse.sshfs": unknown[bool](""), "overlay": unknown[bool](""),
	} {
		if got := onNetwork(kind); got.Known != want.Known || got.Value != want.Value {
			t.Errorf("%s: %+v", kind, got)
		}
	}
}

func TestMountsAreFoundByTheirDevice(t *testing.T) {
	m := made(t, map[string]string{"proc/self/mountinfo": "bad line\n" +
		"22 1 0:40 / / rw shared:1 - btrfs /dev/null rw\n36 35 8:1 /a /b rw master:1 shared:2 - ext4 /dev/sdx1 rw\n"})
	if found, err := m.mountOf(unix.Mkdev(8, 1)); err != nil || found.fs != "ext4" {
		t.Errorf("%+v %v", found, err)
	}
	if found, err := m.mountOf(unix.Mkdev(0, 40)); err != nil || found.fs != "btrfs" || found.device != 0 { // no block device
		t.Errorf("%+v %v", found, err)
	}
	if _, err := m.mountOf(unix.Mkdev(9, 9)); err == nil {
		t.Error("a mount that is not there is found")
	}
}

func TestAPartitionIsRemovableAsItsDriveIs(t *testing.T) {
	m := made(t, map[string]string{"sys/block/sdb/removable": "1\n", "sys/block/sdb/sdb1/partition": "1\n", "sys/block/sda/removable": "0\n"})
	links := filepath.Join(m.sys, "dev/block")
	if err := os.MkdirAll(links, 0o700); err != nil {
		t.Fatal(err)
	}
	for link, to := range map[string]string{"8:17": "../../block/sdb/sdb1", "8:0": "../../block/sda"} {
		if err := os.Symlink(to, filepath.Join(links, link)); err != nil {
			t.Fatal(err)
		}
	}
	if !Is(m.removable(unix.Mkdev(8, 17)), true) || !Is(m.removable(unix.Mkdev(8, 0)), false) || m.removable(unix.Mkdev(7, 7)).Known {
		t.Errorf("%+v %+v", m.removable(unix.Mkdev(8, 17)), m.removable(unix.Mkdev(8, 0)))
	}
}

func TestPagesTellWhetherTheyAreLockedAndDumped(t *testing.T) {
	s := secret.New(32)
	defer s.Wipe()
	page := PageOf(s.Expose())
	if !Is(page.Dumped, false) || !page.Locked.Known || page.Locked.Value != (secret.LockError() == nil) {
		t.Errorf("a secret: %+v, %v", page, secret.LockError())
	}
	plain := make([]byte, 1<<20)
	if page := PageOf(plain); !Is(page.Locked, false) || !Is(page.Dumped, true) {
		t.Errorf("ordinary memory: %+v", page)
	}
	if page := PageOf(nil); page.Locked.Known || page.Dumped.Known {
		t.Errorf("no memory: %+v", page)
	}
}

// TestWhatAProcessMayIsMeasured in one that gave up what it may.
func TestWhatAProcessMayIsMeasured(t *testing.T) {
	if _, child := testproc.InChild(t); !child {
		return
	}
	unix.Umask(0o027)
	if err := unix.Setrlimit(unix.RLIMIT_MEMLOCK, &unix.Rlimit{}); err != nil {
		t.Fatal(err)
	}
	testproc.BecomeNobody(t)
	if err := secret.HardenProcess(); err != nil {
		t.Fatal(err)
	}
	f := Look(Options{})
	if !Is(f.Lockable, false) || !Is(f.LockLimit, uint64(0)) || !Is(f.CoreLimit, uint64(0)) || !Is(f.Dumpable, false) ||
		!Is(f.CoreDumps, false) || !Is(f.Traceable, false) || !Is(f.Administrator, false) || !Is(f.Umask, 0o027) {
		t.Errorf("%+v", f)
	}
}
