package dukpt

import (
	"testing"

	"poskey/internal/secret"
	"poskey/internal/testvec"
	"poskey/pkg/keys"
)

// Published TEST keys.
const (
	tdesBDK = "0123456789ABCDEFFEDCBA9876543210"
	tdesKSN = "FFFF9876543210E00000"
	aesBDK  = "FEDCBA9876543210F1F1F1F1F1F1F1F1"
	aesKSN  = "123456789012345600000000"
)

// wiped gives tests keys that are wiped at their end.
func wiped(t testing.TB, alg keys.Algorithm, digits string) *keys.Key {
	t.Helper()
	k, err := keys.New(alg, secret.Take(testvec.Hex(t, digits)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(k.Wipe)
	return k
}

// aesOf is the AES algorithm of a key in hex.
func aesOf(digits string) keys.Algorithm { return keys.AES128.ForLength(len(digits) / 2) }

func ksnOf(t testing.TB, s string) KSN {
	t.Helper()
	k, err := ParseKSN(s)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func bdkOf(t testing.TB, s Scheme, digits string) *BDK {
	t.Helper()
	alg := keys.TDES128
	if s == AES {
		alg = aesOf(digits)
	}
	b, err := NewBDK(s, wiped(t, alg, digits))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Wipe)
	return b
}

// ikOf derives the initial key of a KSN.
func ikOf(t testing.TB, bdk string, ksn KSN) *IK {
	t.Helper()
	ik, err := bdkOf(t, ksn.Scheme(), bdk).IK(ksn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(ik.Wipe)
	return ik
}

func txnOf(t testing.TB, ik *IK, ksn KSN) *Transaction {
	t.Helper()
	txn, err := ik.Transaction(ksn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(txn.Wipe)
	return txn
}

func workingOf(t testing.TB, txn *Transaction, u Use, as KeyType) []byte {
	t.Helper()
	k, err := txn.Working(u, as)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(k.Wipe)
	return k.Secret().Expose()
}

func digitsOf(k *keys.Key) string { return testvec.Upper(k.Secret().Expose()) }

// nothingLeft holds a test to wiping all that it was given.
func nothingLeft(t *testing.T) {
	t.Helper()
	before := secret.Live()
	t.Cleanup(func() {
		if now := secret.Live(); now != before {
			t.Errorf("%d secrets were not wiped", now-before)
		}
	})
}
