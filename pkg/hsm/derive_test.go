package hsm

import (
	"sync"
	"testing"

	"poskey/internal/fault"
	"poskey/internal/secret"
	"poskey/pkg/dukpt"
	"poskey/pkg/keyblock"
	"poskey/pkg/keys"
)

func derivedFrom(t *testing.T, s *soft, base Key) (Key, error) {
	t.Helper()
	ksn, err := dukpt.ParseKSN("FFFF9876543210E00000")
	if err != nil {
		t.Fatal(err)
	}
	return s.Derive(t.Context(), base, Derivation{From: FromBDK, KSN: ksn, Want: WantIK}, Policy{})
}

func newBDK(t *testing.T, s *soft) Key {
	t.Helper()
	k, err := s.Generate(t.Context(), Attributes{Algorithm: keys.TDES128, Usage: keys.UsageBDK}, Policy{})
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestAThousandBDKsDoNotPileUp(t *testing.T) {
	s := newSoft(t)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 250 {
				if _, err := derivedFrom(t, s, newBDK(t, s)); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	if n := len(s.bdks); n != maxIdle {
		t.Errorf("%d BDKs are kept, want %d", n, maxIdle)
	}
}

func TestBDKIsPreparedOnce(t *testing.T) {
	s := newSoft(t)
	base := newBDK(t, s)
	if _, err := derivedFrom(t, s, base); err != nil {
		t.Fatal(err)
	}
	var first *dukpt.BDK
	for _, b := range s.bdks {
		first = b
	}
	for range 5 {
		if _, err := derivedFrom(t, s, base); err != nil {
			t.Fatal(err)
		}
	}
	for _, b := range s.bdks {
		if b != first || len(s.bdks) != 1 {
			t.Error("the BDK was prepared again")
		}
	}
}

// TestBaseThatFailsIsNotKept: what is not a BDK must not stand ready as one.
func TestBaseThatFailsIsNotKept(t *testing.T) {
	s := newSoft(t)
	base := newBDK(t, s)
	base.Exportability = 'S'
	if _, err := derivedFrom(t, s, base); !fault.Is(err, fault.NotPermitted) {
		t.Errorf("a changed BDK: %v", err)
	}
	k, err := s.Generate(t.Context(), Attributes{Algorithm: keys.AES128, Usage: keys.UsageBDK}, Policy{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := derivedFrom(t, s, k); !fault.Is(err, fault.Malformed) {
		t.Errorf("an AES BDK with a TDES KSN: %v", err)
	}
	if len(s.bdks) != 0 {
		t.Errorf("%d BDKs are kept", len(s.bdks))
	}
}

func TestDerivingKeepsNoSecret(t *testing.T) {
	s := newSoft(t)
	base := newBDK(t, s)
	if _, err := derivedFrom(t, s, base); err != nil {
		t.Fatal(err)
	}
	live := secret.Live()
	for range 100 {
		if _, err := derivedFrom(t, s, base); err != nil {
			t.Fatal(err)
		}
	}
	if now := secret.Live(); now != live {
		t.Errorf("%d secrets more than after the first derivation", now-live)
	}
}

// TestABlockAnswersForTheKSNThatItNames: for a KSN of another device or BDK the derived key would be nobody's.
func TestABlockAnswersForTheKSNThatItNames(t *testing.T) {
	const tdes, aes = "FFFF9876543210E00008", "123456789012345600000008"
	for _, c := range []struct {
		usage         keys.Usage
		id, data, ksn string
		ok            bool
	}{
		{"B1", "KS", "FFFF9876543210E00000", tdes, true},
		{"B1", "KS", "FFFF9876543210E00123", tdes, true}, // the counter does not count
		{"B1", "KS", "FFFF9876543212E00000", tdes, false},
		{"B1", "KS", "00009876543210E00000", tdes, false},
		{"B1", "KS", "VM9A", tdes, true}, // of another content: nothing is said
		{"B1", "KS", "FFFF9876543210E00000", aes, true},
		{"B1", "IK", "1234567890123456", aes, true},
		{"B1", "IK", "1234567890123457", aes, false},
		{"B1", "KS", "1234567890123456", aes, true}, // as old blocks have it
		{"B1", "KS", "AAAAAAAABBBBBBBB", aes, false},
		{"B1", "KS", "123456789012345600000000", aes, true},
		{"B1", "KS", "AAAAAAAABBBBBBBB00000000", aes, false},
		{"B1", "IK", "1234567890123457", tdes, true},
		{"B1", "BI", "0112345679", aes, true}, // of a BDK, not of an initial key
		{"B0", "BI", "0112345678", aes, true},
		{"B0", "BI", "0112345679", aes, false},
		{"B0", "BI", "00FFFF987654", tdes, true},
		{"B0", "BI", "00FFFF987655", tdes, false},
		{"B0", "BI", "00FFFF987655", aes, true},
		{"B0", "BI", "01AAAAAAAA", tdes, true},
		{"B0", "BI", "", aes, true},
		{"B0", "LB", "0112345679", aes, true},
		{"B0", "IK", "1234567890123457", aes, true},
	} {
		ksn, err := dukpt.ParseKSN(c.ksn)
		if err != nil {
			t.Fatal(err)
		}
		h := keyblock.Header{Usage: c.usage, Optional: []keyblock.OptBlock{{ID: "LB", Data: "x"}, {ID: c.id, Data: c.data}}}
		err = CheckNamed(&h, ksn)
		if c.ok != (err == nil) || !c.ok && !fault.Is(err, fault.NotPermitted) {
			t.Errorf("%s with %s %q for %s: %v", c.usage, c.id, c.data, ksn, err)
		}
	}
	for _, ksn := range []string{tdes, aes} {
		k, err := dukpt.ParseKSN(ksn)
		if err != nil {
			t.Fatal(err)
		}
		h := keyblock.Header{Usage: keys.UsageIK, Optional: []keyblock.OptBlock{KSNBlock(k)}}
		if err := CheckNamed(&h, k); err != nil {
			t.Errorf("what is written does not fit itself: %v", err)
		}
	}
}
