package hsmtest

// Claims about forming keys from components and cutting keys into them.

import (
	"slices"
	"strings"
	"testing"

	"poskey/internal/fault"
	"poskey/internal/secret"
	"poskey/pkg/component"
	"poskey/pkg/hsm"
	"poskey/pkg/kcv"
	"poskey/pkg/keys"
)

func (s suite) components(t *testing.T) {
	s.claim(t, "a key that is cut and formed again is the same key", cutAndFormed)
	s.claim(t, "components with odd parity form the key up to parity", oddComponents)
	s.claim(t, "any shares that are enough form the key", anyShares)
	s.claim(t, "a cut that cannot be is refused", cutRefused)
	s.claim(t, "a formed key has the attributes asked for", formedAttributes)
	s.claim(t, "what may not be combined is refused and wiped", formRefused)
	s.claim(t, "weak combined keys are refused unless allowed and always reported", formedWeak)
	s.claim(t, "each part is compared before anything is combined", partsCompared)
	s.claim(t, "a wrong combined key is refused, and the parts that would fit are named", subsetsNamed)
	s.claim(t, "refusals show nothing of parts or key", formShowsNothing)
}

func specs(alg keys.Algorithm) []component.Spec {
	all := []component.Spec{
		{Scheme: component.XOR, Parts: 2}, {Scheme: component.XOR, Parts: 3, Threshold: 3}, {Scheme: component.XOR, Parts: 9},
		{Scheme: component.Shamir, Parts: 2, Threshold: 2}, {Scheme: component.Shamir, Parts: 5, Threshold: 3},
		{Scheme: component.Shamir, Parts: 9, Threshold: 9},
	}
	if alg.IsDES() {
		all = append(all, component.Spec{Scheme: component.XOR, Parts: 2, OddParity: true},
			component.Spec{Scheme: component.XOR, Parts: 3, OddParity: true})
	}
	return all
}

func cutAndFormed(t *testing.T, b hsm.Boundary) {
	for _, alg := range takes(b) {
		clear := sound(t, alg, "cut")
		k := take(t, b, alg, clear)
		for _, spec := range specs(alg) {
			parts, err := b.Split(t.Context(), k, spec)
			if err != nil || len(parts) != spec.Parts {
				t.Fatalf("%s %+v: %d parts, error %v", alg, spec, len(parts), err)
			}
			for i, p := range parts {
				if p.Index != i+1 || p.Of != spec.Parts || p.KeyCheck != k.Check || p.Value.Len() != k.Len {
					t.Errorf("%s %+v: part %d is number %d of %d, %d bytes, for a key with check value %s",
						alg, spec, i+1, p.Index, p.Of, p.Value.Len(), p.KeyCheck)
				}
			}
			handed := values(parts)
			expected := expect(t, k.Check.Digits)
			formed, err := b.Form(t.Context(), hsm.Forming{Parts: parts, Attributes: k.Attributes, Expected: &expected})
			wiped(t, "form", handed...)
			if err != nil || formed.Check != k.Check || formed.Attributes != k.Attributes {
				t.Errorf("%s %+v: formed %+v, error %v; want %+v", alg, spec, formed, err, k)
				continue
			}
			if !spec.OddParity {
				wantKey(t, b, formed, clear)
			}
		}
	}
}

func oddComponents(t *testing.T, b hsm.Boundary) {
	for n := 2; n <= 3; n++ {
		clear := sound(t, keys.TDES192, "odd")
		spec := component.Spec{Scheme: component.XOR, Parts: n, OddParity: true}
		parts, err := b.Split(t.Context(), take(t, b, keys.TDES192, clear), spec)
		if err != nil {
			t.Fatal(err)
		}
		for i, p := range parts {
			if keys.ParityOf(p.Value.Expose()) != keys.ParityOdd {
				t.Errorf("component %d of %d has no odd parity", i+1, n)
			}
		}
		k, err := b.Form(t.Context(), hsm.Forming{Parts: parts, Attributes: hsm.Attributes{Algorithm: keys.TDES192}})
		if err != nil {
			t.Fatal(err)
		}
		want := keys.ParityOdd
		if n == 2 {
			want = keys.ParityEven
		}
		got := revealed(t, b, k)
		if k.Parity != want || keys.ParityOf(got) != want {
			t.Errorf("%d components: parity %q is reported, want %q", n, k.Parity, want)
		}
		keys.FixParity(got)
		if string(got) != string(clear) {
			t.Errorf("%d components: another key", n)
		}
	}
}

