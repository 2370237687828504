package hsm

import (
	"sync"
	"testing"

	"poskey/internal/fault"
	"poskey/internal/secret"
	"poskey/pkg/dukpt"
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
