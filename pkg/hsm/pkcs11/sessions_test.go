//go:build cgo && linux

package pkcs11

import (
	"sync"
	"testing"

	p11 "github.com/miekg/pkcs11"

	"poskey/pkg/component"
	"poskey/pkg/hsm"
	"poskey/pkg/keyblock"
	"poskey/pkg/keys"
)

// sessionObjects counts what is in the token's working memory.
func sessionObjects(t *testing.T, tok *Token) int {
	t.Helper()
	n := 0
	err := tok.with(t.Context(), func(s *session) error {
		all, err := s.found([]*p11.Attribute{p11.NewAttribute(p11.CKA_CLASS, p11.CKO_SECRET_KEY),
			p11.NewAttribute(p11.CKA_TOKEN, false)})
		n = len(all)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestNothingButUsedKeysIsLeftInTheToken(t *testing.T) {
	_, soft := softhsm(t)
	for name, u := range map[string]URI{"softhsm": soft, "nss": nss(t)} {
		t.Run(name, func(t *testing.T) {
			b := boundaryIn(t, u, options(NewModules())).(*boundary)
			ctx := t.Context()
			before := sessionObjects(t, b.Token)
			if _, err := b.Selftest(ctx); err != nil {
				t.Fatal(err)
			}
			a := hsm.Attributes{Algorithm: keys.AES128, Usage: keys.UsageKBPK}
			k, err := b.Generate(ctx, a, hsm.Policy{})
			if err != nil {
				t.Fatal(err)
			}
			parts, err := b.Split(ctx, k, component.Spec{Scheme: component.XOR, Parts: 3})
			if err != nil {
				t.Fatal(err)
			}
			formed, err := b.Form(ctx, hsm.Forming{Parts: parts, Attributes: hsm.Attributes{Usage: keys.UsageKEK}})
			if err != nil || formed.Check != k.Check {
				t.Fatalf("%+v, error %v", formed, err)
			}
			h := keyblock.Header{Version: 'D', Usage: keys.UsageKBPK, Algorithm: 'A', Mode: 'B', KeyVersion: "00",
				Exportability: 'E', Context: '0', Reserved: '0'}
			if _, err := b.Wrap(ctx, k, formed, h, keyblock.WrapOptions{}); err != nil {
				t.Fatal(err)
			}
			if _, err := b.Keep(ctx, k, "TEST#1"); err != nil {
				t.Fatal(err)
			}
			if got, want := sessionObjects(t, b.Token),
				before+b.resident.recent.Len(); got != want || b.resident.recent.Len() == 0 {
				t.Errorf("%d session objects, want %d: %d are kept for the next use", got, want,
					b.resident.recent.Len())
			}
		})
	}
}

func TestKeptKeysAreBoundedAndUsable(t *testing.T) {
	_, u := softhsm(t)
	b := boundaryIn(t, u, options(NewModules())).(*boundary)
	before := sessionObjects(t, b.Token)
	all := make([]hsm.Key, maxResident+20)
	for i := range all {
		k, err := b.Generate(t.Context(), hsm.Attributes{Algorithm: keys.AES128}, hsm.Policy{})
		if err != nil {
			t.Fatal(err)
		}
		all[i] = k
	}
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Go(func() {
			for i := range all {
				k := all[(i*7+w*11)%len(all)]
				if v, err := b.CheckValue(t.Context(), k, "", 0); err != nil || v != k.Check {
					t.Errorf("check value %s, error %v; want %s", v, err, k.Check)
					return
				}
			}
		})
	}
	wg.Wait()
	if got := sessionObjects(t, b.Token); got != before+maxResident {
		t.Errorf("%d session objects, want %d", got, before+maxResident)
	}
}

func TestACopyOfAKeptKeyIsNoOtherKey(t *testing.T) {
	_, u := softhsm(t)
	b := boundaryIn(t, u, options(NewModules()))
	k, err := b.Generate(t.Context(), hsm.Attributes{Algorithm: keys.AES128}, hsm.Policy{})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second time its object is there
		if _, err := b.CheckValue(t.Context(), k, "", 0); err != nil {
			t.Fatal(err)
		}
		changed := k
		changed.Usage = keys.UsagePIN
		if v, err := b.CheckValue(t.Context(), changed, "", 0); err == nil {
			t.Errorf("a changed usage: %s", v)
		}
		changed = k
		changed.Len = 24
		if v, err := b.CheckValue(t.Context(), changed, "", 0); err == nil {
			t.Errorf("a changed length: %s", v)
		}
	}
}

func TestSessionsKeepToTheTokensLimit(t *testing.T) {
	for most, want := range map[uint]int{0: 8, ^uint(0): 8, 1: 1, 2: 1, 3: 2, 8: 7, 9: 8, 100: 8} {
		if got := sessionsOf(most); got != want {
			t.Errorf("a token of %d: %d sessions, want %d", most, got, want)
		}
	}
}
