package hsmtest

// What the claims work with: keys known on both sides of the boundary, and blocks and parts made outside of it.

import (
	"encoding/hex"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"poskey/internal/fault"
	"poskey/internal/secret"
	"poskey/pkg/component"
	"poskey/pkg/hsm"
	"poskey/pkg/kcv"
	"poskey/pkg/keyblock"
	"poskey/pkg/keys"
)

// outside is the randomness on this side of the boundary: the same in every run.
func outside(seed string) keys.Env {
	var full [32]byte
	copy(full[:], seed)
	return keys.Env{Rand: rand.NewChaCha8(full)}
}

// sound gives the bytes of a key without a weakness; another seed gives another key.
func sound(t *testing.T, alg keys.Algorithm, seed string) []byte {
	t.Helper()
	k, err := keys.Generate(outside(string(alg)+" "+seed).Rand, alg)
	if err != nil {
		t.Fatal(err)
	}
	defer k.Wipe()
	return append([]byte(nil), k.Secret().Expose()...)
}

func unhex(t *testing.T, digits string) []byte {
	t.Helper()
	b, err := hex.DecodeString(digits)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// clearKey makes a key outside; it is wiped with the test.
func clearKey(t *testing.T, alg keys.Algorithm, clear []byte) *keys.Key {
	t.Helper()
	k, err := keys.New(alg, secret.Copy(clear))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(k.Wipe)
	return k
}

// takes lists the algorithms whose keys a boundary takes: a strict one no single DES.
func takes(b hsm.Boundary) []keys.Algorithm {
	all := keys.Named()
	if b.Info().Strict {
		all = slices.DeleteFunc(all, func(a keys.Algorithm) bool { return a == keys.DES })
	}
	return all
}

// take imports a key that must be taken.
func take(t *testing.T, b hsm.Boundary, alg keys.Algorithm, clear []byte) hsm.Key {
	t.Helper()
	return takeFor(t, b, alg, clear, keys.UsageData)
}

func takeFor(t *testing.T, b hsm.Boundary, alg keys.Algorithm, clear []byte, usage keys.Usage) hsm.Key {
	t.Helper()
	a := hsm.Attributes{Algorithm: alg, Usage: usage}
	k, err := b.Import(t.Context(), secret.Copy(clear), a, hsm.Policy{AllowWeak: true})
	if err != nil {
		t.Fatalf("import a %s key: %v", alg, err)
	}
	return k
}

// takeAs imports a key with more attributes than a usage.
func takeAs(t *testing.T, b hsm.Boundary, a hsm.Attributes) hsm.Key {
	t.Helper()
	k, err := b.Import(t.Context(), secret.Copy(sound(t, a.Algorithm, "x")), a, hsm.Policy{AllowWeak: true})
	if err != nil {
		t.Fatalf("import a key with %+v: %v", a, err)
	}
	return k
}

// kbpk makes the same key outside and inside.
func kbpk(t *testing.T, b hsm.Boundary, alg keys.Algorithm, seed string) (outside *keys.Key, held hsm.Key) {
	t.Helper()
	clear := sound(t, alg, seed)
	return clearKey(t, alg, clear), takeFor(t, b, alg, clear, keys.UsageKBPK)
}

// protector makes a KBPK of a protection outside and inside.
func protector(t *testing.T, b hsm.Boundary, p protection, seed string) (outside *keys.Key, held hsm.Key) {
	t.Helper()
	clear := sound(t, p.kbpk, seed)
	return clearKey(t, p.kbpk, clear), takeFor(t, b, p.kbpk, clear, hsm.ProtectorUsage(p.version))
}

// wantKey holds a key of the boundary against the bytes that it must have.
func wantKey(t *testing.T, b hsm.Boundary, k hsm.Key, clear []byte) {
	t.Helper()
	wantBytes(t, b, k, clear)
	if check := valueOf(t, k.Algorithm, clear, "", 0); k.Check != check || k.Len != len(clear) {
		t.Errorf("the key has check value %s and %d bytes, want %s and %d bytes", k.Check, k.Len, check, len(clear))
	}
}

// wantBytes holds only the bytes against each other. Where the boundary may not give them, it has to refuse.
func wantBytes(t *testing.T, b hsm.Boundary, k hsm.Key, clear []byte) {
	t.Helper()
	got, err := b.Reveal(t.Context(), k)
	if b.Info().Strict && k.Exportability == 'N' {
		refused(t, "reveal a key that is not exportable", got, err, fault.NotPermitted)
		return
	}
	if err != nil {
		t.Errorf("reveal: %v", err)
		return
	}
	defer got.Wipe()
	want := secret.Copy(clear)
	defer want.Wipe()
	if !got.Equal(want) {
		t.Errorf("the %s key in the boundary is another than the one outside", k.Algorithm)
	}
}

// valueOf computes a check value outside.
func valueOf(t *testing.T, alg keys.Algorithm, clear []byte, m kcv.Method, digits int) kcv.Value {
	t.Helper()
	if m == "" {
		m = kcv.Default(alg)
	}
	v, err := kcv.Of(alg, clear, m, digits)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func expect(t *testing.T, digits string) kcv.Expected {
	t.Helper()
	e, err := kcv.Parse(digits)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// cut makes components outside.
func cut(t *testing.T, alg keys.Algorithm, clear []byte, spec component.Spec) []*component.Part {
	t.Helper()
	parts, err := component.Split(outside("cut"), clearKey(t, alg, clear), spec)
	if err != nil {
		t.Fatal(err)
	}
	return parts
}

// bare makes components that came without sheets.
func bare(t *testing.T, alg keys.Algorithm, values ...[]byte) []*component.Part {
	t.Helper()
	parts := make([]*component.Part, len(values))
	for i, v := range values {
		p, err := component.Bare(alg, secret.Copy(v))
		if err != nil {
			t.Fatal(err)
		}
		parts[i] = p
	}
	return parts
}

// wiped holds clear secrets that were handed in against the promise that nothing of them is left.
func wiped(t *testing.T, what string, handed ...*secret.Bytes) {
	t.Helper()
	for i, s := range handed {
		if s.Len() != 0 {
			t.Errorf("%s: secret %d of %d was handed in and is not wiped", what, i+1, len(handed))
			s.Wipe()
		}
	}
}

func values(parts []*component.Part) []*secret.Bytes {
	out := make([]*secret.Bytes, len(parts))
	for i, p := range parts {
		out[i] = p.Value
	}
	return out
}

// protection is a version of key blocks with an algorithm of its KBPK.
type protection struct {
	version byte
	kbpk    keys.Algorithm
}

func protections() []protection {
	var all []protection
	for _, version := range []byte("ABC") {
		all = append(all, protection{version, keys.TDES128}, protection{version, keys.TDES192})
	}
	for _, version := range []byte("DE") {
		for _, alg := range []keys.Algorithm{keys.AES128, keys.AES192, keys.AES256} {
			all = append(all, protection{version, alg})
		}
	}
	return all
}

// headerOf is the header that says what a key is.
func headerOf(version byte, a hsm.Attributes) keyblock.Header {
	h := header(version, a.Algorithm)
	h.Usage, h.Mode, h.Exportability = a.Usage, a.Mode, a.Exportability
	return h
}

// header is that of a data key, exportable, in the given version.
func header(version byte, alg keys.Algorithm) keyblock.Header {
	h := keyblock.Header{Version: version, Usage: keys.UsageData, Algorithm: keyblock.AlgorithmChar(alg), Mode: 'B',
		KeyVersion: "00", Exportability: 'E', Context: '0', Reserved: '0'}
	if hm := keyblock.HMFor(alg); hm != "" {
		h.SetOpt("HM", hm)
	}
	return h
}

// closeOutside makes a key block without the boundary.
func closeOutside(t *testing.T, kbpk, key *keys.Key, h keyblock.Header) *keyblock.Block {
	t.Helper()
	p, err := keyblock.NewProtector(h.Version, kbpk)
	if err != nil {
		t.Fatal(err)
	}
	text, _, err := p.Wrap(outside("padding").Rand, h, key, keyblock.WrapOptions{AllowWeak: true, AllowUnfit: true})
	if err != nil {
		t.Fatal(err)
	}
	return parse(t, text)
}

// openOutside opens a key block without the boundary.
func openOutside(t *testing.T, kbpk *keys.Key, b *keyblock.Block) *keyblock.Unwrapped {
	t.Helper()
	p, err := keyblock.NewProtector(b.Version, kbpk)
	if err != nil {
		t.Fatal(err)
	}
	u, err := p.Unwrap(b)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(u.Wipe)
	return u
}

func parse(t *testing.T, text string) *keyblock.Block {
	t.Helper()
	b, err := keyblock.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// warnings gives the ids.
func warnings(all []keyblock.Warning) []string {
	var ids []string
	for _, w := range all {
		ids = append(ids, w.ID)
	}
	return ids
}

// other gives another hex digit or letter.
func other(c byte) byte {
	if c == '0' {
		return '1'
	}
	return '0'
}

// damage changes the character at a position, from 0.
func damage(text string, at int) string {
	b := []byte(text)
	b[at] = other(b[at])
	return string(b)
}

// refused wants an error of one of the kinds (none named: of any) and nothing else.
func refused(t *testing.T, what string, result any, err error, kinds ...fault.Kind) {
	t.Helper()
	if err == nil {
		t.Errorf("%s: was not refused", what)
		return
	}
	if result != nil && !reflect.ValueOf(result).IsZero() {
		t.Errorf("%s: refused, but with a result of type %T", what, result)
	}
	for _, kind := range kinds {
		if fault.Is(err, kind) {
			return
		}
	}
	if len(kinds) > 0 {
		t.Errorf("%s: error of kind %s, want %v: %v", what, fault.KindOf(err), kinds, err)
	}
}
