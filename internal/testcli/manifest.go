package testcli

import (
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"os"

	"github.com/rogpeppe/go-internal/testscript"

	"poskey/pkg/device/emulator"
)

// cmdManifest is the vendor of an emulated terminal's software, with a TEST key.
func cmdManifest(ts *testscript.TestScript, neg bool, args []string) {
	noNegation(ts, neg)
	if len(args) != 5 {
		ts.Fatalf("usage: manifest NAME MODEL VERSION COUNTER FILE")
	}
	seed := sha256.Sum256([]byte("TEST vendor of emulated terminals"))
	vendor := ed25519.NewKeyFromSeed(seed[:])
	image, err := os.ReadFile(ts.MkAbs(args[4]))
	ts.Check(err)
	m := emulator.Manifest{Model: args[1], Version: args[2], Counter: uint64(number(ts, args[3]))}
	signed, err := emulator.SignManifest(vendor, m, image)
	ts.Check(err)
	public, err := x509.MarshalPKIXPublicKey(vendor.Public())
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]+".manifest"), signed, 0o600))
	public = pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public})
	ts.Check(os.WriteFile(ts.MkAbs("vendor.pem"), public, 0o600))
}
