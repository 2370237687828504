package cli

import (
	"crypto/rand"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"poskey/internal/secret"
	"poskey/internal/testproc"
)

// TestASelftestWhereMemoryCannotBeLockedFails, in a process that may lock none, as after ulimit -l 0.
func TestASelftestWhereMemoryCannotBeLockedFails(t *testing.T) {
	if _, child := testproc.InChild(t); !child {
		return
	}
	if err := unix.Setrlimit(unix.RLIMIT_MEMLOCK, &unix.Rlimit{}); err != nil {
		t.Fatal(err)
	}
	testproc.BecomeNobody(t)
	if err := secret.HardenProcess(); err != nil {
		t.Fatal(err)
	}
	code, out, said := selftested(t, rand.Reader)
	if code != 5 || !strings.Contains(out, "FAILED: memory-locked\n") || !strings.Contains(out, "ulimit -l") ||
		!strings.Contains(said, "not locked") {
		t.Errorf("exit %d\n%s\n%s", code, out, said)
	}
	if strings.Count(out, "FAILED: ") != 1 {
		t.Errorf("something else fails too:\n%s", out)
	}
}
