package testcli

// Tokens of scripts.

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"poskey/internal/testtoken"
)

// cmdSoftToken makes a SoftHSM2 with a token outside of $WORK (a token notes wrong PINs in its files) and an empty NSS
// database, and sets SOFTHSM2_CONF, SOFTHSM, NSS and NSSDIR. The file pin has the token's PIN.
func cmdSoftToken(ts *testscript.TestScript, neg bool, args []string) {
	noNegation(ts, neg)
	if len(args) != 1 {
		ts.Fatalf("usage: softtoken LABEL")
	}
	t := stateOf(ts).t
	soft := testtoken.NewSoftHSM(t, tokenDir(t))
	soft.Token(t, args[0])
	ts.Setenv("SOFTHSM2_CONF", soft.Conf)
	ts.Setenv("SOFTHSM", soft.Module)
	ts.Setenv("NSS", testtoken.NSSModule(t))
	ts.Setenv("NSSDIR", tokenDir(t))
	ts.Check(os.WriteFile(ts.MkAbs("pin"), []byte(testtoken.PIN+"\n"), 0o600))
}

// tokenDir makes a folder that goes with the script.
func tokenDir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "poskey-token-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return filepath.Clean(dir)
}