func anyShares(t *testing.T, b hsm.Boundary) {
	clear := sound(t, keys.AES256, "shares")
	k := take(t, b, keys.AES256, clear)
	for chosen := range 1 << 4 {
		parts, err := b.Split(t.Context(), k, component.Spec{Scheme: component.Shamir, Parts: 4, Threshold: 3})
		if err != nil {
			t.Fatal(err)
		}
		var some []*component.Part
		for i, p := range parts {
			if chosen>>i&1 == 1 {
				some = append(some, p)
			}
		}
		formed, err := b.Form(t.Context(), hsm.Forming{Parts: some})
		if len(some) < 3 {
			refused(t, "too few shares", formed, err, fault.PartMissing)
		} else if err != nil {
			t.Errorf("shares %04b: %v", chosen, err)
		} else {
			wantKey(t, b, formed, clear)
		}
		component.WipeAll(parts)
	}
}

func cutRefused(t *testing.T, b hsm.Boundary) {
	sound := take(t, b, keys.AES128, sound(t, keys.AES128, "x"))
	zero, err := b.Import(t.Context(), secret.New(16), hsm.Attributes{Algorithm: keys.AES128}, hsm.Policy{AllowWeak: true})
	if err != nil {
		t.Fatal(err)
	}
	xor2 := component.Spec{Scheme: component.XOR, Parts: 2}
	for _, tt := range []struct {
		what string
		k    hsm.Key
		spec component.Spec
		want fault.Kind
	}{
		{"no scheme", sound, component.Spec{Parts: 2}, fault.Usage},
		{"one part", sound, component.Spec{Scheme: component.XOR, Parts: 1}, fault.Usage},
		{"ten parts", sound, component.Spec{Scheme: component.XOR, Parts: 10}, fault.Usage},
		{"a threshold of one", sound, component.Spec{Scheme: component.Shamir, Parts: 3, Threshold: 1}, fault.Usage},
		{"odd parity of an AES key", sound, component.Spec{Scheme: component.XOR, Parts: 2, OddParity: true}, fault.Usage},
		{"a key of zeros", zero, xor2, fault.WeakKey},
	} {
		parts, err := b.Split(t.Context(), tt.k, tt.spec)
		refused(t, tt.what, parts, err, tt.want)
	}
}

func formedAttributes(t *testing.T, b hsm.Boundary) {
	clear := sound(t, keys.TDES128, "formed")
	want := hsm.Attributes{Algorithm: keys.TDES128, Usage: keys.UsagePIN, Mode: 'E', Exportability: 'S'}
	for _, alg := range []keys.Algorithm{keys.TDES128, ""} {
		a := want
		a.Algorithm = alg
		parts := cut(t, keys.TDES128, clear, component.Spec{Scheme: component.XOR, Parts: 3})
		k, err := b.Form(t.Context(), hsm.Forming{Parts: parts, Attributes: a})
		if err != nil || k.Attributes != want || k.Parity != keys.ParityOdd {
			t.Errorf("key %+v, error %v; want %+v", k, err, want)
			continue
		}
		wantKey(t, b, k, clear)
	}
}

// misfit is a set of parts that may not be combined.
type misfit struct {
	what  string
	want  fault.Kind
	alg   keys.Algorithm // "" for what the parts have
	parts func(t *testing.T) []*component.Part
}

