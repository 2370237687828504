package hsmtest

// Claims about handles that a boundary must not take, and about its end.

import (
	"context"
	"fmt"
	"testing"

	"poskey/internal/fault"
	"poskey/internal/secret"
	"poskey/pkg/component"
	"poskey/pkg/hsm"
	"poskey/pkg/keyblock"
	"poskey/pkg/keys"
)

func (s suite) limits(t *testing.T) {
	s.claim(t, "a key works in the boundary that made it", worksAtHome)
	s.claim(t, "a key of another boundary is refused", s.foreign)
	s.claim(t, "a key whose block was changed is refused", changedBlock)
	s.claim(t, "a key whose attributes were changed is refused", changedAttributes)
	s.claim(t, "a zero key is refused, as a KBPK too", zeroKey)
	s.claim(t, "blocks under somebody's KBPK are no keys", blocksAreNoKeys)
	s.claim(t, "a call whose context has ended does nothing", cancelled)
	s.claim(t, "Close wipes everything, and later calls fail", closed)
}

// use is one way to use a key.
type use struct {
	what string
	try  func(ctx context.Context, k hsm.Key) (result any, err error)
}

// usesSeed makes the key that uses can be tried with: AES-256, good as a key and as a KBPK.
const usesSeed = "every use"

// uses lists every call that takes a key, in every place that it has for one.
func uses(t *testing.T, b hsm.Boundary) []use {
	t.Helper()
	own := take(t, b, keys.AES256, sound(t, keys.AES256, "own"))
	second, secondHeld := kbpk(t, b, keys.AES256, "second")
	h := header('D', keys.AES256)
	ofKBPK := h
	ofKBPK.Usage = keys.UsageKBPK
	key := clearKey(t, keys.AES256, sound(t, keys.AES256, "wrapped"))
	under := closeOutside(t, clearKey(t, keys.AES256, sound(t, keys.AES256, usesSeed)), key, h)
	withKP := h
	withKP.SetOpt("KP", "010000000000")
	underSecond := closeOutside(t, second, key, withKP)
	damaged := parse(t, damage(under.Marshal(), under.Len()-1))
	e, o := expect(t, "123456"), keyblock.WrapOptions{}
	all := []use{
		{"split", func(ctx context.Context, k hsm.Key) (any, error) {
			parts, err := b.Split(ctx, k, component.Spec{Scheme: component.XOR, Parts: 2})
			component.WipeAll(parts)
			return parts, err
		}},
		{"check value", func(ctx context.Context, k hsm.Key) (any, error) { return b.CheckValue(ctx, k, "", 0) }},
		{"compare", func(ctx context.Context, k hsm.Key) (any, error) { return b.Compare(ctx, k, e, "") }},
		{"identify", func(ctx context.Context, k hsm.Key) (any, error) { return b.Identify(ctx, k, e, "") }},
		{"check data", func(ctx context.Context, k hsm.Key) (any, error) { return b.CheckData(ctx, k) }},
		{"wrap it", func(ctx context.Context, k hsm.Key) (any, error) { return b.Wrap(ctx, k, secondHeld, ofKBPK, o) }},
		{"wrap under it", func(ctx context.Context, k hsm.Key) (any, error) { return b.Wrap(ctx, own, k, h, o) }},
		{"wrap it under itself", func(ctx context.Context, k hsm.Key) (any, error) { return b.Wrap(ctx, k, k, ofKBPK, o) }},
		{"unwrap", func(ctx context.Context, k hsm.Key) (any, error) {
			return b.Unwrap(ctx, under, k, hsm.Policy{Inspect: true})
		}},
		{"translate from", func(ctx context.Context, k hsm.Key) (any, error) {
			return b.Translate(ctx, under, k, secondHeld, hsm.Change{})
		}},
		{"translate to", func(ctx context.Context, k hsm.Key) (any, error) {
			return b.Translate(ctx, underSecond, secondHeld, k, hsm.Change{})
		}},
		{"examine", func(ctx context.Context, k hsm.Key) (any, error) { return b.Examine(ctx, damaged, k) }},
		{"reveal", func(ctx context.Context, k hsm.Key) (any, error) {
			sec, err := b.Reveal(ctx, k)
			sec.Wipe()
			return sec, err
		}},
		{"keep", func(ctx context.Context, k hsm.Key) (any, error) { return b.Keep(ctx, k, "KBPK#1") }},
	}
	if hasProbers(t, b) {
		all = append(all, use{"probe", func(ctx context.Context, k hsm.Key) (any, error) {
			p, err := b.Prober(ctx, []hsm.Key{own, k})
			if err != nil {
				return p, err
			}
			return p, p.Close()
		}})
	}
	return all
}

