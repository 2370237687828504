package hsmtest

// Claims about what comes out: clear bytes for those who may have them, and answers for a diagnosis.

import (
	"context"
	"testing"

	"poskey/internal/fault"
	"poskey/internal/secret"
	"poskey/pkg/hsm"
	"poskey/pkg/kcv"
	"poskey/pkg/keys"
)

func (s suite) goingOut(t *testing.T) {
	s.claim(t, "revealed bytes are the key's, and a copy", reveals)
	s.claim(t, "a prober answers about its material in the order given", probes)
	s.claim(t, "a prober answers nothing after its Close", proberCloses)
	s.claim(t, "a prober stops when its context ends", proberStops)
	s.claim(t, "a prober of no material says so", proberOfNothing)
	if s.strict {
		s.claim(t, "a strict prober answers in verdicts only", strictProbes)
		s.claim(t, "a strict prober isolates no piece of a key", strictPieces)
		s.claim(t, "a strict prober has a limit", strictLimit)
		s.claim(t, "a strict search names the piece and no place", strictSearch)
	}
}

// hasProbers: a strict boundary may have none, and says so.
func hasProbers(t *testing.T, b hsm.Boundary) bool {
	t.Helper()
	p, err := b.Prober(t.Context(), nil)
	if b.Info().Strict && fault.Is(err, fault.NotPermitted) {
		refused(t, "a prober", p, err)
		return false
	}
	if err != nil {
		t.Fatal(err)
	}
	_ = p.Close()
	return true
}

func reveals(t *testing.T, b hsm.Boundary) {
	for _, alg := range takes(b) {
		clear := sound(t, alg, "reveal")
		k := take(t, b, alg, clear)
		first, err := b.Reveal(t.Context(), k)
		if err != nil {
			t.Fatal(err)
		}
		if string(first.Expose()) != string(clear) {
			t.Errorf("%s: other bytes", alg)
		}
		clearAll(first)
		first.Wipe()
		wantKey(t, b, k, clear) // the boundary's own were not touched
	}
}

func clearAll(s *secret.Bytes) { clear(s.Expose()) }

func probes(t *testing.T, b hsm.Boundary) {
	if !hasProbers(t, b) {
		return
	}
	const alg = keys.TDES128
	one, two := sound(t, alg, "one"), sound(t, alg, "two")
	even := xored(one, two) // two components of odd parity
	p, err := b.Prober(t.Context(), []hsm.Key{take(t, b, alg, one), take(t, b, alg, two)})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = p.Close() }()
	both := hsm.XOR{hsm.Part(0), hsm.Part(1)}
	for _, tt := range []struct {
		what    string
		expr    hsm.Expr
		clear   []byte
		parity  keys.Parity
		refused bool // by strict boundaries
	}{
		{"the first", hsm.Part(0), one, keys.ParityOdd, false},
		{"the second", hsm.Part(1), two, keys.ParityOdd, false},
		{"both", both, even, keys.ParityEven, false},
		{"both with parity set", hsm.FixParity{Of: both}, even, keys.ParityOdd, true},
		{"joined the wrong way", hsm.Join{hsm.Slice{Of: hsm.Part(1), To: 8}, hsm.Slice{Of: hsm.Part(0), From: 8, To: 16}},
			append(append([]byte(nil), two[:8]...), one[8:]...), keys.ParityOdd, true},
	} {
		want := valueOf(t, alg, tt.clear, kcv.ECBZero, 6)
		q := hsm.Question{Expr: tt.expr, Algorithm: alg, Method: kcv.ECBZero, Expected: expect(t, want.Digits)}
		a, err := p.Probe(t.Context(), q)
		if tt.refused && b.Info().Strict {
			refused(t, tt.what, a, err, fault.NotPermitted)
			continue
		}
		if err != nil || !a.Match || a.Digits != 6 || a.Value != want && a.Value != (kcv.Value{}) {
			t.Errorf("%s: answer %+v, error %v; want a match with %s", tt.what, a, err, want)
		}
		q.Expected = expect(t, damage(want.Digits, 5))
		if a, err = p.Probe(t.Context(), q); err != nil || a.Match || a.Value != want && a.Value != (kcv.Value{}) {
			t.Errorf("%s: answer %+v, error %v to a wrong value", tt.what, a, err)
		}
		got, err := p.Parity(t.Context(), tt.expr)
		if b.Info().Strict {
			refused(t, tt.what+": parity", got, err, fault.NotPermitted)
		} else if err != nil || got != tt.parity {
			t.Errorf("%s: parity %q, error %v; want %q", tt.what, got, err, tt.parity)
		}
		if n, err := p.Len(tt.expr); err != nil || n != 16 {
			t.Errorf("%s: %d bytes, error %v; want 16", tt.what, n, err)
		}
	}
	_, err = p.Probe(t.Context(), hsm.Question{Expr: hsm.Part(2), Algorithm: alg, Method: kcv.ECBZero, Expected: expect(t, "123456")})
	refused(t, "a third piece", nil, err, fault.NotFound)
}

func question(t *testing.T) hsm.Question {
	t.Helper()
	return hsm.Question{Expr: hsm.Part(0), Algorithm: keys.AES128, Method: kcv.CMAC, Expected: expect(t, "123456")}
}

func proberCloses(t *testing.T, b hsm.Boundary) {
	if !hasProbers(t, b) {
		return
	}
	p, err := b.Prober(t.Context(), []hsm.Key{take(t, b, keys.AES128, sound(t, keys.AES128, "x"))})
	if err != nil {
		t.Fatal(err)
	}
	open := secret.Live()
	for range 2 {
		if err := p.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	}
	if now := secret.Live(); now > open {
		t.Errorf("%d secrets are live after the prober's Close, %d before it", now, open)
	}
	a, err := p.Probe(t.Context(), question(t))
	refused(t, "a question", a, err)
	parity, err := p.Parity(t.Context(), hsm.Part(0))
	refused(t, "parity", parity, err)
	n, err := p.Len(hsm.Part(0))
	refused(t, "length", n, err)
}

func proberStops(t *testing.T, b hsm.Boundary) {
	if !hasProbers(t, b) {
		return
	}
	p, err := b.Prober(t.Context(), []hsm.Key{take(t, b, keys.AES128, sound(t, keys.AES128, "x"))})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = p.Close() }()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	a, err := p.Probe(ctx, question(t))
	refused(t, "a question", a, err, fault.Interrupted)
	parity, err := p.Parity(ctx, hsm.Part(0))
	refused(t, "parity", parity, err, fault.Interrupted)
	if _, err := p.Probe(t.Context(), question(t)); err != nil {
		t.Errorf("it does not answer the next question: %v", err)
	}
}

func proberOfNothing(t *testing.T, b hsm.Boundary) {
	if !hasProbers(t, b) {
		return
	}
	p, err := b.Prober(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = p.Close() }()
	a, err := p.Probe(t.Context(), question(t))
	refused(t, "a question", a, err, fault.NotFound)
}
