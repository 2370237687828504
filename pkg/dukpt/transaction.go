package dukpt

// The transaction key, and the working keys made of it.

import (
	"poskey/internal/secret"
	"poskey/pkg/keys"
)

// Transaction is the key of one transaction. Nothing is encrypted under it: it only gives working keys.
type Transaction struct {
	scheme Scheme
	ksn    KSN
	key    *keys.Key
}

// newTransaction takes over sec.
func newTransaction(s Scheme, alg keys.Algorithm, sec *secret.Bytes, ksn KSN) (*Transaction, error) {
	k, err := keys.New(alg, sec)
	if err != nil {
		return nil, err
	}
	return &Transaction{s, ksn, k}, nil
}

// Scheme tells by which scheme it was derived.
func (t *Transaction) Scheme() Scheme { return t.scheme }

// KSN names the transaction.
func (t *Transaction) KSN() KSN { return t.ksn }

// Key gives the key itself; it stays the Transaction's.
func (t *Transaction) Key() *keys.Key { return t.key }

// Wipe destroys the key.
func (t *Transaction) Wipe() {
	if t != nil {
		t.key.Wipe()
	}
}

// Working derives a working key; the caller wipes it. The type "" is tdes-128 for TDES DUKPT, and for AES DUKPT the
// algorithm of the deriving key. A use or type that the scheme does not have is an error of kind usage. A type that is
// stronger than the deriving key is derived all the same: see [WorkingWarnings].
func (t *Transaction) Working(u Use, as KeyType) (*keys.Key, error) {
	as, err := CheckWorking(t.key.Algorithm(), u, as)
	if err != nil {
		return nil, err
	}
	if t.scheme == TDES {
		sec := t.key.Secret().Clone()
		return keyOf(keys.TDES128, sec, tdesWorking(sec.Expose(), u))
	}
	sec := secret.New(as.Len())
	err = aesDerive(sec.Expose(), t.key.Secret().Expose(), derivation{u.usage(), as, ofCounter(t.ksn)})
	return keyOf(as.Algorithm(), sec, err)
}

// CheckWorking tells, before any key is there, whether a BDK or IK of the algorithm gives a working key for the use and
// of the type. It gives the type, filled in when it was left open, or the error that Working would give.
func CheckWorking(deriving keys.Algorithm, u Use, as KeyType) (KeyType, error) {
	if as == "" {
		as = like(deriving)
	}
	scheme := TDES
	if deriving.IsAES() {
		scheme = AES
	}
	if err := u.check(scheme); err != nil {
		return "", err
	}
	if err := as.check(scheme, u); err != nil {
		return "", err
	}
	return as, nil
}
