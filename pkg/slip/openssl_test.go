package slip_test

import (
	"bytes"
	"crypto/rand"
	"os/exec"
	"strings"
	"testing"

	"poskey/internal/testvec"
	"poskey/pkg/kcv"
	"poskey/pkg/keys"
	"poskey/pkg/slip"
)

// openssl runs the program of another project. It is needed: keys whose values this project computed prove less.
func openssl(t *testing.T, input []byte, args ...string) []byte {
	t.Helper()
	path, err := exec.LookPath("openssl")
	if err != nil {
		t.Fatalf("openssl makes the check values and is not installed (%v); run `make test`, which installs it", err)
	}
	c := exec.Command(path, args...)
	c.Stdin = bytes.NewReader(input)
	var errs bytes.Buffer
	c.Stderr = &errs
	out, err := c.Output()
	if err != nil {
		t.Fatalf("openssl %s: %v\n%s", args[0], err, errs.String())
	}
	return out
}

// opensslValue is a check value by the algorithm's default method: the encryption of a zero block, or its CMAC for AES.
func opensslValue(t *testing.T, alg keys.Algorithm, key []byte) []byte {
	t.Helper()
	hex := testvec.Upper(key)
	switch alg {
	case keys.DES:
		return openssl(t, make([]byte, 8), "enc", "-provider", "legacy", "-provider", "default", "-des-ecb", "-nopad", "-K", hex)
	case keys.TDES128:
		return openssl(t, make([]byte, 8), "enc", "-des-ede", "-nopad", "-K", hex)
	case keys.TDES192:
		return openssl(t, make([]byte, 8), "enc", "-des-ede3", "-nopad", "-K", hex)
	case keys.SM4:
		return openssl(t, make([]byte, 16), "enc", "-sm4-ecb", "-nopad", "-K", hex)
	}
	name := strings.ToUpper(string(alg)) + "-CBC"
	return openssl(t, make([]byte, 16), "mac", "-cipher", name, "-macopt", "hexkey:"+hex, "-binary", "CMAC")
}

// TestMistakesInKeysOfOpenSSLAreFound: held-out keys, new in every run, with the values that OpenSSL gives them.
func TestMistakesInKeysOfOpenSSLAreFound(t *testing.T) {
	r := random(7)
	for _, alg := range keys.BlockCiphers() {
		digits := 2
		if raced && (alg == keys.AES256 || alg == keys.SM4) {
			digits = 1 // half a million ciphers take long there
		}
		for _, kind := range []slip.Kind{slip.Wrong, slip.Confused, slip.Swapped, slip.Dropped, slip.Inserted, slip.Doubled, slip.Groups, slip.Halves} {
			right, typed := "", ""
			for typed == "" || visible(alg, kcv.Default(alg), typed) == visible(alg, kcv.Default(alg), right) {
				key := make([]byte, alg.KeyLen())
				_, _ = rand.Read(key)
				right = testvec.Upper(key)
				typed = mistyped(r, kind, right, digits, keepsLength(r.IntN(2) == 0))
			}
			q := asked(t, alg, kcv.Default(alg), typed, opensslValue(t, alg, keyOf(t, right)), 6)
			if kind == slip.Wrong {
				q.Digits = digits
			}
			if !corrections(t, q, run(t, q))[visible(alg, q.Method, right)] {
				t.Errorf("%s in a key for %s (%s): not found", kind, alg, right)
			}
		}
	}
}
