package dukpt

// The base derivation key, on the host's side only.

import (
	"crypto/cipher"

	"poskey/internal/cipherx"
	"poskey/internal/fault"
	"poskey/internal/secret"
	"poskey/pkg/keys"
)

// BDK derives initial keys. Its ciphers are made once; after that it may be used from several goroutines, until Wipe.
type BDK struct {
	scheme Scheme
	alg    keys.Algorithm
	block  cipher.Block // under the BDK
	other  cipher.Block // TDES: under the BDK XOR C0C0C0C000000000C0C0C0C000000000
}

// NewBDK prepares a BDK: tdes-128 for TDES DUKPT, AES of any length for AES DUKPT; another algorithm is an error of kind
// malformed. The key stays the caller's.
func NewBDK(s Scheme, k *keys.Key) (*BDK, error) {
	if err := checkKey(s, k); err != nil {
		return nil, fault.Wrap(err, "the BDK")
	}
	block, err := k.Cipher()
	if err != nil {
		return nil, err
	}
	b := &BDK{scheme: s, alg: k.Algorithm(), block: block}
	if s == TDES {
		b.other, err = variantCipher(k)
	}
	if err != nil {
		return nil, err
	}
	return b, nil
}

func variantCipher(k *keys.Key) (cipher.Block, error) {
	changed := k.Secret().Clone()
	defer changed.Wipe()
	xorHalves(changed.Expose(), variant)
	return cipherx.NewTDES(changed.Expose())
}

// CheckBase tells, before any key is there, whether a BDK or IK of the algorithm can be one of the scheme; if not, with an
// error of kind malformed.
func CheckBase(s Scheme, alg keys.Algorithm) error { return checkBase(s, alg, alg.KeyLen()) }

// checkKey holds the algorithm of a BDK or IK against the scheme.
func checkKey(s Scheme, k *keys.Key) error { return checkBase(s, k.Algorithm(), k.Len()) }

func checkBase(s Scheme, alg keys.Algorithm, n int) error {
	switch {
	case s != TDES && s != AES:
		return fault.New(fault.Usage, "unknown DUKPT scheme %q", string(s))
	case s == TDES && alg != keys.TDES128:
		return fault.New(fault.Malformed,
			"TDES DUKPT takes a tdes-128 key (32 hex digits), this one is %s with %d digits", alg, 2*n)
	case s == AES && !alg.IsAES():
		return fault.New(fault.Malformed, "AES DUKPT takes an AES key, this one is %s with %d digits", alg, 2*n)
	}
	return nil
}

// checkScheme refuses a KSN of the other scheme: cut or filled up it would lead to a key of nobody.
func checkScheme(s Scheme, ksn KSN) error {
	if ksn.Scheme() == s {
		return nil
	}
	want := 2 * tdesLen
	if s == AES {
		want = 2 * aesLen
	}
	return fault.New(fault.KSNLength, "the key is for %s, whose KSN has %d hex digits; this KSN has %d",
		string(s), want, 2*int(ksn.n))
}

// Scheme tells what the BDK is for.
func (b *BDK) Scheme() Scheme { return b.scheme }

// Algorithm is that of the initial keys.
func (b *BDK) Algorithm() keys.Algorithm { return b.alg }

// DeriveIK writes the initial key of the KSN into dst, which has exactly the key's length; the KSN's counter is ignored.
// It allocates nothing: for a million keys in a row. A KSN of the other scheme is an error of kind ksn_length, and dst
// is left as it was.
func (b *BDK) DeriveIK(dst []byte, ksn KSN) error {
	if b.block == nil {
		return fault.New(fault.Failure, "the BDK was wiped")
	}
	if err := checkScheme(b.scheme, ksn); err != nil {
		return err
	}
	if want := b.alg.KeyLen(); len(dst) != want {
		return fault.New(fault.MalformedLength, "the initial key has %d bytes, there is room for %d", want, len(dst))
	}
	if b.scheme == AES {
		derivation{usageInitial, like(b.alg), [8]byte(ksn.b[:8])}.run(b.block, dst)
		return nil
	}
	copy(dst[:half], ksn.b[:half]) // A.6, C.7: the first 8 bytes without the counter's bits
	dst[half-1] &^= 0x1F
	b.encryptHalves(dst)
	return nil
}

// encryptHalves makes an initial key of TDES DUKPT of the identifier in the left half of dst.
func (b *BDK) encryptHalves(dst []byte) {
	left, right := dst[:half], dst[half:tdesKeyLen]
	copy(right, left)
	b.block.Encrypt(left, left)
	b.other.Encrypt(right, right)
}

// IK is DeriveIK into a new key; the caller wipes it.
func (b *BDK) IK(ksn KSN) (*IK, error) {
	sec := secret.New(b.alg.KeyLen())
	k, err := keyOf(b.alg, sec, b.DeriveIK(sec.Expose(), ksn))
	if err != nil {
		return nil, err
	}
	return &IK{b.scheme, k}, nil
}

// Wipe ends the use of the BDK. Go's ciphers cannot be wiped, only let go.
func (b *BDK) Wipe() {
	if b != nil {
		b.block, b.other = nil, nil
	}
}
