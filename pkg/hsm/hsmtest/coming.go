package hsmtest

// Claims about keys that come into being inside or are taken in.

import (
	"slices"
	"testing"

	"poskey/internal/fault"
	"poskey/internal/secret"
	"poskey/pkg/component"
	"poskey/pkg/hsm"
	"poskey/pkg/kcv"
	"poskey/pkg/keys"
)

func (s suite) comingIn(t *testing.T) {
	s.claim(t, "the boundary says what it is", saysWhatItIs)
	s.claim(t, "generated keys have the right form and differ", generatedDiffer)
	s.claim(t, "what is no algorithm is neither generated nor taken in", noAlgorithm)
	if s.strict {
		s.claim(t, "single DES comes in nowhere, whatever is allowed", noSingleDES)
	} else {
		s.claim(t, "single DES is generated only when weak keys are allowed", singleDES)
	}
	s.claim(t, "an imported key keeps its bytes and its attributes", importKeeps)
	s.claim(t, "attributes left open take the defaults", importDefaults)
	s.claim(t, "attributes that no header can hold are refused", importMalformed)
	s.claim(t, "weak keys are refused unless allowed and always reported", importWeak)
	s.claim(t, "keys of a wrong length are refused", importLength)
	s.claim(t, "clear keys handed in are wiped, refused ones too", importWipes)
	s.claim(t, "a key outside never shows its clear bytes", keysShowNothing)
}

func saysWhatItIs(t *testing.T, b hsm.Boundary) {
	if info := b.Info(); info.Driver == "" || info.Name == "" {
		t.Errorf("info %+v, want a driver and a name", info)
	}
}

func generatedDiffer(t *testing.T, b hsm.Boundary) {
	const draws = 16
	for _, alg := range takes(b) {
		seen := map[string]bool{}
		for range draws {
			a := hsm.Attributes{Algorithm: alg, Usage: keys.UsageMAC1, Mode: 'G', Exportability: 'S'}
			k, err := b.Generate(t.Context(), a, hsm.Policy{AllowWeak: true})
			if err != nil {
				t.Fatalf("%s: %v", alg, err)
			}
			if k.Attributes != a || len(k.Weak) != 0 {
				t.Errorf("%s: attributes %+v, weaknesses %v; want %+v and none", alg, k.Attributes, k.Weak, a)
			}
			clear := revealed(t, b, k)
			wantKey(t, b, k, clear)
			if len(clear) != alg.DefaultLen() || k.Parity != soundParity(alg) || k.Parity != parityOf(alg, clear) {
				t.Errorf("%s: %d bytes, parity %q", alg, len(clear), k.Parity)
			}
			seen[string(clear)], seen[k.Block] = true, true
		}
		if len(seen) != 2*draws {
			t.Errorf("%s: %d keys and blocks of %d draws differ", alg, len(seen), 2*draws)
		}
	}
}

func soundParity(alg keys.Algorithm) keys.Parity {
	if !alg.IsDES() {
		return keys.ParityNone
	}
	return keys.ParityOdd
}

func parityOf(alg keys.Algorithm, clear []byte) keys.Parity {
	if !alg.IsDES() {
		return keys.ParityNone
	}
	return keys.ParityOf(clear)
}

// revealed gives a copy of the clear bytes.
func revealed(t *testing.T, b hsm.Boundary, k hsm.Key) []byte {
	t.Helper()
	sec, err := b.Reveal(t.Context(), k)
	if err != nil {
		t.Fatalf("reveal: %v", err)
	}
	defer sec.Wipe()
	return append([]byte(nil), sec.Expose()...)
}

