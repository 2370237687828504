package kcv

import (
	"bytes"
	"crypto/rand"
	"os/exec"
	"strings"
	"testing"

	"poskey/internal/testvec"
	"poskey/pkg/keys"
)

// openssl runs the program of another project over the input. It is needed: an implementation that judges itself proves
// nothing.
func openssl(t *testing.T, input []byte, args ...string) []byte {
	t.Helper()
	path, err := exec.LookPath("openssl")
	if err != nil {
		t.Fatalf("openssl judges the check values and is not installed (%v); run `make test`, which installs it", err)
	}
	c := exec.Command(path, args...)
	c.Stdin = bytes.NewReader(input)
	var out, errs bytes.Buffer
	c.Stdout, c.Stderr = &out, &errs
	if err := c.Run(); err != nil {
		t.Fatalf("openssl %s: %v\n%s", strings.Join(args[:len(args)-1], " "), err, errs.String())
	}
	return out.Bytes()
}

// single DES lives in OpenSSL's legacy provider.
func providers(alg keys.Algorithm) []string {
	if alg == keys.DES {
		return []string{"-provider", "legacy", "-provider", "default"}
	}
	return nil
}

func opensslECB(t *testing.T, alg keys.Algorithm, key, block []byte) []byte {
	t.Helper()
	name := map[keys.Algorithm]string{
		keys.DES: "-des-ecb", keys.TDES128: "-des-ede", keys.TDES192: "-des-ede3", keys.SM4: "-sm4-ecb",
		keys.AES128: "-aes-128-ecb", keys.AES192: "-aes-192-ecb", keys.AES256: "-aes-256-ecb",
	}[alg]
	args := append([]string{"enc"}, providers(alg)...)
	return openssl(t, block, append(args, name, "-nopad", "-K", testvec.Upper(key))...)
}

func opensslCMAC(t *testing.T, alg keys.Algorithm, key, message []byte) []byte {
	t.Helper()
	name := map[keys.Algorithm]string{
		keys.DES: "DES-CBC", keys.TDES128: "DES-EDE3-CBC", keys.TDES192: "DES-EDE3-CBC", keys.SM4: "SM4-CBC",
		keys.AES128: "AES-128-CBC", keys.AES192: "AES-192-CBC", keys.AES256: "AES-256-CBC",
	}[alg]
	if alg == keys.TDES128 {
		key = append(bytes.Clone(key), key[:8]...)
	}
	args := append([]string{"mac"}, providers(alg)...)
	return openssl(t, message, append(args, "-cipher", name, "-macopt", "hexkey:"+testvec.Upper(key), "-binary", "CMAC")...)
}

func TestOpenSSLComputesTheSameValues(t *testing.T) {
	t.Parallel()
	for _, alg := range keys.BlockCiphers() {
		t.Run(string(alg), func(t *testing.T) {
			t.Parallel()
			for range 3 {
				k, err := keys.Generate(rand.Reader, alg)
				if err != nil {
					t.Fatal(err)
				}
				key := bytes.Clone(k.Secret().Expose()) // a throw-away key; its bytes go to another process
				k.Wipe()
				size := 16
				if alg.IsDES() {
					size = 8
				}
				judge := map[Method][]byte{
					ECBZero:   opensslECB(t, alg, key, make([]byte, size)),
					CMAC:      opensslCMAC(t, alg, key, make([]byte, size)),
					CMACEmpty: opensslCMAC(t, alg, key, nil),
				}
				if alg.IsDES() {
					judge[CMAC16] = opensslCMAC(t, alg, key, make([]byte, 16))
					judge[PAXMode2] = opensslECB(t, alg, key, testvec.Hex(t, "1234567890123456"))[:4]
				} else {
					judge[ECBOne] = opensslECB(t, alg, key, bytes.Repeat([]byte{1}, 16))
				}
				for m, want := range judge {
					got, err := Compute(alg, key, m)
					if err != nil || len(want) == 0 || !bytes.Equal(got, want) {
						t.Errorf("%s %X by %s: got %X, %v; OpenSSL says %X", alg, key, m, got, err, want)
					}
				}
			}
		})
	}
}

func TestOpenSSLComputesTheSameHMACs(t *testing.T) {
	t.Parallel()
	for alg, digest := range map[keys.Algorithm]string{
		keys.HMACSHA1: "SHA1", keys.HMACSHA224: "SHA224", keys.HMACSHA256: "SHA256", keys.HMACSHA384: "SHA384", keys.HMACSHA512: "SHA512",
	} {
		k, err := keys.Generate(rand.Reader, alg)
		if err != nil {
			t.Fatal(err)
		}
		key := bytes.Clone(k.Secret().Expose())
		k.Wipe()
		for n, m := range map[int]Method{0: HMACEmpty, 1: HMACZeros(1), 32: HMACZeros(32), 4096: HMACZeros(4096)} {
			want := openssl(t, make([]byte, n), "mac", "-digest", digest, "-macopt", "hexkey:"+testvec.Upper(key), "-binary", "HMAC")
			if got, err := Compute(alg, key, m); err != nil || !bytes.Equal(got, want) {
				t.Errorf("%s %X by %s: got %X, %v; OpenSSL says %X", alg, key, m, got, err, want)
			}
		}
	}
}
