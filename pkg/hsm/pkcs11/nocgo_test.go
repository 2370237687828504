//go:build cgo && linux

package pkcs11

import (
	"os"
	"os/exec"
	"testing"
)

// TestTheStubIsTested runs the tests of the build without cgo, which this one does not compile.
func TestTheStubIsTested(t *testing.T) {
	c := exec.Command("go", "test", "-count=1", "-run", "TestABuildWithoutPKCS11SaysSo", "-v", ".")
	c.Env = append(os.Environ(), "CGO_ENABLED=0")
	out, err := c.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if want := "--- PASS: TestABuildWithoutPKCS11SaysSo"; !contained(string(out), want) {
		t.Errorf("%q is not in:\n%s", want, out)
	}
}
