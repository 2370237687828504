package secret

import (
	"bufio"
	"fmt"
	"os"
	"strings"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"poskey/internal/testproc"
)

func TestSecretsWorkWhereMemoryCannotBeLocked(t *testing.T) {
	if _, child := testproc.InChild(t); !child {
		return
	}
	if err := unix.Setrlimit(unix.RLIMIT_MEMLOCK, &unix.Rlimit{}); err != nil {
		t.Fatal(err)
	}
	testproc.BecomeNobody(t)
	if LockError() != nil {
		t.Fatal("an error before the first secret")
	}
	for _, n := range []int{16, slotSize, slotSize + 1, 1 << 20} {
		s := New(n)
		s.Expose()[n-1] = 0x5A
		c := s.Clone()
		if c.Len() != n || !c.Equal(s) {
			t.Errorf("%d bytes: the secret does not hold its bytes", n)
		}
		s.Wipe()
		c.Wipe()
	}
	if err := LockError(); err == nil || !strings.Contains(err.Error(), "lock memory for secrets") {
		t.Errorf("LockError is %v", err)
	}
	if Live() != 0 {
		t.Errorf("%d secrets live", Live())
	}
}

func TestHardenedProcessLeavesNoCore(t *testing.T) {
	if _, child := testproc.InChild(t); !child {
		return
	}
	if err := HardenProcess(); err != nil {
		t.Fatal(err)
	}
	dumpable, err := unix.PrctlRetInt(unix.PR_GET_DUMPABLE, 0, 0, 0, 0)
	if err != nil || dumpable != 0 {
		t.Errorf("dumpable is %d, %v", dumpable, err)
	}
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_CORE, &limit); err != nil || limit.Cur != 0 || limit.Max != 0 {
		t.Errorf("core limit is %+v, %v", limit, err)
	}
}

// TestSecretsLieInLockedPagesThatAreNotDumped reads what the kernel says of the pages: lo is locked, dd is not dumped.
func TestSecretsLieInLockedPagesThatAreNotDumped(t *testing.T) {
	unchanged(t)
	for _, n := range []int{16, 2 * chunkSize} {
		s := New(n)
		flags := vmFlags(t, uintptr(unsafe.Pointer(&s.Expose()[0])))
		s.Wipe()
		if !strings.Contains(flags, " dd") {
			t.Errorf("%d bytes: pages go into core dumps: %s", n, flags)
		}
		if locked := strings.Contains(flags, " lo"); locked != (LockError() == nil) {
			t.Errorf("%d bytes: locked is %v, LockError %v", n, locked, LockError())
		}
	}
}

func vmFlags(t *testing.T, addr uintptr) string {
	t.Helper()
	f, err := os.Open("/proc/self/smaps")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	inside := false
	for lines := bufio.NewScanner(f); lines.Scan(); {
		var from, to uintptr
		if n, _ := fmt.Sscanf(lines.Text(), "%x-%x ", &from, &to); n == 2 {
			inside = addr >= from && addr < to
		}
		if flags, ok := strings.CutPrefix(lines.Text(), "VmFlags:"); ok && inside {
			return flags
		}
	}
	t.Fatal("the secret's pages are not in the map of the process")
	return ""
}

func TestLargeSecretsAreGivenBackToTheSystem(t *testing.T) {
	unchanged(t)
	New(slotSize).Wipe() // the chunk of the small ones is there from now on
	before := locked(t)
	for range 100 {
		New(1 << 20).Wipe()
	}
	if after := locked(t); after != before {
		t.Errorf("locked memory grew from %s to %s", before, after)
	}
}

func locked(t *testing.T) string {
	t.Helper()
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(status)) {
		if v, ok := strings.CutPrefix(line, "VmLck:"); ok {
			return strings.TrimSpace(v)
		}
	}
	t.Fatal("no VmLck in the status of the process")
	return ""
}