func misfits() []misfit {
	const alg = keys.TDES128
	xor3 := component.Spec{Scheme: component.XOR, Parts: 3}
	sheets := func(t *testing.T) []*component.Part { return cut(t, alg, sound(t, alg, "key"), xor3) }
	a := func(t *testing.T) []byte { return sound(t, alg, "a") }
	b := func(t *testing.T) []byte { return sound(t, alg, "b") }
	replace := func(at int, by func(t *testing.T) *component.Part) func(t *testing.T) []*component.Part {
		return func(t *testing.T) []*component.Part {
			parts := sheets(t)
			parts[at].Wipe()
			parts[at] = by(t)
			return parts
		}
	}
	return []misfit{
		{"no parts", fault.PartMissing, "", func(*testing.T) []*component.Part { return nil }},
		{"one part", fault.PartMissing, "", func(t *testing.T) []*component.Part { return bare(t, alg, a(t)) }},
		{"ten parts", fault.Usage, "", func(t *testing.T) []*component.Part {
			return bare(t, alg, a(t), b(t), a(t), b(t), a(t), b(t), a(t), b(t), a(t), b(t))
		}},
		{"a sheet is missing", fault.PartMissing, "", func(t *testing.T) []*component.Part {
			parts := sheets(t)
			parts[1].Wipe()
			return []*component.Part{parts[0], parts[2]}
		}},
		{"a sheet of another set", fault.PartForeign, "", replace(1, func(t *testing.T) *component.Part {
			foreign := sheets(t)
			foreign[0].Wipe()
			foreign[2].Wipe()
			foreign[1].Set = "0000-0000"
			return foreign[1]
		})},
		{"a sheet twice", fault.PartRefused, "", replace(1, func(t *testing.T) *component.Part {
			again := sheets(t)
			again[1].Wipe()
			again[2].Wipe()
			return again[0]
		})},
		{"parts of another algorithm", fault.PartForeign, keys.AES128, sheets},
		{"a half", fault.PartRefused, "", replace(2, func(*testing.T) *component.Part {
			return &component.Part{Scheme: component.XOR, Algorithm: alg, Value: secret.New(8)}
		})},
		{"a part of no length", fault.MalformedLength, "", replace(0, func(*testing.T) *component.Part {
			return &component.Part{Scheme: component.XOR, Algorithm: alg, Value: secret.New(15)}
		})},
		{"a part of zeros", fault.PartRefused, "", func(t *testing.T) []*component.Part {
			return bare(t, alg, a(t), make([]byte, 16))
		}},
		{"two equal parts", fault.PartRefused, "", func(t *testing.T) []*component.Part {
			return bare(t, alg, a(t), b(t), a(t))
		}},
		{"a part that is published", fault.PartRefused, "", func(t *testing.T) []*component.Part {
			return bare(t, alg, a(t), unhex(t, "0123456789ABCDEFFEDCBA9876543210"))
		}},
		{"a value that is not that of its sheet", fault.KCVMismatch, "", func(t *testing.T) []*component.Part {
			parts := sheets(t)
			parts[2].Value.Expose()[5] ^= 0x10
			return parts
		}},
		{"sheets with a wrong check value of the key", fault.KCVMismatch, "", func(t *testing.T) []*component.Part {
			parts := sheets(t)
			for _, p := range parts {
				p.KeyCheck.Digits = damage(p.KeyCheck.Digits, 0)
			}
			return parts
		}},
		{"shares of two polynomials", fault.PartForeign, "", func(t *testing.T) []*component.Part {
			parts := cut(t, alg, sound(t, alg, "key"), component.Spec{Scheme: component.Shamir, Parts: 3, Threshold: 2})
			parts[1].Value.Expose()[0] ^= 0x10
			parts[1].Check = valueOf(t, alg, parts[1].Value.Expose(), "", 0)
			return parts
		}},
	}
}

func formRefused(t *testing.T, b hsm.Boundary) {
	for _, m := range misfits() {
		parts := m.parts(t)
		handed := values(parts)
		k, err := b.Form(t.Context(), hsm.Forming{Parts: parts, Attributes: hsm.Attributes{Algorithm: m.alg}})
		refused(t, m.what, k, err, m.want)
		wiped(t, m.what, handed...)
	}
}

func xored(a, b []byte) []byte {
	out := append([]byte(nil), a...)
	for i, v := range b {
		out[i] ^= v
	}
	return out
}

func formedWeak(t *testing.T, b hsm.Boundary) {
	for _, w := range weakKeys() {
		if !slices.Contains(takes(b), w.alg) {
			continue
		}
		if w.weakness == keys.AllZero {
			continue // that is refused whatever is allowed: the parts cancel out
		}
		clear, one := unhex(t, w.digits), sound(t, w.alg, "one")
		want := keys.WeaknessesOf(w.alg, clear)
		form := func(p hsm.Policy) (hsm.Key, error) {
			parts := bare(t, w.alg, one, xored(one, clear))
			defer wiped(t, "form", values(parts)...)
			return b.Form(t.Context(), hsm.Forming{Parts: parts, Policy: p})
		}
		k, err := form(hsm.Policy{})
		refused(t, w.digits, k, err, fault.WeakKey)
		for _, p := range []hsm.Policy{{AllowWeak: true}, {Inspect: true}} {
			if k, err := form(p); err != nil || len(k.Weak) != len(want) || k.Weak[0] != want[0] {
				t.Errorf("%s with %+v: reported %v, error %v; want %v", w.digits, p, k.Weak, err, want)
			}
		}
	}
	for _, p := range []hsm.Policy{{AllowWeak: true}, {Inspect: true}} { // weak parts, sound key
		clear := sound(t, keys.AES128, "one")
		parts := bare(t, keys.AES128, clear, make([]byte, 16))
		k, err := b.Form(t.Context(), hsm.Forming{Parts: parts, Policy: p})
		refused(t, "a part that equals the key", k, err, fault.PartRefused) // nothing lifts that
		parts = bare(t, keys.AES128, clear, unhex(t, "000102030405060708090A0B0C0D0E0F"))
		if k, err = b.Form(t.Context(), hsm.Forming{Parts: parts, Policy: p}); err != nil || len(k.Weak) != 0 {
			t.Errorf("a published part with %+v: key weak %v, error %v", p, k.Weak, err)
		}
	}
}

