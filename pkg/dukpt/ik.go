package dukpt

// The initial key: what is loaded into a device.

import (
	"poskey/internal/fault"
	"poskey/internal/secret"
	"poskey/pkg/keys"
)

// IK is the initial key of one device.
type IK struct {
	scheme Scheme
	key    *keys.Key
}

// NewIK takes an initial key that was derived elsewhere: tdes-128 for TDES DUKPT, AES for AES DUKPT; another algorithm is
// an error of kind malformed. The key stays the caller's, the IK has a copy.
func NewIK(s Scheme, k *keys.Key) (*IK, error) {
	if err := checkKey(s, k); err != nil {
		return nil, fault.Wrap(err, "the initial key")
	}
	own, err := keys.New(k.Algorithm(), k.Secret().Clone())
	if err != nil {
		return nil, err
	}
	return &IK{s, own}, nil
}

// Scheme tells what the key is for.
func (k *IK) Scheme() Scheme { return k.scheme }

// Key gives the key itself; it stays the IK's.
func (k *IK) Key() *keys.Key { return k.key }

// Wipe destroys the key.
func (k *IK) Wipe() {
	if k != nil {
		k.key.Wipe()
	}
}

// Transaction derives the key of the KSN's counter; the caller wipes it. Counter 0 and counters with too many bits are
// refused (kind counter_bits), and so is a KSN of the other scheme (ksn_length). That a KSN belongs to another IK cannot
// be noticed.
func (k *IK) Transaction(ksn KSN) (*Transaction, error) {
	if err := checkScheme(k.scheme, ksn); err != nil {
		return nil, err
	}
	if err := ksn.CheckCounter(); err != nil {
		return nil, err
	}
	return k.walk(ksn)
}

// walk derives for any counter.
func (k *IK) walk(ksn KSN) (*Transaction, error) {
	if k.key.Len() == 0 {
		return nil, fault.New(fault.Failure, "the initial key was wiped")
	}
	sec := k.key.Secret().Clone()
	if err := walk(sec.Expose(), k.key.Algorithm(), ksn); err != nil {
		sec.Wipe()
		return nil, err
	}
	return newTransaction(k.scheme, k.key.Algorithm(), sec, ksn)
}

// walk turns an initial key in place into the key of the counter.
func walk(key []byte, alg keys.Algorithm, ksn KSN) error {
	if alg.IsAES() {
		return aesWalk(key, like(alg), ksn)
	}
	return tdesWalk(key, ksn, tdesStep)
}

// UpdateKey derives the key under which a device gets its next initial key (6.5.3): AES only, TDES DUKPT is an error of
// kind usage. The KSN's counter is ignored, FFFFFFFF is taken. The type "" is the IK's own; the caller wipes the key.
func (k *IK) UpdateKey(ksn KSN, t KeyType) (*keys.Key, error) {
	if _, err := CheckUpdate(k.key.Algorithm(), t); err != nil {
		return nil, err
	}
	if err := checkScheme(k.scheme, ksn); err != nil {
		return nil, err
	}
	last, err := k.walk(ksn.Update())
	if err != nil {
		return nil, err
	}
	defer last.Wipe()
	return last.Working(KEK, t)
}

// CheckUpdate is [CheckWorking] for the update key of an initial key.
func CheckUpdate(deriving keys.Algorithm, t KeyType) (KeyType, error) {
	if !deriving.IsAES() {
		return "", fault.New(fault.Usage, "TDES DUKPT has no update key; only AES DUKPT derives one")
	}
	return CheckWorking(deriving, KEK, t)
}

// keyOf makes a key of bytes that were just derived and takes them over; with the error of that derivation it wipes them.
func keyOf(alg keys.Algorithm, sec *secret.Bytes, err error) (*keys.Key, error) {
	if err != nil {
		sec.Wipe()
		return nil, err
	}
	return keys.New(alg, sec)
}
