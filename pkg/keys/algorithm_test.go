package keys

import (
	"bytes"
	"math/bits"
	"strings"
	"testing"

	"poskey/internal/fault"
	"poskey/internal/secret"
)

// everyAlgorithm is the whole type, with what is true of each.
func everyAlgorithm() map[Algorithm]struct{ keyLen, made, strength int } {
	type row = struct{ keyLen, made, strength int }
	return map[Algorithm]row{
		DES: {8, 8, 56}, TDES128: {16, 16, 80}, TDES192: {24, 24, 112},
		AES128: {16, 16, 128}, AES192: {24, 24, 192}, AES256: {32, 32, 256}, SM4: {16, 16, 128},
		HMACSHA1: {0, 20, 160}, HMACSHA224: {0, 28, 224}, HMACSHA256: {0, 32, 256}, HMACSHA384: {0, 48, 256}, HMACSHA512: {0, 64, 256},
		RSA: {}, EC: {}, DSA: {}, Raw: {},
	}
}

func TestAlgorithmsHaveTheirLengthsAndStrengths(t *testing.T) {
	for a, want := range everyAlgorithm() {
		if a.KeyLen() != want.keyLen || a.DefaultLen() != want.made || a.Strength(a.DefaultLen()) != want.strength {
			t.Errorf("%s: length %d, made with %d, strength %d; want %+v", a, a.KeyLen(), a.DefaultLen(), a.Strength(a.DefaultLen()), want)
		}
		if a.IsBlockCipher() != (want.keyLen != 0) {
			t.Errorf("%s: block cipher is %v", a, a.IsBlockCipher())
		}
	}
}

func TestNamedAlgorithmsParseInEitherCase(t *testing.T) {
	seen := map[Algorithm]bool{}
	for _, a := range Named() {
		if seen[a] {
			t.Errorf("%s is named twice", a)
		}
		seen[a] = true
		for _, s := range []string{string(a), strings.ToUpper(string(a)), " " + string(a) + "\n"} {
			if got, err := ParseAlgorithm(s); err != nil || got != a {
				t.Errorf("%q: got %q, %v", s, got, err)
			}
		}
	}
	if len(seen) != 12 {
		t.Errorf("%d algorithms are named, want 12", len(seen))
	}
	for _, s := range []string{"", "tdes", "aes", "aes-512", "raw", "rsa", "3des"} {
		got, err := ParseAlgorithm(s)
		wantKind(t, err, fault.Usage)
		if got != "" {
			t.Errorf("%q: an error came with %q", s, got)
		}
		for _, a := range Named() {
			if !strings.Contains(err.Error(), string(a)) {
				t.Errorf("%q: the error does not name %s", s, a)
			}
		}
	}
}

func TestLengthPicksTheAlgorithmOfTheFamily(t *testing.T) {
	for _, c := range []struct {
		a    Algorithm
		n    int
		want Algorithm
	}{
		{TDES128, 8, DES}, {DES, 16, TDES128}, {TDES128, 24, TDES192}, {TDES192, 32, Raw}, {TDES192, 6, Raw},
		{AES128, 16, AES128}, {AES256, 24, AES192}, {AES128, 32, AES256}, {AES128, 8, Raw}, {AES128, 0, Raw},
		{SM4, 16, SM4}, {SM4, 24, Raw}, {HMACSHA256, 20, HMACSHA256}, {HMACSHA1, 1, HMACSHA1}, {RSA, 500, RSA}, {Raw, 16, Raw},
	} {
		if got := c.a.ForLength(c.n); got != c.want {
			t.Errorf("%s with %d bytes is %s, want %s", c.a, c.n, got, c.want)
		}
	}
}

func TestKeyOfAWrongLengthIsRefusedAndWiped(t *testing.T) {
	noLeaks(t)
	for a, want := range everyAlgorithm() {
		for n := range 70 {
			fits := n != 0 && (want.keyLen == 0 || n == want.keyLen)
			k, err := New(a, secret.Take(bytes.Repeat([]byte{0x5A}, n)))
			if (err == nil) != fits {
				t.Fatalf("%s with %d bytes: %v", a, n, err)
			}
			if err != nil {
				wantKind(t, err, fault.MalformedLength)
				if k != nil {
					t.Errorf("%s with %d bytes: an error came with a key", a, n)
				}
				continue
			}
			if k.Algorithm() != a || k.Len() != n || k.Secret().Len() != n || k.Strength() != a.Strength(n) {
				t.Errorf("%s with %d bytes: the key says %s, %d", a, n, k.Algorithm(), k.Len())
			}
			k.Wipe()
			k.Wipe()
		}
	}
	var none *Key
	none.Wipe()
}

func TestCiphersAreThoseOfTheAlgorithm(t *testing.T) {
	noLeaks(t)
	for a, want := range everyAlgorithm() {
		n := want.keyLen
		if n == 0 {
			n = 16
		}
		k, err := New(a, secret.Take(bytes.Repeat([]byte{0x5B}, n)))
		if err != nil {
			t.Fatal(err)
		}
		b, err := k.Cipher()
		switch {
		case !a.IsBlockCipher():
			wantKind(t, err, fault.Usage)
		case err != nil:
			t.Errorf("%s: %v", a, err)
		case b.BlockSize() != 16 && !a.IsDES(), b.BlockSize() != 8 && a.IsDES():
			t.Errorf("%s has blocks of %d bytes", a, b.BlockSize())
		}
		k.Wipe()
	}
}

func TestFixParityMakesEveryByteOddAndKeepsSevenBits(t *testing.T) {
	for v := range 256 {
		b := []byte{byte(v)}
		FixParity(b)
		if bits.OnesCount8(b[0])%2 != 1 || b[0]&0xFE != byte(v)&0xFE {
			t.Errorf("%02X becomes %02X", v, b[0])
		}
	}
}

func TestParityIsOddEvenMixedOrNone(t *testing.T) {
	noLeaks(t)
	for _, c := range []struct {
		b    []byte
		want Parity
	}{
		{[]byte{1, 2, 4, 7, 0x80, 0xFE, 0xB0, 0x10}, ParityOdd},
		{[]byte{0, 3, 5, 6, 0x81, 0xFF, 0xB1, 0x11}, ParityEven},
		{[]byte{1, 2, 4, 7, 0x80, 0xFE, 0xB0, 0x11}, ParityMixed},
		{[]byte{0, 3, 5, 6, 0x81, 0xFF, 0xB1, 0x10}, ParityMixed},
	} {
		if got := ParityOf(c.b); got != c.want {
			t.Errorf("%X: %s, want %s", c.b, got, c.want)
		}
		k, err := New(DES, secret.Copy(c.b))
		if err != nil || k.Parity() != c.want {
			t.Errorf("%X as a key: %v, %v, want %s", c.b, k.Parity(), err, c.want)
		}
		k.Wipe()
	}
	for a, want := range everyAlgorithm() {
		if a.IsDES() {
			continue
		}
		k, err := New(a, secret.Take(make([]byte, max(1, want.keyLen))))
		if err != nil || k.Parity() != ParityNone {
			t.Errorf("%s has parity %q, %v", a, k.Parity(), err)
		}
		k.Wipe()
	}
}