func noAlgorithm(t *testing.T, b hsm.Boundary) {
	for _, alg := range []keys.Algorithm{"", "tdes", "AES-128", "hmac-md5", "aes-128 "} {
		a := hsm.Attributes{Algorithm: alg}
		k, err := b.Generate(t.Context(), a, hsm.Policy{AllowWeak: true})
		refused(t, "generate "+string(alg), k, err, fault.Usage)
		sec := secret.New(16)
		k, err = b.Import(t.Context(), sec, a, hsm.Policy{Inspect: true})
		refused(t, "import "+string(alg), k, err, fault.Usage)
		wiped(t, string(alg), sec)
	}
	for _, alg := range []keys.Algorithm{keys.RSA, keys.EC, keys.DSA, keys.Raw} {
		k, err := b.Generate(t.Context(), hsm.Attributes{Algorithm: alg}, hsm.Policy{})
		refused(t, "generate "+string(alg), k, err, fault.Usage)
	}
}

func singleDES(t *testing.T, b hsm.Boundary) {
	k, err := b.Generate(t.Context(), hsm.Attributes{Algorithm: keys.DES}, hsm.Policy{Inspect: true})
	refused(t, "generate des", k, err, fault.WeakKey)
	k, err = b.Generate(t.Context(), hsm.Attributes{Algorithm: keys.DES}, hsm.Policy{AllowWeak: true})
	if err != nil || k.Len != 8 {
		t.Errorf("key %+v, error %v; want one of 8 bytes", k, err)
	}
}

// noSingleDES: a KBPK of 56 bits would give every key away that it protects.
func noSingleDES(t *testing.T, b hsm.Boundary) {
	clear, a := sound(t, keys.DES, "x"), hsm.Attributes{Algorithm: keys.DES, Usage: keys.UsageKEK}
	outer, inner := kbpk(t, b, keys.TDES192, "kbpk")
	h := header('B', keys.DES)
	h.Usage, h.Mode = keys.UsageKEK, 'B'
	block := closeOutside(t, outer, clearKey(t, keys.DES, clear), h)
	for _, p := range []hsm.Policy{{}, {AllowWeak: true}, {Inspect: true}, {AllowWeak: true, Inspect: true}} {
		k, err := b.Generate(t.Context(), a, p)
		refused(t, "generate", k, err, fault.WeakKey)
		sec := secret.Copy(clear)
		k, err = b.Import(t.Context(), sec, a, p)
		refused(t, "import", k, err, fault.WeakKey)
		wiped(t, "import", sec)
		k, err = b.Form(t.Context(), hsm.Forming{Attributes: a, Policy: p,
			Parts: cut(t, keys.DES, clear, component.Spec{Scheme: component.XOR, Parts: 2})})
		refused(t, "form", k, err, fault.WeakKey)
		o, err := b.Unwrap(t.Context(), block, inner, p)
		refused(t, "unwrap", o, err, fault.WeakKey)
	}
	moved, err := b.Translate(t.Context(), block, inner, inner, hsm.Change{AllowWeak: true})
	refused(t, "translate", moved, err, fault.WeakKey)
}

func importKeeps(t *testing.T, b hsm.Boundary) {
	algs := append(takes(b), keys.RSA, keys.EC, keys.DSA, keys.Raw)
	for i, alg := range algs {
		clear := sound(t, keys.HMACSHA384, string(alg)) // 48 bytes of no algorithm in particular
		if alg.KeyLen() != 0 {
			clear = sound(t, alg, "import")
		}
		a := hsm.Attributes{Algorithm: alg, Usage: keys.Usages()[i], Mode: "BDEN"[i%4], Exportability: "ENS"[i%3]}
		check := kcv.Value{} // only what has a cipher or an HMAC has one
		if slices.Contains(keys.Named(), alg) {
			check = valueOf(t, alg, clear, "", 0)
		}
		k, err := b.Import(t.Context(), secret.Copy(clear), a, hsm.Policy{})
		if err != nil {
			t.Errorf("%s: %v", alg, err)
			continue
		}
		if k.Attributes != a || k.Parity != parityOf(alg, clear) || k.Len != len(clear) {
			t.Errorf("key %+v, want attributes %+v, %d bytes", k, a, len(clear))
		}
		wantBytes(t, b, k, clear)
		if k.Check != check {
			t.Errorf("%s: check value %s, want %s", alg, k.Check, check)
		}
	}
}