// checksOf gives the check values of parts, as their custodians wrote them down.
func checksOf(t *testing.T, parts []*component.Part) []kcv.Expected {
	t.Helper()
	all := make([]kcv.Expected, len(parts))
	for i, p := range parts {
		all[i] = expect(t, p.Check.Digits)
	}
	return all
}

func partsCompared(t *testing.T, b hsm.Boundary) {
	const alg = keys.TDES128
	one, two := sound(t, alg, "one"), sound(t, alg, "two")
	good := bare(t, alg, one, two)
	k, err := b.Form(t.Context(), hsm.Forming{Parts: good, PartExpected: checksOf(t, good)})
	if err != nil {
		t.Fatal(err)
	}
	wantKey(t, b, k, xored(one, two))

	// These parts may not be combined, which is found only when they are put together.
	cancelling := bare(t, alg, one, one)
	checks := checksOf(t, cancelling)
	checks[1] = expect(t, damage(checks[1].Digits, 5))
	handed := values(cancelling)
	k, err = b.Form(t.Context(), hsm.Forming{Parts: cancelling, PartExpected: checks})
	refused(t, "a wrong part value", k, err, fault.KCVMismatch)
	wiped(t, "a wrong part value", handed...)
	if err != nil && !strings.Contains(err.Error(), "part 2") {
		t.Errorf("the error does not name part 2: %v", err)
	}

	half := &component.Part{Scheme: component.XOR, Algorithm: alg, Value: secret.Copy(one[:8]), Check: good[0].Check}
	handed = values([]*component.Part{half})
	k, err = b.Form(t.Context(), hsm.Forming{Parts: []*component.Part{half}, PartExpected: checks[:1]})
	refused(t, "a half", k, err)
	wiped(t, "a half", handed...)

	for _, n := range []int{1, 3} {
		parts := bare(t, alg, one, two)
		three := append(checksOf(t, parts), expect(t, "123456"))
		handed := values(parts)
		k, err := b.Form(t.Context(), hsm.Forming{Parts: parts, PartExpected: three[:n]})
		refused(t, "check values for some parts", k, err, fault.Usage)
		wiped(t, "check values for some parts", handed...)
	}
}

func subsetsNamed(t *testing.T, b hsm.Boundary) {
	const alg = keys.TDES128
	one, two, three := sound(t, alg, "one"), sound(t, alg, "two"), sound(t, alg, "three")
	all := xored(xored(one, two), three)
	xor := func(t *testing.T) []*component.Part { return bare(t, alg, one, two, three) }
	for _, tt := range []struct {
		what     string
		parts    func(t *testing.T) []*component.Part
		expected kcv.Value
		says     string
	}{
		{"the third is too many", xor, valueOf(t, alg, xored(one, two), "", 0), "parts 1, 2 without the others"},
		{"a part was taken for the key", xor, valueOf(t, alg, three, "", 0), "part 3 alone"},
		{"another method", xor, valueOf(t, alg, all, kcv.CMAC, 0), "method cmac"},
		{"another key", xor, valueOf(t, alg, sound(t, alg, "another"), "", 0), "no subset fits"},
		{"shares", func(t *testing.T) []*component.Part {
			return cut(t, alg, all, component.Spec{Scheme: component.Shamir, Parts: 3, Threshold: 2})
		}, valueOf(t, alg, one, "", 0), "shares of another key"},
	} {
		for _, named := range []keys.Algorithm{alg, ""} {
			parts, expected := tt.parts(t), expect(t, tt.expected.Digits)
			handed := values(parts)
			f := hsm.Forming{Parts: parts, Attributes: hsm.Attributes{Algorithm: named}, Expected: &expected}
			k, err := b.Form(t.Context(), f)
			refused(t, tt.what, k, err, fault.KCVMismatch)
			wiped(t, tt.what, handed...)
			if err != nil && !strings.Contains(err.Error(), tt.says) {
				t.Errorf("%s: %q is not said: %v", tt.what, tt.says, err)
			}
		}
	}
}

func formShowsNothing(t *testing.T, b hsm.Boundary) {
	for _, m := range misfits() {
		parts := m.parts(t)
		var secrets [][]byte
		for _, p := range parts {
			secrets = append(secrets, append([]byte(nil), p.Value.Expose()...))
		}
		_, err := b.Form(t.Context(), hsm.Forming{Parts: parts, Attributes: hsm.Attributes{Algorithm: m.alg}})
		for _, clear := range append(secrets, sound(t, keys.TDES128, "key")) {
			shows(t, m.what, clear, err)
		}
	}
}
