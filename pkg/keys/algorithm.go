package keys

import (
	"strings"

	"poskey/internal/fault"
	"poskey/internal/text"
)

// Algorithm is an algorithm together with its key length, as people name it on the command line.
type Algorithm string

// The algorithms. DES is for inspection only. The HMAC keys have no fixed length. RSA, EC, DSA and Raw occur only as
// contents of key blocks: they are carried, not used.
const (
	DES        Algorithm = "des"
	TDES128    Algorithm = "tdes-128"
	TDES192    Algorithm = "tdes-192"
	AES128     Algorithm = "aes-128"
	AES192     Algorithm = "aes-192"
	AES256     Algorithm = "aes-256"
	SM4        Algorithm = "sm4"
	HMACSHA1   Algorithm = "hmac-sha1"
	HMACSHA224 Algorithm = "hmac-sha224"
	HMACSHA256 Algorithm = "hmac-sha256"
	HMACSHA384 Algorithm = "hmac-sha384"
	HMACSHA512 Algorithm = "hmac-sha512"
	RSA        Algorithm = "rsa"
	EC         Algorithm = "ec"
	DSA        Algorithm = "dsa"
	Raw        Algorithm = "raw" // bytes whose length no algorithm has
)

// BlockCiphers lists the algorithms that have a block cipher, in the order in which people meet them.
func BlockCiphers() []Algorithm {
	return []Algorithm{DES, TDES128, TDES192, AES128, AES192, AES256, SM4}
}

// HMACs lists the HMAC algorithms.
func HMACs() []Algorithm {
	return []Algorithm{HMACSHA1, HMACSHA224, HMACSHA256, HMACSHA384, HMACSHA512}
}

// Named lists the algorithms that a user may name.
func Named() []Algorithm { return append(BlockCiphers(), HMACs()...) }

// ParseAlgorithm reads a name as it stands in [Named], in either case.
func ParseAlgorithm(s string) (Algorithm, error) {
	name := Algorithm(strings.ToLower(strings.TrimSpace(s)))
	for _, a := range Named() {
		if a == name {
			return a, nil
		}
	}
	return "", fault.New(fault.Usage, "unknown algorithm %q; known: %s", text.Redact(s), join(Named()))
}

func join[T ~string](names []T) string {
	parts := make([]string, len(names))
	for i, n := range names {
		parts[i] = string(n)
	}
	return strings.Join(parts, " ")
}

// KeyLen is the length of a key in bytes, 0 where it is not fixed.
func (a Algorithm) KeyLen() int {
	switch a {
	case DES:
		return 8
	case TDES128, AES128, SM4:
		return 16
	case TDES192, AES192:
		return 24
	case AES256:
		return 32
	}
	return 0
}

// DefaultLen is the length in bytes of a key made by Generate: the fixed one, or the hash's for HMAC (X9.143 asks for
// no less than the hash's strength).
func (a Algorithm) DefaultLen() int {
	switch a {
	case HMACSHA1:
		return 20
	case HMACSHA224:
		return 28
	case HMACSHA256:
		return 32
	case HMACSHA384:
		return 48
	case HMACSHA512:
		return 64
	}
	return a.KeyLen()
}

// IsDES reports whether the key bytes carry DES parity bits.
func (a Algorithm) IsDES() bool { return a == DES || a == TDES128 || a == TDES192 }

// IsAES reports whether it is AES of any length.
func (a Algorithm) IsAES() bool { return a == AES128 || a == AES192 || a == AES256 }

// IsHMAC reports whether it is an HMAC key.
func (a Algorithm) IsHMAC() bool { return strings.HasPrefix(string(a), "hmac-") }

// IsBlockCipher reports whether the algorithm has a block cipher here.
func (a Algorithm) IsBlockCipher() bool { return a.KeyLen() != 0 }

// Strength is the key's strength in bits, for comparing a wrapping key with what it wraps
// (NIST SP 800-57 part 1, table 2). A double-length TDES key counts 80, the cautious reading of 80 to 112.
func (a Algorithm) Strength(keyLen int) int {
	switch {
	case a == DES:
		return 56
	case a == TDES128:
		return 80
	case a == TDES192:
		return 112
	case a.IsAES() || a == SM4:
		return 8 * a.KeyLen()
	case a.IsHMAC():
		return min(8*keyLen, 256)
	}
	return 0 // not known here
}

// ForLength gives the algorithm of a's family that has keys of n bytes, or Raw.
func (a Algorithm) ForLength(n int) Algorithm {
	family := []Algorithm{a}
	switch {
	case a.IsDES():
		family = []Algorithm{DES, TDES128, TDES192}
	case a.IsAES():
		family = []Algorithm{AES128, AES192, AES256}
	case a.KeyLen() == 0:
		return a
	}
	for _, f := range family {
		if f.KeyLen() == n {
			return f
		}
	}
	return Raw
}