func worksAtHome(t *testing.T, b hsm.Boundary) {
	_, k := kbpk(t, b, keys.AES256, usesSeed)
	for _, u := range uses(t, b) {
		if _, err := u.try(t.Context(), k); err != nil {
			t.Errorf("%s: %v", u.what, err)
		}
	}
}

// useless wants a key refused in every use.
func useless(t *testing.T, b hsm.Boundary, what string, k hsm.Key) {
	t.Helper()
	for _, u := range uses(t, b) {
		result, err := u.try(t.Context(), k)
		refused(t, what+": "+u.what, result, err)
		shows(t, what+": "+u.what, sound(t, keys.AES256, usesSeed), err)
	}
}

func (s suite) foreign(t *testing.T, b hsm.Boundary) {
	elsewhere := s.start(t)
	_, k := kbpk(t, elsewhere, keys.AES256, usesSeed)
	useless(t, b, "of another boundary", k)
}

func changedBlock(t *testing.T, b hsm.Boundary) {
	_, k := kbpk(t, b, keys.AES256, usesSeed)
	if _, err := b.CheckValue(t.Context(), k, "", 0); err != nil {
		t.Fatal(err)
	}
	for at := range k.Block {
		changed := k
		changed.Block = damage(k.Block, at)
		v, err := b.CheckValue(t.Context(), changed, "", 0)
		refused(t, fmt.Sprintf("character %d", at+1), v, err)
		if at%40 == 20 || at == 7 {
			useless(t, b, fmt.Sprintf("character %d", at+1), changed)
		}
	}
	was := k.Block
	for _, block := range []string{was[:len(was)-1], was[1:], was + "0", was + was, " " + was, was + "\n"} {
		changed := k
		changed.Block = block
		useless(t, b, "another length", changed)
	}
	swapped := takeFor(t, b, keys.AES192, sound(t, keys.AES192, "x"), keys.UsageKBPK)
	swapped.Attributes, swapped.Len = k.Attributes, k.Len
	useless(t, b, "the block of another key", swapped)
}

func changedAttributes(t *testing.T, b hsm.Boundary) {
	_, k := kbpk(t, b, keys.AES256, usesSeed)
	for what, change := range map[string]func(k *hsm.Key){
		"algorithm":     func(k *hsm.Key) { k.Algorithm = keys.HMACSHA256 },
		"usage":         func(k *hsm.Key) { k.Usage = keys.UsageData },
		"mode":          func(k *hsm.Key) { k.Mode = 'N' },
		"exportability": func(k *hsm.Key) { k.Exportability = 'N' },
		"label":         func(k *hsm.Key) { k.Label = "ANOTHER#1" },
		"length":        func(k *hsm.Key) { k.Len = 16 },
		"all":           func(k *hsm.Key) { k.Attributes = hsm.Attributes{} },
	} {
		changed := k
		change(&changed)
		useless(t, b, what, changed)
	}
}

func zeroKey(t *testing.T, b hsm.Boundary) {
	useless(t, b, "a zero key", hsm.Key{})
	_, k := kbpk(t, b, keys.AES256, usesSeed)
	k.Block = ""
	useless(t, b, "a key without its block", k)
}

