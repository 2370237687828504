package hsm

import (
	"context"
	"crypto/rand"
	"sync"
	"testing"
	"time"

	"poskey/internal/fault"
	"poskey/internal/secret"
	"poskey/pkg/keyblock"
	"poskey/pkg/keys"
)

// newSoft makes a boundary whose inside can be looked at.
func newSoft(t *testing.T) *soft {
	t.Helper()
	live := secret.Live()
	b, err := NewSoft(keys.Env{Rand: rand.Reader, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
		if now := secret.Live(); now != live {
			t.Errorf("%d secrets are live after Close, %d were before", now, live)
		}
	})
	return b.(*soft)
}

func dataHeader() keyblock.Header {
	return keyblock.Header{Version: 'D', Usage: keys.UsageData, Algorithm: 'A', Mode: 'B', KeyVersion: "00",
		Exportability: 'E', Context: '0', Reserved: '0'}
}

// wrapUnderNew closes the key under a KBPK that was never used before, twice.
func wrapUnderNew(ctx context.Context, s *soft, k Key) error {
	kbpk, err := s.Generate(ctx, Attributes{Algorithm: keys.AES128, Usage: keys.UsageKBPK}, Policy{})
	if err != nil {
		return err
	}
	for range 2 {
		if _, err := s.Wrap(ctx, k, kbpk, dataHeader(), keyblock.WrapOptions{}); err != nil {
			return err
		}
	}
	return nil
}

// wantBounded holds what is kept ready against its bound, and the count of secrets against both.
func wantBounded(t *testing.T, s *soft, live int) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	listed := 0
	for id, list := range s.idle {
		if len(list) == 0 {
			t.Errorf("an empty list is kept for version %c", id.version)
		}
		listed += len(list)
	}
	if listed != s.leases || listed > maxIdle {
		t.Errorf("%d protectors are kept, %d are counted, the bound is %d", listed, s.leases, maxIdle)
	}
	if now := secret.Live(); now > live+maxIdle {
		t.Errorf("%d secrets more than at the start are live, the bound is %d", now-live, maxIdle)
	}
}

func TestAThousandKBPKsDoNotPileUp(t *testing.T) {
	s := newSoft(t)
	live := secret.Live()
	k, err := s.Generate(t.Context(), Attributes{Algorithm: keys.AES128}, Policy{})
	if err != nil {
		t.Fatal(err)
	}
	for range 1000 {
		if err := wrapUnderNew(t.Context(), s, k); err != nil {
			t.Fatal(err)
		}
	}
	wantBounded(t, s, live)
	if s.leases != maxIdle {
		t.Errorf("%d protectors are kept, want %d: they are there to be used again", s.leases, maxIdle)
	}
}

func TestAThousandKBPKsFromManyGoroutinesDoNotPileUp(t *testing.T) {
	s := newSoft(t)
	live := secret.Live()
	k, err := s.Generate(t.Context(), Attributes{Algorithm: keys.AES128}, Policy{})
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 125 {
				if err := wrapUnderNew(t.Context(), s, k); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	wantBounded(t, s, live)
}

func TestTheNewestKBPKFindsItsPlace(t *testing.T) {
	s := newSoft(t)
	k, err := s.Generate(t.Context(), Attributes{Algorithm: keys.AES128}, Policy{})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 10 * maxIdle { // full after a tenth of them
		kbpk, err := s.Generate(t.Context(), Attributes{Algorithm: keys.AES128, Usage: keys.UsageKBPK}, Policy{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Wrap(t.Context(), k, kbpk, dataHeader(), keyblock.WrapOptions{}); err != nil {
			t.Fatal(err)
		}
		if len(s.idle[leaseID{'D', kbpk.Block, kbpk.Attributes, kbpk.Len}]) != 1 {
			t.Fatalf("KBPK %d: its protector is not kept, so a batch would derive its keys for every line", i+1)
		}
		if len(s.idle[leaseID{}]) == 0 {
			t.Fatalf("KBPK %d threw out the protector of the master key, which every call needs", i+1)
		}
	}
}

// More calls at once than the bound must not throw out what they themselves give back.
func TestManyMasterProtectorsStayWithinTheBound(t *testing.T) {
	s := newSoft(t)
	var out []*lease
	for range 2 * maxIdle {
		l, err := s.leaseMaster(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, l)
	}
	live := secret.Live() - len(out)
	for _, l := range out {
		s.giveBack(l)
	}
	wantBounded(t, s, live)
}

// A handle is text from outside. No text may name the protector of the master key.
func TestNoHandleNamesTheMasterKey(t *testing.T) {
	s := newSoft(t)
	k, err := s.Generate(t.Context(), Attributes{Algorithm: keys.AES256}, Policy{})
	if err != nil {
		t.Fatal(err)
	}
	if len(s.idle[leaseID{}]) == 0 {
		t.Fatal("no protector of the master key is ready to be misused")
	}
	for _, version := range []byte{0, 'D', 'm'} {
		for _, block := range []string{"", "master", "aster", "\x00", k.Block[1:]} {
			h := dataHeader()
			h.Version = version
			w, err := s.Wrap(t.Context(), k, Key{Attributes: k.Attributes, Len: k.Len, Block: block}, h, keyblock.WrapOptions{})
			if err == nil || w.Block != "" {
				t.Errorf("version %q under the handle %q: wrapped", version, block)
			}
		}
	}
}

func TestAClosedBoundarySaysSo(t *testing.T) {
	s := newSoft(t)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	_, err := s.Generate(t.Context(), Attributes{Algorithm: keys.AES128}, Policy{})
	if !fault.Is(err, fault.Failure) || err.Error() != "the boundary is closed" {
		t.Errorf("error %v", err)
	}
	if _, err := s.copyMaster(); err == nil {
		t.Error("a wiped master key was copied")
	}
}

func TestTheMasterKeyIsNotCopiedWhileItIsWiped(t *testing.T) {
	s := newSoft(t)
	var wg sync.WaitGroup
	started := make(chan struct{}, 8)
	for range cap(started) {
		wg.Go(func() {
			started <- struct{}{}
			for {
				k, err := s.copyMaster()
				if err != nil {
					return
				}
				if k.Len() != keys.AES256.KeyLen() {
					t.Errorf("a copy has %d bytes", k.Len())
				}
				k.Wipe()
			}
		})
	}
	for range cap(started) {
		<-started
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	wg.Wait()
}