func importDefaults(t *testing.T, b hsm.Boundary) {
	for usage, filled := range map[keys.Usage]keys.Usage{"": keys.UsageData, keys.UsageMAC1: keys.UsageMAC1} {
		want := hsm.Attributes{Algorithm: keys.AES128, Usage: filled, Mode: filled.DefaultMode(), Exportability: 'E'}
		if got := takeFor(t, b, keys.AES128, sound(t, keys.AES128, "x"), usage).Attributes; got != want {
			t.Errorf("attributes %+v, want %+v", got, want)
		}
		got, err := b.Generate(t.Context(), hsm.Attributes{Algorithm: keys.AES128, Usage: usage}, hsm.Policy{})
		if err != nil || got.Attributes != want {
			t.Errorf("generated: attributes %+v, error %v, want %+v", got.Attributes, err, want)
		}
	}
}

func importMalformed(t *testing.T, b hsm.Boundary) {
	for _, a := range []hsm.Attributes{
		{Usage: "P"}, {Usage: "P00"}, {Usage: "P-"}, {Usage: "P0", Mode: ' '}, {Usage: "P0", Mode: 0xE9},
		{Usage: "P0", Exportability: 'X'},
	} {
		a.Algorithm = keys.AES128
		sec := secret.Copy(sound(t, keys.AES128, "x"))
		k, err := b.Import(t.Context(), sec, a, hsm.Policy{})
		refused(t, "import", k, err, fault.HeaderMalformed)
		wiped(t, "import", sec)
		k, err = b.Generate(t.Context(), a, hsm.Policy{})
		refused(t, "generate", k, err, fault.HeaderMalformed)
	}
}

// weakKey is a key with the weakness that it is here for; it may have others too.
type weakKey struct {
	alg      keys.Algorithm
	digits   string
	weakness keys.Weakness
}

// weakKeys has every weakness there is. The last ones have a wrong parity, which must hide nothing.
func weakKeys() []weakKey {
	return []weakKey{
		{keys.AES128, "00000000000000000000000000000000", keys.AllZero},
		{keys.TDES128, "00000000000000000000000000000000", keys.AllZero},
		{keys.SM4, "5A5A5A5A5A5A5A5A5A5A5A5A5A5A5A5A", keys.RepeatedPattern},
		{keys.HMACSHA256, "1234567812345678123456781234567812345678123456781234567812345678", keys.RepeatedPattern},
		{keys.AES256, "A0A2A4A6A8AAACAEB0B2B4B6B8BABCBEC0C2C4C6C8CACCCED0D2D4D6D8DADCDE", keys.CountingPattern},
		{keys.TDES128, "0101010101010101" + "6D31F4A2C7580E9B", keys.WeakDES},
		{keys.TDES192, "6D31F4A2C7580E9B" + "1CA7E35886D0B94F" + "E0FEE0FEF1FEF1FE", keys.SemiWeakDES},
		{keys.DES, "01FE01FE01FE01FE", keys.SemiWeakDES},
		{keys.TDES128, "6D31F4A2C7580E9B" + "6D31F4A2C7580E9B", keys.EqualHalves},
		{keys.TDES192, "1CA7E35886D0B94F" + "6D31F4A2C7580E9B" + "6C30F5A3C6590F9A", keys.EqualHalves},
		{keys.AES128, "2B7E151628AED2A6ABF7158809CF4F3C", keys.PublishedSample},
		{keys.TDES128, "0023456789ABCDEEFEDCBA9876543210", keys.PublishedSample},
	}
}