// blocksAreNoKeys: what a boundary wraps for somebody is under somebody's key, even when that key is a handle's twin.
func blocksAreNoKeys(t *testing.T, b hsm.Boundary) {
	_, k := kbpk(t, b, keys.AES256, usesSeed)
	h := header('D', keys.AES256)
	h.Usage, h.Mode, h.Context = k.Usage, k.Mode, ownHeader(t, k).Context
	w, err := b.Wrap(t.Context(), k, k, h, keyblock.WrapOptions{PadTo: keyblock.ObfuscatedLen(keys.AES256)})
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range []int{-1, 1 << 20, 1 << 40} { // a length that somebody says is laid out when a block can have it
		long, err := b.Wrap(t.Context(), k, k, h, keyblock.WrapOptions{PadTo: n})
		refused(t, "a key padded beyond all blocks", long, err, fault.Usage)
	}
	lookAlike := k
	lookAlike.Block = w.Block
	useless(t, b, "a wrapped block", lookAlike)
	own, err := keyblock.Parse(k.Block)
	if err != nil {
		return // a token's own form, which no one can take for a block
	}
	o, err := b.Unwrap(t.Context(), own, k, hsm.Policy{Inspect: true})
	refused(t, "a key of this boundary taken for a block", o, err)
}

// ownHeader reads the header of a key's own block. A token's have a proprietary version, with the header of X9.143.
func ownHeader(t *testing.T, k hsm.Key) keyblock.Header {
	t.Helper()
	h, _, err := keyblock.ParseHeader("D" + k.Block[1:])
	if err != nil {
		t.Fatal(err)
	}
	return h
}

type arrival func(ctx context.Context) (what string, k hsm.Key, handed []*secret.Bytes, err error)

// arrivals lists every call that makes a key, with the clear secrets that it takes.
func arrivals(t *testing.T, b hsm.Boundary) []arrival {
	t.Helper()
	a := hsm.Attributes{Algorithm: keys.AES128}
	return []arrival{
		func(ctx context.Context) (string, hsm.Key, []*secret.Bytes, error) {
			k, err := b.Generate(ctx, a, hsm.Policy{})
			return "generate", k, nil, err
		},
		func(ctx context.Context) (string, hsm.Key, []*secret.Bytes, error) {
			sec := secret.Copy(sound(t, keys.AES128, "import"))
			k, err := b.Import(ctx, sec, a, hsm.Policy{})
			return "import", k, []*secret.Bytes{sec}, err
		},
		func(ctx context.Context) (string, hsm.Key, []*secret.Bytes, error) {
			parts := bare(t, keys.AES128, sound(t, keys.AES128, "one"), sound(t, keys.AES128, "two"))
			handed := values(parts)
			k, err := b.Form(ctx, hsm.Forming{Parts: parts, Attributes: a})
			return "form", k, handed, err
		},
	}
}

func cancelled(t *testing.T, b hsm.Boundary) {
	_, k := kbpk(t, b, keys.AES256, usesSeed)
	all := uses(t, b)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, u := range all {
		result, err := u.try(ctx, k)
		refused(t, u.what, result, err, fault.Interrupted)
	}
	for _, arrive := range arrivals(t, b) {
		what, k, handed, err := arrive(ctx)
		refused(t, what, k, err, fault.Interrupted)
		wiped(t, what, handed...)
	}
	for _, u := range all { // and nothing is spoilt
		if _, err := u.try(t.Context(), k); err != nil {
			t.Errorf("%s afterwards: %v", u.what, err)
		}
	}
}

func closed(t *testing.T, b hsm.Boundary) {
	_, k := kbpk(t, b, keys.AES256, usesSeed)
	all := uses(t, b)
	for _, u := range all {
		if _, err := u.try(t.Context(), k); err != nil {
			t.Errorf("%s: %v", u.what, err)
		}
	}
	for range 2 {
		if err := b.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	}
	for _, u := range all {
		result, err := u.try(t.Context(), k)
		refused(t, u.what, result, err)
	}
	for _, arrive := range arrivals(t, b) {
		what, k, handed, err := arrive(t.Context())
		refused(t, what, k, err)
		wiped(t, what, handed...)
	}
	if info := b.Info(); info.Driver == "" {
		t.Error("a closed boundary does not say any more what it was")
	}
}
