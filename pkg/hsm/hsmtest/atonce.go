package hsmtest

// Claims about calls from several goroutines; the race detector is half of the test.

import (
	"fmt"
	"sync"
	"testing"

	"poskey/internal/secret"
	"poskey/pkg/component"
	"poskey/pkg/hsm"
	"poskey/pkg/keyblock"
	"poskey/pkg/keys"
)

const (
	workers = 8
	rounds  = 20
)

func (s suite) atOnce(t *testing.T) {
	s.claim(t, "calls from 8 goroutines at once are right", atOnce)
	s.claim(t, "Close during calls spoils none of their answers", closeDuringCalls)
}

func atOnce(t *testing.T, b hsm.Boundary) {
	clear := sound(t, keys.TDES128, "shared")
	shared := take(t, b, keys.TDES128, clear)
	kbpks := make([]hsm.Key, 3)
	for i := range kbpks {
		_, kbpks[i] = protector(t, b, protection{'E', keys.AES256}, fmt.Sprint("kbpk ", i)) // good for D too
	}
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			for r := range rounds {
				if err := round(t, b, shared, kbpks[(w+r)%3], kbpks[(w+r+1)%3]); err != nil {
					t.Errorf("worker %d, round %d: %v", w, r, err)
					return
				}
			}
		})
	}
	wg.Wait()
	wantKey(t, b, shared, clear)
}

// round is a day in the life of a boundary. It gives errors back, since it runs outside of the test's goroutine.
func round(t *testing.T, b hsm.Boundary, shared, from, to hsm.Key) error {
	ctx := t.Context()
	k, err := b.Generate(ctx, hsm.Attributes{Algorithm: keys.TDES128}, hsm.Policy{})
	if err != nil {
		return fmt.Errorf("generate: %w", err)
	}
	w, err := b.Wrap(ctx, k, from, header('D', keys.TDES128), keyblock.WrapOptions{})
	if err != nil {
		return fmt.Errorf("wrap: %w", err)
	}
	block, err := keyblock.Parse(w.Block)
	if err != nil {
		return fmt.Errorf("parse: %w", err)
	}
	opened, err := b.Unwrap(ctx, block, from, hsm.Policy{Inspect: true})
	if err != nil || opened.Key.Check != k.Check {
		return fmt.Errorf("unwrap: check value %s, want %s: %w", opened.Key.Check, k.Check, err)
	}
	tr, err := b.Translate(ctx, block, from, to, hsm.Change{Version: 'E'})
	if err != nil || tr.Key.Check != k.Check {
		return fmt.Errorf("translate: check value %s, want %s: %w", tr.Key.Check, k.Check, err)
	}
	parts, err := b.Split(ctx, tr.Key, component.Spec{Scheme: component.Shamir, Parts: 3, Threshold: 2})
	if err != nil {
		return fmt.Errorf("split: %w", err)
	}
	formed, err := b.Form(ctx, hsm.Forming{Parts: parts})
	if err != nil || formed.Check != k.Check {
		return fmt.Errorf("form: check value %s, want %s: %w", formed.Check, k.Check, err)
	}
	v, err := b.CheckValue(ctx, shared, "", 0)
	if err != nil || v != shared.Check {
		return fmt.Errorf("check value %s, want %s: %w", v, shared.Check, err)
	}
	return reveal(t, b, shared)
}

func reveal(t *testing.T, b hsm.Boundary, k hsm.Key) error {
	sec, err := b.Reveal(t.Context(), k)
	if err != nil {
		return fmt.Errorf("reveal: %w", err)
	}
	defer sec.Wipe()
	if sec.Len() != k.Len {
		return fmt.Errorf("%d bytes were revealed, want %d", sec.Len(), k.Len)
	}
	return nil
}

// closeDuringCalls: each call either answers right or fails, and nothing stays live; the claim counts.
func closeDuringCalls(t *testing.T, b hsm.Boundary) {
	k := take(t, b, keys.AES128, sound(t, keys.AES128, "x"))
	_, held := kbpk(t, b, keys.AES256, "kbpk")
	started := make(chan struct{}, workers)
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			started <- struct{}{}
			for {
				v, err := b.CheckValue(t.Context(), k, "", 0)
				if err == nil && v != k.Check {
					t.Errorf("check value %s, want %s", v, k.Check)
				}
				_, wrapErr := b.Wrap(t.Context(), k, held, header('D', keys.AES128), keyblock.WrapOptions{})
				if err != nil && wrapErr == nil {
					t.Error("a call after one that found the boundary closed was answered")
				}
				sec := secret.New(16)
				_, _ = b.Import(t.Context(), sec, hsm.Attributes{Algorithm: keys.AES128}, hsm.Policy{AllowWeak: true})
				wiped(t, "import", sec)
				if err != nil {
					return
				}
			}
		})
	}
	for range workers {
		<-started
	}
	if err := b.Close(); err != nil {
		t.Errorf("close: %v", err)
	}
	wg.Wait()
}