func importWeak(t *testing.T, b hsm.Boundary) {
	shown := map[keys.Weakness]bool{}
	for _, w := range weakKeys() {
		if shown[w.weakness] = true; !slices.Contains(takes(b), w.alg) {
			continue
		}
		clear, a := unhex(t, w.digits), hsm.Attributes{Algorithm: w.alg}
		want := keys.WeaknessesOf(w.alg, clear)
		if !slices.Contains(want, w.weakness) {
			t.Fatalf("%s key %s is not weak as it should be: %v", w.alg, w.digits, want)
		}
		sec := secret.Copy(clear)
		k, err := b.Import(t.Context(), sec, a, hsm.Policy{})
		refused(t, string(w.weakness), k, err, fault.WeakKey)
		wiped(t, string(w.weakness), sec)
		for _, p := range []hsm.Policy{{AllowWeak: true}, {Inspect: true}, {AllowWeak: true, Inspect: true}} {
			k, err := b.Import(t.Context(), secret.Copy(clear), a, p)
			if err != nil || !slices.Equal(k.Weak, want) {
				t.Errorf("%s with %+v: reported %v, error %v; want %v", w.weakness, p, k.Weak, err, want)
			}
		}
	}
	if len(shown) != 7 {
		t.Errorf("%d weaknesses are shown, want all 7", len(shown))
	}
}

func importLength(t *testing.T, b hsm.Boundary) {
	for _, alg := range takes(b) {
		lengths := []int{0}
		if n := alg.KeyLen(); n != 0 {
			lengths = []int{0, 1, n / 2, n - 1, n + 1, 2 * n, 4096}
		}
		for _, n := range lengths {
			sec := secret.New(n)
			k, err := b.Import(t.Context(), sec, hsm.Attributes{Algorithm: alg}, hsm.Policy{Inspect: true})
			refused(t, string(alg), k, err, fault.MalformedLength)
			wiped(t, string(alg), sec)
		}
	}
}

func importWipes(t *testing.T, b hsm.Boundary) {
	clear := sound(t, keys.AES128, "x")
	for what, try := range map[string]struct {
		a  hsm.Attributes
		p  hsm.Policy
		ok bool
	}{
		"a good key":              {hsm.Attributes{Algorithm: keys.AES128}, hsm.Policy{}, true},
		"a key only looked at":    {hsm.Attributes{Algorithm: keys.AES128}, hsm.Policy{Inspect: true}, true},
		"a key without algorithm": {hsm.Attributes{}, hsm.Policy{}, false},
		"a key of wrong length":   {hsm.Attributes{Algorithm: keys.AES192}, hsm.Policy{}, false},
		"a wrong header":          {hsm.Attributes{Algorithm: keys.AES128, Usage: "-"}, hsm.Policy{}, false},
	} {
		sec := secret.Copy(clear)
		if _, err := b.Import(t.Context(), sec, try.a, try.p); (err == nil) != try.ok {
			t.Errorf("%s: error %v", what, err)
		}
		wiped(t, what, sec)
	}
}

func keysShowNothing(t *testing.T, b hsm.Boundary) {
	for _, alg := range takes(b) {
		canary := sound(t, alg, "canary")
		imported := take(t, b, alg, canary)
		formed, err := b.Form(t.Context(), hsm.Forming{Attributes: hsm.Attributes{Algorithm: alg},
			Parts: cut(t, alg, canary, component.Spec{Scheme: component.XOR, Parts: 2})})
		if err != nil {
			t.Fatal(err)
		}
		outside, held := kbpk(t, b, keys.AES256, "kbpk")
		block := closeOutside(t, outside, clearKey(t, alg, canary), header('D', alg))
		opened, err := b.Unwrap(t.Context(), block, held, hsm.Policy{Inspect: true})
		if err != nil {
			t.Fatal(err)
		}
		for what, k := range map[string]hsm.Key{"imported": imported, "formed": formed, "opened": opened.Key} {
			shows(t, string(alg)+" key "+what, canary, k, k.Block)
		}
		generated, err := b.Generate(t.Context(), hsm.Attributes{Algorithm: alg}, hsm.Policy{AllowWeak: true})
		if err != nil {
			t.Fatal(err)
		}
		shows(t, string(alg)+" key generated", revealed(t, b, generated), generated)
	}
}
