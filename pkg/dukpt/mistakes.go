package dukpt

// What field software derives and the standards do not: for diagnosis alone. Nothing else in poskey calls this file, and
// no key from here is ever loaded or exported. A diagnosis asks for MistakenIK, through the prober of pkg/hsm; what more
// can go wrong is computed in mistakes_test.go alone, out of the same steps.

import (
	"crypto/des"
	"encoding/binary"

	"poskey/internal/fault"
	"poskey/internal/secret"
	"poskey/pkg/keys"
)

// MistakenIK is the initial key of TDES DUKPT that comes out where the counter's bits are not cleared: five of them stand in
// the first 8 bytes of the KSN. The caller wipes it. An AES BDK is an error of kind usage.
func (b *BDK) MistakenIK(ksn KSN) (*IK, error) {
	if b.scheme != TDES {
		return nil, fault.New(fault.Usage, "the initial key of AES DUKPT has no counter in its derivation")
	}
	if err := checkScheme(TDES, ksn); err != nil {
		return nil, err
	}
	if b.block == nil {
		return nil, fault.New(fault.Failure, "the BDK was wiped")
	}
	sec := secret.New(tdesKeyLen)
	copy(sec.Expose(), ksn.b[:half])
	b.encryptHalves(sec.Expose())
	k, err := keyOf(keys.TDES128, sec, nil)
	if err != nil {
		return nil, err
	}
	return &IK{TDES, k}, nil
}

// WithdrawnIK is the initial key of single-DES DUKPT (X9.24-1:1992): the left half of the IK of TDES DUKPT.
type WithdrawnIK struct{ key *keys.Key }

// WithdrawnIK derives it; the caller wipes it. The counter is ignored. An AES BDK is an error of kind usage.
func (b *BDK) WithdrawnIK(ksn KSN) (*WithdrawnIK, error) {
	if b.scheme != TDES {
		return nil, fault.New(fault.Usage, "single-DES DUKPT has a TDES base key")
	}
	whole, err := b.IK(ksn)
	if err != nil {
		return nil, err
	}
	defer whole.Wipe()
	k, err := keys.New(keys.DES, secret.Copy(whole.key.Secret().Expose()[:half]))
	if err != nil {
		return nil, err
	}
	return &WithdrawnIK{k}, nil
}

// Key gives the key itself; it stays the WithdrawnIK's.
func (k *WithdrawnIK) Key() *keys.Key { return k.key }

// Wipe destroys the key.
func (k *WithdrawnIK) Wipe() { k.key.Wipe() }

// WithdrawnTransaction is the key of a transaction of single-DES DUKPT.
type WithdrawnTransaction struct{ key *keys.Key }

// Transaction derives the key of any counter, with too many bits or none; the caller wipes it.
func (k *WithdrawnIK) Transaction(ksn KSN) (*WithdrawnTransaction, error) {
	if err := checkScheme(TDES, ksn); err != nil {
		return nil, err
	}
	sec := k.key.Secret().Clone()
	key, err := keyOf(keys.DES, sec, tdesWalk(sec.Expose(), ksn, withdrawnStep))
	if err != nil {
		return nil, err
	}
	return &WithdrawnTransaction{key}, nil
}

// withdrawnStep is key XOR DES(key, key XOR r8): one half, no variant.
func withdrawnStep(key, r8 []byte) error { return desUnderSelf(key, key, r8) }

// desUnderSelf writes key XOR DES(key, key XOR data) into dst.
func desUnderSelf(dst, key, data []byte) error {
	b, err := des.NewCipher(key)
	if err != nil {
		return err
	}
	k := binary.BigEndian.Uint64(key)
	binary.BigEndian.PutUint64(dst, binary.BigEndian.Uint64(data)^k)
	b.Encrypt(dst, dst)
	binary.BigEndian.PutUint64(dst, binary.BigEndian.Uint64(dst)^k)
	return nil
}

// Key gives the key itself; it stays the WithdrawnTransaction's.
func (t *WithdrawnTransaction) Key() *keys.Key { return t.key }

// Wipe destroys the key.
func (t *WithdrawnTransaction) Wipe() { t.key.Wipe() }

// PIN gives the PIN key; the caller wipes it.
func (t *WithdrawnTransaction) PIN() (*keys.Key, error) {
	sec := t.key.Secret().Clone()
	xorHalves(sec.Expose(), mask(PIN))
	return keys.New(keys.DES, sec)
}
