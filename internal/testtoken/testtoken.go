// Package testtoken makes PKCS#11 tokens for tests: SoftHSM2 with softhsm2-util, NSS softokn in an empty folder. Nothing
// of the user's own tokens is touched. A module that is not installed fails the test and names its package.
package testtoken

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// The PINs of test tokens.
const (
	PIN   = "27182818"
	SOPIN = "31415926"
)

// folders are where Debian and its relatives, Alpine and Homebrew put modules.
func folders() []string {
	return []string{
		"/usr/lib/softhsm", "/usr/lib/*/softhsm", "/usr/lib64/softhsm", "/usr/lib64/pkcs11", "/usr/local/lib/softhsm",
		"/usr/lib", "/usr/lib/*", "/usr/lib/*/nss", "/usr/lib64", "/usr/local/lib", "/opt/homebrew/lib/softhsm",
		"/opt/homebrew/lib",
	}
}

func find(t testing.TB, file, of string) string {
	t.Helper()
	for _, folder := range folders() {
		matches, err := filepath.Glob(filepath.Join(folder, file))
		if err != nil {
			t.Fatal(err)
		}
		if len(matches) > 0 {
			return matches[0]
		}
	}
	t.Fatalf("%s is not installed; it is in the package %s (make deps)", file, of)
	return ""
}

// SoftHSMModule finds the module of SoftHSM2.
func SoftHSMModule(t testing.TB) string { t.Helper(); return find(t, "libsofthsm2.so", "softhsm2") }

// NSSModule finds the module of NSS softokn.
func NSSModule(t testing.TB) string { t.Helper(); return find(t, "libsoftokn3.so", "libnss3") }

// SoftHSM is a SoftHSM2 of a test's own.
type SoftHSM struct {
	Module string
	Conf   string // for the environment variable SOFTHSM2_CONF
	Dir    string // with the tokens' files
}

// NewSoftHSM makes one without a token, below a folder that the test removes.
func NewSoftHSM(t testing.TB, folder string) SoftHSM {
	t.Helper()
	s := SoftHSM{Module: SoftHSMModule(t), Conf: filepath.Join(folder, "softhsm2.conf"), Dir: filepath.Join(folder,
		"tokens")}
	if err := os.MkdirAll(s.Dir, 0o700); err != nil {
		t.Fatal(err)
	}
	conf := fmt.Sprintf("directories.tokendir = %s\nobjectstore.backend = file\nlog.level = ERROR\nslots.removable = false\n", s.Dir)
	if err := os.WriteFile(s.Conf, []byte(conf), 0o600); err != nil {
		t.Fatal(err)
	}
	return s
}

// Token makes a token with [PIN] and [SOPIN].
func (s SoftHSM) Token(t testing.TB, label string) {
	t.Helper()
	args := []string{"--init-token", "--free", "--label", label, "--so-pin", SOPIN, "--pin", PIN}
	c := exec.Command("softhsm2-util", args...) //nolint:gosec // the label is a test's own
	c.Env = append(os.Environ(), "SOFTHSM2_CONF="+s.Conf)
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("softhsm2-util: %v\n%s", err, out)
	}
}
