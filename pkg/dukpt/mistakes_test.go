package dukpt

// Mistakes of field software that vectors have and that no diagnosis asks for: they show the steps where they go wrong.

import (
	"testing"

	"poskey/pkg/keys"
)

// mistakenTransaction derives the key of any counter, with too many bits or none, as dukpt-tool and moov do with exit
// code 0.
func mistakenTransaction(t *testing.T, k *IK, ksn KSN) *Transaction {
	t.Helper()
	txn, err := k.walk(ksn)
	if err != nil {
		t.Fatal(err)
	}
	return txn
}

// mistakenDataKey is the TDES data key without the encryption under itself: the constant alone (Dukpt.NET issue 7,
// node-dukpt issue 5).
func mistakenDataKey(t *testing.T, txn *Transaction, u Use) *keys.Key {
	t.Helper()
	sec := txn.key.Secret().Clone()
	xorHalves(sec.Expose(), mask(u))
	k, err := keys.New(keys.TDES128, sec)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// withdrawnPINBlock encrypts a clear PIN block of 8 bytes as the withdrawn scheme did: key XOR DES(key, key XOR block).
func withdrawnPINBlock(t *testing.T, pin *keys.Key, block []byte) []byte {
	t.Helper()
	out := make([]byte, half)
	if err := desUnderSelf(out, pin.Secret().Expose(), block); err != nil {
		t.Fatal(err)
	}
	return out
}
