package component

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"encoding/hex"
	"slices"
	"strings"
	"testing"

	"poskey/internal/fault"
	"poskey/internal/secret"
	"poskey/pkg/keys"
)

// noLeaks holds the number of live secrets at the end of a test against that at its beginning. Call it first: keys
// and parts made by the helpers below are wiped before it looks.
func noLeaks(t testing.TB) {
	t.Helper()
	before := secret.Live()
	t.Cleanup(func() {
		if after := secret.Live(); after != before {
			t.Errorf("%d secrets are still live, %d before the test", after, before)
		}
	})
}

// drbg is AES-CTR over zeros: random bytes that are the same in every run.
type drbg struct{ stream cipher.Stream }

func newDRBG(seed string) *drbg {
	key := make([]byte, 16)
	copy(key, seed)
	block, err := aes.NewCipher(key)
	if err != nil {
		panic(err)
	}
	return &drbg{cipher.NewCTR(block, make([]byte, aes.BlockSize))}
}

func (d *drbg) Read(b []byte) (int, error) {
	clear(b)
	d.stream.XORKeyStream(b, b)
	return len(b), nil
}

func testEnv(seed string) keys.Env { return keys.Env{Rand: newDRBG(seed)} }

func unhex(t testing.TB, digits string) []byte {
	t.Helper()
	b, err := hex.DecodeString(digits)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func keyOf(t testing.TB, alg keys.Algorithm, digits string) *keys.Key {
	t.Helper()
	k, err := keys.New(alg, secret.Take(unhex(t, digits)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(k.Wipe)
	return k
}

// newKey draws a key of the algorithm's usual length.
func newKey(t testing.TB, seed string, alg keys.Algorithm) *keys.Key {
	t.Helper()
	k, err := keys.Generate(newDRBG(seed), alg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(k.Wipe)
	return k
}

func bare(t testing.TB, alg keys.Algorithm, digits ...string) []*Part {
	t.Helper()
	var parts []*Part
	for _, d := range digits {
		p, err := Bare(alg, secret.Take(unhex(t, d)))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(p.Wipe)
		parts = append(parts, p)
	}
	return parts
}

func split(t testing.TB, seed string, key *keys.Key, spec Spec) []*Part {
	t.Helper()
	parts, err := Split(testEnv(seed), key, spec)
	if err != nil {
		t.Fatal(err)
	}
	made := slices.Clone(parts) // a test may put others in their places
	t.Cleanup(func() { WipeAll(made) })
	return parts
}

func combine(t testing.TB, alg keys.Algorithm, parts []*Part) *keys.Key {
	t.Helper()
	k, err := Combine(alg, parts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(k.Wipe)
	return k
}

func sheetOf(t testing.TB, p *Part) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := p.WriteSheet(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func parse(t testing.TB, sheet []byte) *Part {
	t.Helper()
	p, err := ParseSheet(sheet)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Wipe)
	return p
}

func copyOf(t testing.TB, p *Part) *Part {
	t.Helper()
	c := *p
	c.Value = p.Value.Clone()
	t.Cleanup(c.Wipe)
	return &c
}

func mustSame(t testing.TB, got, want *keys.Key) {
	t.Helper()
	if got.Algorithm() != want.Algorithm() || !got.Secret().Equal(want.Secret()) {
		t.Fatal("the combined key is not the key that was split")
	}
}

// mustFail holds an error against its kind and words that it has to contain.
func mustFail(t testing.TB, err error, kind fault.Kind, words ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, want %s", kind)
	}
	if got := fault.KindOf(err); got != kind {
		t.Errorf("kind is %s, want %s: %v", got, kind, err)
	}
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("error %q does not say %q", err, w)
		}
	}
}

// choices calls f with every choice of m of n parts.
func choices(parts []*Part, m int, f func([]*Part)) {
	for chosen := range subsets(len(parts)) {
		var picked []*Part
		for i, p := range parts {
			if chosen>>i&1 == 1 {
				picked = append(picked, p)
			}
		}
		if len(picked) == m {
			f(picked)
		}
	}
}

// orders calls f with every order of the parts.
func orders(parts []*Part, f func([]*Part)) {
	var permute func(done, rest []*Part)
	permute = func(done, rest []*Part) {
		if len(rest) == 0 {
			f(done)
			return
		}
		for i := range rest {
			others := append(append([]*Part(nil), rest[:i]...), rest[i+1:]...)
			permute(append(append([]*Part(nil), done...), rest[i]), others)
		}
	}
	permute(nil, parts)
}
