package keyblock

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"poskey/internal/fault"
	"poskey/internal/secret"
	"poskey/internal/testvec"
	"poskey/pkg/keys"
)

// soundKey is a key of published test data with odd parity and without weakness of its own.
const soundKey = "F2EAD8A31C5B7F0E45D3B96417CA8E209B26C4E9073D58B16A1FE3C08D5279B4"

func keyOf(t testing.TB, alg keys.Algorithm, digits string) *keys.Key {
	t.Helper()
	raw := testvec.Hex(t, digits)
	k, err := keys.New(alg, secret.Take(raw))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(k.Wipe)
	return k
}

// sound gives a key of the algorithm with odd parity.
func sound(t testing.TB, alg keys.Algorithm) *keys.Key {
	t.Helper()
	raw := testvec.Hex(t, soundKey+soundKey)[:max(alg.DefaultLen(), 8)]
	if alg.IsDES() {
		keys.FixParity(raw)
	}
	return keyOf(t, alg, testvec.Upper(raw))
}

func protectorFor(t testing.TB, version byte) *Protector {
	t.Helper()
	alg := keys.AES256
	if version < 'D' {
		alg = keys.TDES192
	}
	random := seeded("protector")
	kbpk := generate(t, random, alg)
	t.Cleanup(kbpk.Wipe)
	p, err := NewProtector(version, kbpk)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func header(version byte, usage keys.Usage, algorithm, mode byte, options ...OptBlock) Header {
	return Header{Version: version, Usage: usage, Algorithm: algorithm, Mode: mode, KeyVersion: "00", Exportability: 'E',
		Context: '0', Reserved: '0', Optional: options}
}

func TestWrapRefusesWhatMustNotLeave(t *testing.T) {
	noLeaks(t)
	weak, unfit := WrapOptions{AllowWeak: true}, WrapOptions{AllowUnfit: true}
	sensitive := func(h Header, c byte) Header { h.Exportability = c; return h }
	ks := OptBlock{ID: "KS", Data: "FFFF9876543210E00000"}
	ik := OptBlock{ID: "IK", Data: "1234567812345678"}
	for name, c := range map[string]struct {
		h    Header
		key  *keys.Key
		kind fault.Kind
		lift WrapOptions // with these it goes; the zero value: with none
	}{
		"zero":                {header('D', "K0", 'A', 'B'), keyOf(t, keys.AES128, strings.Repeat("00", 16)), fault.WeakKey, weak},
		"repeated":            {header('D', "K0", 'A', 'B'), keyOf(t, keys.AES128, strings.Repeat("5A", 16)), fault.WeakKey, weak},
		"counting":            {header('D', "K0", 'A', 'B'), keyOf(t, keys.AES128, "101112131415161718191A1B1C1D1E1F"), fault.WeakKey, weak},
		"K1 = K2":             {header('B', "K0", 'T', 'B'), keyOf(t, keys.TDES128, "F2EAD8A31C5B7F0EF3EBD9A21D5A7E0F"), fault.WeakKey, weak},
		"K2 = K3":             {header('B', "K0", 'T', 'B'), keyOf(t, keys.TDES192, soundKey[:32]+soundKey[16:32]), fault.WeakKey, weak},
		"weak half":           {header('B', "K0", 'T', 'B'), keyOf(t, keys.TDES128, soundKey[:16]+"FEFEFEFEFEFEFEFE"), fault.WeakKey, weak},
		"semi-weak half":      {header('B', "K0", 'T', 'B'), keyOf(t, keys.TDES128, "01FE01FE01FE01FE"+soundKey[:16]), fault.WeakKey, weak},
		"single DES":          {header('A', "K0", 'T', 'B'), sound(t, keys.DES), fault.WeakKey, weak},
		"single DES as D":     {header('A', "K0", 'D', 'B'), sound(t, keys.DES), fault.WeakKey, weak},
		"mode unfit for PIN":  {header('D', "P0", 'A', 'X'), sound(t, keys.AES128), fault.ModeUnfit, unfit},
		"mode unfit for KEK":  {header('D', "K0", 'A', 'G'), sound(t, keys.AES128), fault.ModeUnfit, unfit},
		"mode unfit for MAC":  {header('B', "M3", 'T', 'E'), sound(t, keys.TDES128), fault.ModeUnfit, unfit},
		"no KSN":              {header('B', "B1", 'T', 'X'), sound(t, keys.TDES128), fault.MissingKSN, unfit},
		"KSN of AES on TDES":  {header('B', "B1", 'T', 'X', ik), sound(t, keys.TDES128), fault.MissingKSN, unfit},
		"KSN of TDES on AES":  {header('D', "B1", 'A', 'X', ks), sound(t, keys.AES128), fault.MissingKSN, unfit},
		"exportability X":     {sensitive(header('D', "K0", 'A', 'B'), 'X'), sound(t, keys.AES128), fault.HeaderMalformed, WrapOptions{}},
		"exportability e":     {sensitive(header('D', "K0", 'A', 'B'), 'e'), sound(t, keys.AES128), fault.HeaderMalformed, WrapOptions{}},
		"AES said to be TDES": {header('D', "K0", 'T', 'B'), sound(t, keys.AES128), fault.HeaderMalformed, WrapOptions{}},
		"TDES said to be AES": {header('D', "K0", 'A', 'B'), sound(t, keys.TDES128), fault.HeaderMalformed, WrapOptions{}},
		"SM4 said to be AES":  {header('D', "K0", 'A', 'B'), sound(t, keys.SM4), fault.HeaderMalformed, WrapOptions{}},
		"HMAC said to be AES": {header('D', "M7", 'A', 'C'), sound(t, keys.HMACSHA256), fault.HeaderMalformed, WrapOptions{}},
	} {
		p := protectorFor(t, c.h.Version)
		text, warnings, err := p.Wrap(seeded(name), c.h, c.key, WrapOptions{})
		if text != "" || warnings != nil || !fault.Is(err, c.kind) {
			t.Errorf("%s: got %q, %v of kind %s, want %s", name, text, err, fault.KindOf(err), c.kind)
			continue
		}
		if strings.Contains(err.Error(), testvec.Upper(c.key.Secret().Expose())[:6]) && name != "zero" {
			t.Errorf("%s: the error shows the key: %v", name, err)
		}
		for _, opts := range []WrapOptions{weak, unfit, {AllowWeak: true, AllowUnfit: true}} {
			text, _, err := p.Wrap(seeded(name), c.h, c.key, opts)
			lifted := c.lift != WrapOptions{} && (!c.lift.AllowWeak || opts.AllowWeak) && (!c.lift.AllowUnfit || opts.AllowUnfit)
			if (err == nil) != lifted || (text != "") != lifted {
				t.Errorf("%s with %+v: got %q, %v", name, opts, text, err)
			}
		}
	}
	for name, h := range map[string]Header{
		"initial key with KS":     header('B', "B1", 'T', 'X', ks),
		"sensitive":               sensitive(header('B', "K0", 'T', 'B'), 'S'),
		"not exportable":          sensitive(header('B', "K0", 'T', 'B'), 'N'),
		"proprietary usage":       header('B', "ZZ", 'T', 'X'),
		"proprietary mode for it": header('B', "ZZ", 'T', '7'),
	} {
		if _, _, err := protectorFor(t, 'B').Wrap(seeded(name), h, sound(t, keys.TDES128), WrapOptions{}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, _, err := protectorFor(t, 'D').Wrap(seeded("ik"), header('D', "B1", 'A', 'X', ik), sound(t, keys.AES128), WrapOptions{}); err != nil {
		t.Errorf("AES initial key with IK: %v", err)
	}
}

// TestWrapWritesNothingThatParseRefuses: headers that were put together wrongly.
func TestWrapWritesNothingThatParseRefuses(t *testing.T) {
	noLeaks(t)
	key := sound(t, keys.AES128)
	good := func() Header { return header('D', "P0", 'A', 'E') }
	many := func(n int) []OptBlock {
		var all []OptBlock
		for i := range n {
			all = append(all, OptBlock{ID: "Z" + string(rune('0'+i%10)), Data: ""})
			all[i].ID = string("ZYXWVUTSRQ"[i/10%10]) + string(rune('0'+i%10))
		}
		return all
	}
	for name, c := range map[string]struct {
		change func(h *Header)
		kind   fault.Kind
	}{
		"reserved forgotten":     {func(h *Header) { h.Reserved = 0 }, fault.HeaderMalformed},
		"context forgotten":      {func(h *Header) { h.Context = 0 }, fault.HeaderMalformed},
		"context is a sign":      {func(h *Header) { h.Context = '?' }, fault.HeaderMalformed},
		"key version forgotten":  {func(h *Header) { h.KeyVersion = "" }, fault.HeaderMalformed},
		"key version of one":     {func(h *Header) { h.KeyVersion = "0" }, fault.HeaderMalformed},
		"key version of three":   {func(h *Header) { h.KeyVersion = "000" }, fault.HeaderMalformed},
		"a header in a field":    {func(h *Header) { h.KeyVersion = "00E0000" }, fault.HeaderMalformed},
		"key version is a sign":  {func(h *Header) { h.KeyVersion = "0-" }, fault.HeaderMalformed},
		"usage of one":           {func(h *Header) { h.Usage = "P" }, fault.HeaderMalformed},
		"usage of three":         {func(h *Header) { h.Usage = "P00" }, fault.HeaderMalformed},
		"fields that even out":   {func(h *Header) { h.Usage, h.KeyVersion = "P0A", "0" }, fault.HeaderMalformed},
		"id of one":              {func(h *Header) { h.Optional = []OptBlock{{ID: "L", Data: "x"}} }, fault.OptionalBlockID},
		"id of three":            {func(h *Header) { h.Optional = []OptBlock{{ID: "LB0", Data: "x"}} }, fault.OptionalBlockID},
		"id is a sign":           {func(h *Header) { h.Optional = []OptBlock{{ID: "L-", Data: "x"}} }, fault.OptionalBlockID},
		"line break in a label":  {func(h *Header) { h.Optional = []OptBlock{{ID: "LB", Data: "a\nb"}} }, fault.OptionalBlockCharset},
		"Chinese in a label":     {func(h *Header) { h.Optional = []OptBlock{{ID: "LB", Data: "密钥"}} }, fault.OptionalBlockCharset},
		"the same block twice":   {func(h *Header) { h.Optional = []OptBlock{{ID: "LB", Data: "a"}, {ID: "LB", Data: "b"}} }, fault.OptionalBlockDuplicate},
		"100 optional blocks":    {func(h *Header) { h.Optional = many(100) }, fault.HeaderMalformed},
		"a block too long":       {func(h *Header) { h.Optional = []OptBlock{{ID: "LB", Data: strings.Repeat("x", 9900)}} }, fault.LengthMismatch},
		"a block beyond lengths": {func(h *Header) { h.Optional = []OptBlock{{ID: "LB", Data: strings.Repeat("x", 70000)}} }, fault.LengthMismatch},
	} {
		h := good()
		c.change(&h)
		text, _, err := protectorFor(t, 'D').Wrap(seeded(name), h, key, WrapOptions{AllowUnfit: true})
		if text != "" || !fault.Is(err, c.kind) {
			t.Errorf("%s: wrote %q, %v of kind %s, want %s", name, text, err, fault.KindOf(err), c.kind)
		}
		if c.kind == fault.LengthMismatch {
			continue // the header alone is in order, or is found to be too long by its length
		}
		if _, err := CheckHeader(h); !fault.Is(err, c.kind) {
			t.Errorf("%s: CheckHeader says %v", name, err)
		}
	}
	h := good()
	h.Optional = many(98) // and a PB
	text, _, err := protectorFor(t, 'D').Wrap(seeded("98"), h, key, WrapOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if b, err := Parse(text); err != nil || len(b.Optional) < 98 {
		t.Errorf("98 optional blocks: %v", err)
	}
}

func TestLengthsAreHiddenWhenAskedFor(t *testing.T) {
	noLeaks(t)
	lengths := map[int]int{}
	for _, alg := range []keys.Algorithm{keys.TDES128, keys.TDES192, keys.AES128, keys.AES192, keys.AES256} {
		key := sound(t, alg)
		for _, hide := range []bool{true, false} {
			opts := WrapOptions{}
			if hide {
				opts.PadTo = ObfuscatedLen(alg)
			}
			text, _, err := protectorFor(t, 'D').Wrap(seeded("hide"), header('D', "P0", AlgorithmChar(alg), 'E'), key, opts)
			if err != nil {
				t.Fatal(err)
			}
			if hide {
				lengths[len(text)] |= 1
			}
			want := 2 + key.Len()
			if hide {
				want = 2 + ObfuscatedLen(alg)
			}
			want = headerLen + 2*((want+15)/16*16) + 32
			if len(text) != want {
				t.Errorf("%s, hidden %v: %d characters, want %d", alg, hide, len(text), want)
			}
		}
	}
	if len(lengths) != 2 { // one for TDES, one for AES
		t.Errorf("hidden blocks have %d lengths", len(lengths))
	}
	for _, alg := range []keys.Algorithm{keys.SM4, keys.HMACSHA256, keys.RSA, keys.Raw} {
		if ObfuscatedLen(alg) != 0 {
			t.Errorf("%s is hidden as %d bytes", alg, ObfuscatedLen(alg))
		}
	}
}

// TestNoLengthIsLaidOutThatNoBlockHas: the length comes from whoever asks, and memory is the process's.
func TestNoLengthIsLaidOutThatNoBlockHas(t *testing.T) {
	noLeaks(t)
	p, key := protectorFor(t, 'D'), sound(t, keys.AES128)
	for _, n := range []int{-1, maxPadTo + 1, 1 << 20, 1 << 40, int(^uint(0) >> 1)} {
		text, _, err := p.Wrap(seeded("length"), header('D', "P0", 'A', 'E'), key, WrapOptions{PadTo: n})
		if !fault.Is(err, fault.Usage) || text != "" {
			t.Errorf("%d bytes: %q, %v", n, text, err)
		}
	}
	if _, _, err := p.Wrap(seeded("length"), header('D', "P0", 'A', 'E'), key, WrapOptions{PadTo: 4096}); err != nil {
		t.Errorf("4096 bytes: %v", err)
	}
	if _, _, err := p.Wrap(seeded("length"), header('D', "P0", 'A', 'E'), key, WrapOptions{PadTo: maxPadTo}); !fault.Is(err,
		fault.LengthMismatch) {
		t.Errorf("%d bytes: %v", maxPadTo, err)
	}
}

func TestPaddingIsDrawnAnewForEveryBlock(t *testing.T) {
	noLeaks(t)
	random, seen := seeded("padding"), map[string]bool{}
	key := sound(t, keys.AES128)
	for _, version := range []byte("DE") {
		for range 20 {
			text, _, err := protectorFor(t, version).Wrap(random, header(version, "P0", 'A', 'E'), key, WrapOptions{PadTo: 32})
			if err != nil || seen[text] {
				t.Fatalf("version %c: the same block twice, %v", version, err)
			}
			seen[text] = true
		}
	}
}

func TestBrokenRandomSourceWritesNothing(t *testing.T) {
	noLeaks(t)
	broken := errors.New("no entropy")
	key := sound(t, keys.TDES128)
	withPB := header('B', "P0", 'T', 'E', OptBlock{ID: "LB", Data: "a"})
	for name, c := range map[string]struct {
		h Header
		r io.Reader
	}{
		"padding of the payload": {header('B', "P0", 'T', 'E'), iotest.ErrReader(broken)},
		"padding of the header":  {withPB, iotest.ErrReader(broken)},
		"after the header":       {withPB, io.MultiReader(bytes.NewReader([]byte("abcdefg")), iotest.ErrReader(broken))},
		"short by a byte":        {header('B', "P0", 'T', 'E'), io.MultiReader(io.LimitReader(zeros{}, 5), iotest.ErrReader(broken))},
	} {
		text, warnings, err := protectorFor(t, 'B').Wrap(c.r, c.h, key, WrapOptions{})
		if text != "" || warnings != nil || !errors.Is(err, broken) || !fault.Is(err, fault.Failure) {
			t.Errorf("%s: got %q, %v", name, text, err)
		}
	}
}

func TestOptionalBlocksKeepTheirOrderAndPBStandsLast(t *testing.T) {
	noLeaks(t)
	lb, ts, z1 := OptBlock{ID: "LB", Data: "one"}, OptBlock{ID: "TS", Data: "20260102030405Z"}, OptBlock{ID: "Z1", Data: ""}
	for name, c := range map[string]struct {
		given []OptBlock
		want  string // ids; PB may follow
	}{
		"as given":             {[]OptBlock{z1, ts, lb}, "Z1 TS LB"},
		"other way":            {[]OptBlock{lb, ts, z1}, "LB TS Z1"},
		"PB was first":         {[]OptBlock{{ID: "PB", Data: "0000"}, lb, z1}, "LB Z1"},
		"PB was between":       {[]OptBlock{lb, {ID: "PB", Data: "0000"}, z1}, "LB Z1"},
		"PB that does not fit": {[]OptBlock{lb, {ID: "PB", Data: "000"}}, "LB"},
		"PB alone, needless":   {[]OptBlock{{ID: "PB", Data: "0"}}, ""},
	} {
		for _, version := range []byte("BD") {
			p := protectorFor(t, version)
			h := header(version, "P0", 'T', 'E', c.given...)
			before := string(h.appendTo(nil, 0))
			text, _, err := p.Wrap(seeded(name), h, sound(t, keys.TDES128), WrapOptions{})
			if err != nil {
				t.Fatal(err)
			}
			if after := string(h.appendTo(nil, 0)); after != before {
				t.Errorf("%s: Wrap changed the caller's header to %s", name, after)
			}
			b, err := Parse(text)
			if err != nil {
				t.Fatal(err)
			}
			var ids []string
			for _, o := range b.Optional {
				ids = append(ids, o.ID)
			}
			got := strings.TrimSpace(strings.TrimSuffix(strings.Join(ids, " "), "PB"))
			if got != c.want || b.headerLen%blockLen(version) != 0 {
				t.Errorf("%s, version %c: %v, want %s and PB", name, version, ids, c.want)
			}
		}
	}
	kept := header('D', "P0", 'A', 'E', OptBlock{ID: "LB", Data: "12345678"}, OptBlock{ID: "PB", Data: "0123456789abcdef"})
	text, _, err := protectorFor(t, 'D').Wrap(seeded("kept"), kept, sound(t, keys.AES128), WrapOptions{})
	if err != nil || !strings.Contains(text, "PB140123456789abcdef") {
		t.Errorf("a PB that stands right and fits is not kept: %s, %v", text, err)
	}
}

// TestPaddingOfTheHeaderIsLettersAndDigitsAlike: the letters are drawn without a preference.
func TestPaddingOfTheHeaderIsLettersAndDigitsAlike(t *testing.T) {
	random, count := seeded("printable"), map[byte]int{}
	for range 1000 {
		data := make([]byte, 62)
		if err := printable(random, data); err != nil {
			t.Fatal(err)
		}
		for _, c := range data {
			count[c]++
		}
	}
	if len(count) != 62 {
		t.Errorf("%d different characters, want 62", len(count))
	}
	for c, n := range count { // 1000 each on average, sigma 31
		if n < 800 || n > 1200 || !isAlnum(string(c)) {
			t.Errorf("%q was drawn %d times of 62000", c, n)
		}
	}
}

// TestLengthsAsReceivedAreNotHandedOn: a block is written in the form of the standard, whatever form it was read from.
func TestLengthsAsReceivedAreNotHandedOn(t *testing.T) {
	noLeaks(t)
	for received, want := range map[string]string{
		"LB0cabcdefgh":                     "LB0Cabcdefgh",
		"LB000212abcdefghij":               "LB0Eabcdefghij",
		"LB00040014abcdefghij":             "LB0Eabcdefghij",
		"LB000400" + "1Babcdefghijklmnopq": "LB15abcdefghijklmnopq",
	} {
		h, n, err := ParseHeader("D0000P0AE00N0100" + received)
		if err != nil || n != headerLen+len(received) {
			t.Fatalf("%s: %v", received, err)
		}
		text, _, err := protectorFor(t, 'D').Wrap(seeded("received"), h, sound(t, keys.AES128), WrapOptions{})
		if err != nil || !strings.HasPrefix(text[headerLen:], want) {
			t.Errorf("%s is written as %.60s, %v; want %s", received, text, err, want)
		}
	}
}

func TestAlgorithmsHaveTheirCharacters(t *testing.T) {
	for alg, c := range map[keys.Algorithm]byte{
		keys.DES: 'D', keys.TDES128: 'T', keys.TDES192: 'T', keys.AES128: 'A', keys.AES192: 'A', keys.AES256: 'A', keys.SM4: '4',
		keys.HMACSHA1: 'H', keys.HMACSHA512: 'H', keys.RSA: 'R', keys.EC: 'E', keys.DSA: 'S', keys.Raw: '0',
	} {
		if got := AlgorithmChar(alg); got != c {
			t.Errorf("%s is %c, want %c", alg, got, c)
		}
		h := Header{Algorithm: c}
		if hm := HMFor(alg); hm != "" {
			h.SetOpt("HM", hm)
		}
		if got := h.KeyAlgorithm(max(alg.DefaultLen(), 1)); got != alg {
			t.Errorf("%c with %d bytes is %s, want %s", c, alg.DefaultLen(), got, alg)
		}
		if name := h.AlgorithmName().String(); (name == "proprietary") != (alg == keys.Raw) {
			t.Errorf("%c is called %q", c, name)
		}
		if alg.IsHMAC() == (HMFor(alg) == "") {
			t.Errorf("%s: HM is %q", alg, HMFor(alg))
		}
	}
}
