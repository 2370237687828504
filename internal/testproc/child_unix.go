//go:build unix

package testproc

import (
	"errors"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
)

// InChild runs the calling test again in a process of its own, where it may change limits and users. It reports whether
// this is that process. dir is a folder that the child may use, whoever it becomes.
func InChild(t *testing.T) (dir string, child bool) {
	t.Helper()
	const mark, place = "POSKEY_TEST_CHILD", "POSKEY_TEST_DIR"
	if os.Getenv(mark) == t.Name() {
		return os.Getenv(place), true
	}
	dir, err := os.MkdirTemp("", "poskey-test-") // t.TempDir lies below a folder that only its owner may enter
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()     //nolint:gosec // G703: made two lines above
	if err := os.Chmod(dir, 0o777); err != nil { //nolint:gosec // G302: the child becomes somebody else
		t.Fatal(err)
	}
	c := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v") //nolint:gosec // G204: the test itself
	c.Env = append(os.Environ(), mark+"="+t.Name(), place+"="+dir, "GORACE=atexit_sleep_ms=0")
	out, err := c.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "--- PASS: "+t.Name()) {
		t.Fatalf("in a process of its own: %v\n%s", err, out)
	}
	return dir, false
}

// BecomeNobody gives up the rights of root, for whom no mode and no limit counts.
func BecomeNobody(t *testing.T) {
	t.Helper()
	if os.Getuid() != 0 {
		return
	}
	const nobody = 65534
	if err := errors.Join(syscall.Setgid(nobody), syscall.Setuid(nobody)); err != nil {
		t.Fatal(err)
	}
}
