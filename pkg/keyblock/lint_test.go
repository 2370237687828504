package keyblock

import (
	"go/ast"
	"go/parser"
	"go/token"
	"strconv"
	"strings"
	"testing"

	"poskey/internal/fault"
	"poskey/internal/secret"
	"poskey/internal/testvec"
	"poskey/pkg/kcv"
	"poskey/pkg/keys"
)

// warnCase is a block that opens and is warned of.
type warnCase struct {
	id   string
	kind fault.Kind
	text string // stands in the sentence
	h    Header
	key  *keys.Key
	kbpk *keys.Key // nil: a sound one
	edit func(text string) string
}

func warnCases(t *testing.T) []warnCase {
	t.Helper()
	tdes, aes := sound(t, keys.TDES128), sound(t, keys.AES128)
	with := func(id, data string) Header { return header('D', "P0", 'A', 'E', OptBlock{ID: id, Data: data}) }
	set := func(h Header, change func(*Header)) Header { change(&h); return h }
	flipped := testvec.Hex(t, soundKey)[:16]
	keys.FixParity(flipped)
	flipped[3] ^= 1
	crooked := keyOf(t, keys.TDES128, testvec.Upper(flipped))
	strong := sound(t, keys.TDES192)
	return []warnCase{
		{id: "lower_case_hex", kind: fault.NotHex, text: "lower case", h: header('D', "P0", 'A', 'E'), key: aes,
			edit: func(s string) string { return s[:16] + strings.ToLower(s[16:]) }},
		{id: "proprietary_usage", kind: fault.ModeUnfit, text: "usage ZZ", h: header('D', "ZZ", 'A', 'E'), key: aes},
		{id: "proprietary_mode", kind: fault.ModeUnfit, text: "mode of use Q", h: header('D', "P0", 'A', 'Q'), key: aes},
		{id: "mode_unfit", kind: fault.ModeUnfit, text: "fitting modes: BDEN", h: header('D', "P0", 'A', 'X'), key: aes},
		{id: "proprietary_algorithm", kind: fault.HeaderMalformed, text: "algorithm 4", h: header('D', "P0", '4', 'E'), key: sound(t, keys.SM4)},
		{id: "proprietary_exportability", kind: fault.HeaderMalformed, text: "exportability Q", h: header('D', "P0", 'A', 'E'), key: aes,
			edit: nil}, // made by hand below
		{id: "proprietary_context", kind: fault.HeaderMalformed, text: "key context 7",
			h: set(header('D', "P0", 'A', 'E'), func(h *Header) { h.Context = '7' }), key: aes},
		{id: "reserved_not_zero", kind: fault.HeaderMalformed, text: "is 5, not 0",
			h: set(header('D', "P0", 'A', 'E'), func(h *Header) { h.Reserved = '5' }), key: aes},
		{id: "proprietary_block", kind: fault.HeaderMalformed, text: "optional block 10", h: with("10", "x"), key: aes},
		{id: "time_not_utc", kind: fault.HeaderMalformed, text: "optional block TS", h: with("TS", "2018-06-18T20:42:39.22"), key: aes},
		{id: "time_not_utc", kind: fault.HeaderMalformed, text: "optional block TC", h: with("TC", "yesterday"), key: aes},
		{id: "block_content", kind: fault.HeaderMalformed, text: "optional block AL", h: with("AL", "0102"), key: aes},
		{id: "kv_deprecated", kind: fault.HeaderMalformed, text: "deprecated", h: with("KV", "anything"), key: aes},
		{id: "missing_ksn", kind: fault.MissingKSN, text: "KS", h: header('B', "B1", 'T', 'X'), key: tdes, kbpk: strong},
		{id: "missing_ksn", kind: fault.MissingKSN, text: "IK", h: header('D', "B1", 'A', 'X'), key: aes},
		{id: "misplaced_ksn", kind: fault.MissingKSN, text: "carries a KS block",
			h: header('D', "B1", 'A', 'X', OptBlock{ID: "KS", Data: "FFFF9876543210E00000"}), key: aes},
		{id: "misplaced_ksn", kind: fault.MissingKSN, text: "carries an IK block",
			h: header('B', "B1", 'T', 'X', OptBlock{ID: "IK", Data: "1234567812345678"}), key: tdes, kbpk: strong},
		{id: "kc_mismatch", kind: fault.KCVMismatch, text: "the wrapped key", h: with("KC", "01ABCDEF0123"), key: aes},
		{id: "kp_mismatch", kind: fault.KCVMismatch, text: "the KBPK", h: with("KP", "01ABCDEF0123"), key: aes},
		{id: "pk_mismatch", kind: fault.KCVMismatch, text: "the KBPK", h: with("PK", "00ABCDEF"), key: aes},
		{id: "check_method", kind: fault.KCVMismatch, text: "the value is right, but by ecb-zero", h: with("KC", "01"+valueOf(t, aes, kcv.ECBZero)), key: aes},
		{id: "check_method", kind: fault.KCVMismatch, text: "the value is right, but by cmac", h: with("KC", "00"+valueOf(t, aes, kcv.CMAC)), key: aes},
		{id: "check_short", kind: fault.KCVMismatch, text: "KC", h: with("KC", "00AB"), key: aes},
		{id: "weaker_kbpk", kind: fault.WeakKey, text: "80 bits) is weaker than the key it wraps (aes-128, 128 bits)",
			h: header('B', "P0", 'A', 'E'), key: aes, kbpk: tdes},
		{id: "weaker_kbpk", kind: fault.WeakKey, text: "tdes-192, 112 bits", h: header('B', "P0", 'T', 'E'), key: strong, kbpk: tdes},
		{id: "single_des_kbpk", kind: fault.WeakKey, text: "the KBPK is single DES", h: header('A', "P0", 'T', 'E'), key: tdes, kbpk: sound(t, keys.DES)},
		{id: "weak_kbpk", kind: fault.WeakKey, text: "the KBPK is weak", h: header('D', "P0", 'A', 'E'), key: aes,
			kbpk: keyOf(t, keys.AES128, strings.Repeat("5A", 16))},
		{id: "kbpk_parity", kind: fault.WeakKey, text: "the KBPK does not have odd parity", h: header('B', "P0", 'T', 'E'), key: tdes, kbpk: crooked},
		{id: "single_des", kind: fault.WeakKey, text: "the wrapped key is single DES", h: header('A', "P0", 'T', 'E'), key: sound(t, keys.DES), kbpk: strong},
		{id: "odd_length", kind: fault.WeakKey, text: "6 bytes", h: header('B', "P0", 'T', 'E'), key: keyOf(t, keys.Raw, soundKey[:12]), kbpk: strong},
		{id: "weak_key", kind: fault.WeakKey, text: "the wrapped key is weak", h: header('D', "P0", 'A', 'E'), key: keyOf(t, keys.AES128, strings.Repeat("00", 16))},
		{id: "key_parity", kind: fault.WeakKey, text: "the wrapped key does not have odd parity", h: header('B', "P0", 'T', 'E'), key: crooked, kbpk: strong},
	}
}

func valueOf(t testing.TB, k *keys.Key, m kcv.Method) string {
	t.Helper()
	v, err := kcv.Of(k.Algorithm(), k.Secret().Expose(), m, 6)
	if err != nil {
		t.Fatal(err)
	}
	return v.Digits
}

func TestEveryWarningIsGivenWithItsKindAndSentence(t *testing.T) {
	noLeaks(t)
	given := map[string]bool{}
	for _, c := range warnCases(t) {
		kbpk := c.kbpk
		if kbpk == nil {
			kbpk = keyOf(t, keys.AES256, "8F1D3B5A7C9E20416385A7C9EB0D2F4061728394A5B6C7D8E9FA0B1C2D3E4F50")
		}
		text := ""
		if c.id == "proprietary_exportability" {
			text = withoutRules(t, kbpk, c.h, c.key)
		} else {
			text = wrapWith(t, seeded(c.id), kbpk, c.h, c.key, WrapOptions{AllowWeak: true, AllowUnfit: true})
		}
		if c.edit != nil {
			text = c.edit(text)
		}
		b, err := Parse(text)
		if err != nil {
			t.Fatalf("%s: %v", c.id, err)
		}
		p, err := NewProtector(b.Version, kbpk)
		if err != nil {
			t.Fatal(err)
		}
		u, err := p.Unwrap(b)
		if err != nil {
			t.Fatalf("%s: %v", c.id, err)
		}
		found := false
		for _, w := range u.Warnings {
			given[w.ID] = true
			if w.ID != c.id {
				continue
			}
			found = true
			if w.Kind != c.kind || !strings.Contains(w.Text.String(), c.text) {
				t.Errorf("%s: kind %s, %q; want %s, %q", c.id, w.Kind, w.Text, c.kind, c.text)
			}
			if err := w.Err(); !fault.Is(err, c.kind) || err.Error() != w.Text.String() {
				t.Errorf("%s as an error: %v", c.id, err)
			}
		}
		if !found {
			t.Errorf("%s is not among %v", c.id, u.Warnings)
		}
		u.Wipe()
	}
	given[mustWarn(t, "D0112P0AE00E0000"+strings.Repeat("0", 64)+strings.Repeat("0", 32)) /* a sound form: no warning */] = true
	given[mustWarn(t, "B0080P0TE00E0000"+strings.Repeat("0", 48)+strings.Repeat("0", 16))] = true
	given[mustWarn(t, "D0096P0AE00E0000"+strings.Repeat("0", 48)+strings.Repeat("0", 32))] = true
	given[mustWarn(t, "B0096P0TE00E0200PB08xxxxLB08yyyy"+strings.Repeat("0", 48)+strings.Repeat("0", 16))] = true
	for id := range warningsInTheCode(t) {
		if !given[id] {
			t.Errorf("no test sees the warning %s", id)
		}
	}
}

// mustWarn gives the one warning of a block's form, which needs no key.
func mustWarn(t *testing.T, text string) string {
	t.Helper()
	b, err := Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	all := b.Lint()
	if len(all) == 0 {
		return ""
	}
	if len(all) != 1 {
		t.Errorf("%s: %v", text, all)
	}
	return all[0].ID
}

// withoutRules closes a block with exportability Q, which Wrap refuses.
func withoutRules(t *testing.T, kbpk *keys.Key, h Header, key *keys.Key) string {
	t.Helper()
	p, err := NewProtector(h.Version, kbpk)
	if err != nil {
		t.Fatal(err)
	}
	h.Exportability = 'Q'
	p.work = p.payload(p.work, key, 0)
	defer secret.Wipe(p.work)
	length := h.textLen() + 2*len(p.work) + 2*macLen(h.Version)
	return string(p.seal(h.appendTo(nil, length)))
}

// warningsInTheCode reads the ids out of lint.go, so that a new warning needs its case above.
func warningsInTheCode(t *testing.T) map[string]bool {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "lint.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	ids, named := map[string]bool{}, map[string]string{}
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.ValueSpec: // the constants stand before their uses
			if lit, ok := n.Values[0].(*ast.BasicLit); ok {
				named[n.Names[0].Name], err = strconv.Unquote(lit.Value)
				if err != nil {
					t.Fatal(err)
				}
			}
		case *ast.CallExpr:
			f, ok := n.Fun.(*ast.SelectorExpr)
			if !ok || f.Sel.Name != "add" {
				return true
			}
			if id, ok := n.Args[0].(*ast.Ident); ok {
				ids[named[id.Name]] = true
			}
		}
		return true
	})
	for _, id := range []string{"kc_mismatch", "kp_mismatch", "pk_mismatch"} { // put together from the block's id
		ids[id] = true
	}
	if len(ids) < 27 || ids[""] {
		t.Fatalf("only %d warnings were found in lint.go", len(ids))
	}
	return ids
}

func TestSoundBlockHasNoWarnings(t *testing.T) {
	noLeaks(t)
	for _, version := range []byte("ABCDE") {
		alg, c := keys.TDES128, byte('T')
		if version >= 'D' {
			alg, c = keys.AES256, 'A'
		}
		key := sound(t, alg)
		p := protectorFor(t, version)
		h := header(version, "K0", c, 'B', OptBlock{ID: "TS", Data: "20260102030405Z"}, OptBlock{ID: "LB", Data: "till 7"})
		for id, of := range map[string]*keys.Key{"KC": key, "KP": p.kbpk, "PK": p.kbpk} {
			data, err := CheckData(of)
			if err != nil {
				t.Fatal(err)
			}
			h.SetOpt(id, data)
		}
		text, warnings, err := p.Wrap(seeded("sound"), h, key, WrapOptions{PadTo: ObfuscatedLen(alg)})
		if err != nil || warnings != nil {
			t.Fatalf("version %c: wrap warns %v, %v", version, warnings, err)
		}
		b, err := Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		u, err := p.Unwrap(b)
		if err != nil || u.Warnings != nil {
			t.Fatalf("version %c: unwrap warns %v, %v", version, u.Warnings, err)
		}
		u.Wipe()
	}
}

// TestInitialKeyOfDUKPTHasNoParity: TEST key, the initial key of the standard's example.
func TestInitialKeyOfDUKPTHasNoParity(t *testing.T) {
	noLeaks(t)
	key := keyOf(t, keys.TDES128, "6AC292FAA1315B4D858AB3A3D7D5933A")
	for usage, warned := range map[keys.Usage]bool{keys.UsageIK: false, keys.UsageBDK: true, keys.UsageData: true} {
		h := header('D', usage, 'T', usage.DefaultMode())
		if usage == keys.UsageIK {
			h.SetOpt("KS", "FFFF9876543210E00000")
		}
		p := protectorFor(t, 'D')
		text, warnings, err := p.Wrap(seeded("derived"), h, key, WrapOptions{AllowWeak: true})
		if err != nil || hasWarning(warnings, "key_parity") != warned {
			t.Errorf("wrapped as %s: warnings %v, %v", usage, warnings, err)
		}
		b, err := Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		u, err := p.Unwrap(b)
		if err != nil || hasWarning(u.Warnings, "key_parity") != warned {
			t.Fatalf("unwrapped as %s: %v, %v", usage, u, err)
		}
		u.Wipe()
	}
}

func TestWrapWarnsOfAWrongCheckValueItWrites(t *testing.T) {
	noLeaks(t)
	key := sound(t, keys.AES128)
	for id, want := range map[string]string{"KC": "kc_mismatch", "KP": "kp_mismatch", "PK": "pk_mismatch"} {
		h := header('D', "K0", 'A', 'B', OptBlock{ID: id, Data: "01ABCDEF0123"})
		_, warnings, err := protectorFor(t, 'D').Wrap(seeded("kc"), h, key, WrapOptions{})
		if err != nil || !hasWarning(warnings, want) {
			t.Errorf("%s: warnings %v, %v", id, warnings, err)
		}
	}
}

// TestEveryPrefixOfARightCheckValueIsTaken: the field says how many digits there are; all of 4 to 6 or 10 are compared.
func TestEveryPrefixOfARightCheckValueIsTaken(t *testing.T) {
	noLeaks(t)
	key := sound(t, keys.AES128)
	p := protectorFor(t, 'D')
	v, err := kcv.Of(keys.AES128, key.Secret().Expose(), kcv.CMAC, 10)
	if err != nil {
		t.Fatal(err)
	}
	for n := 4; n <= 10; n++ {
		h := header('D', "K0", 'A', 'B', OptBlock{ID: "KC", Data: "01" + v.Digits[:n]})
		if _, warnings, err := p.Wrap(seeded("prefix"), h, key, WrapOptions{}); err != nil || warnings != nil {
			t.Errorf("%d digits: %v, %v", n, warnings, err)
		}
		wrong := "01" + v.Digits[:n-1] + string("123456789ABCDEF0"[nibble(v.Digits[n-1])])
		h.SetOpt("KC", wrong)
		if _, warnings, err := p.Wrap(seeded("prefix"), h, key, WrapOptions{}); err != nil || !hasWarning(warnings, "kc_mismatch") {
			t.Errorf("%d digits, the last one wrong: %v, %v", n, warnings, err)
		}
	}
}

func TestCheckDataHasTypeAndLengthOfTheStandard(t *testing.T) {
	noLeaks(t)
	for alg, want := range map[keys.Algorithm]struct {
		kind   string
		method kcv.Method
		digits int
	}{
		keys.TDES128: {"00", kcv.ECBZero, 6}, keys.TDES192: {"00", kcv.ECBZero, 6}, keys.DES: {"00", kcv.ECBZero, 6},
		keys.AES128: {"01", kcv.CMAC, 10}, keys.AES256: {"01", kcv.CMAC, 10}, keys.SM4: {"01", kcv.CMAC, 10},
	} {
		k := sound(t, alg)
		data, err := CheckData(k)
		if err != nil {
			t.Fatal(err)
		}
		v, err := kcv.Of(alg, k.Secret().Expose(), want.method, want.digits)
		if err != nil || data != want.kind+v.Digits {
			t.Errorf("%s: %s, want %s%s (%v)", alg, data, want.kind, v.Digits, err)
		}
	}
	if data, err := CheckData(sound(t, keys.HMACSHA256)); data != "" || err == nil {
		t.Errorf("HMAC: %q, %v", data, err)
	}
}

func TestPayloadLengthIsReadAsBitsAndHeldAgainstTheRoom(t *testing.T) {
	noLeaks(t)
	key := sound(t, keys.AES128)
	for _, version := range []byte("ABCDE") {
		for bits, good := range map[int]bool{
			128: true, 8: true, 240: true, 0: false, 16: true, 7: false, 129: false, 248: false, 0x96: false, 0x100: false, 0xFFFF: false, 0xFFF8: false,
		} {
			p := protectorFor(t, version)
			h := header(version, "K0", '0', 'B') // bytes of any length
			p.work = grow(p.work, 32)
			clear(p.work)
			copy(p.work[2:], key.Secret().Expose())
			p.work[0], p.work[1] = byte(bits>>8), byte(bits)
			text := string(p.seal(h.appendTo(nil, headerLen+64+2*macLen(version))))
			b, err := Parse(text)
			if err != nil {
				t.Fatal(err)
			}
			u, err := p.Unwrap(b)
			switch {
			case good && (err != nil || u.Key.Len() != bits/8 || u.Padding != 30-bits/8):
				t.Errorf("version %c, %d bits: %v", version, bits, err)
			case !good && (u != nil || !fault.Is(err, fault.PayloadLength)):
				t.Errorf("version %c, %d bits: %v", version, bits, err)
			}
			if u != nil {
				u.Wipe()
			}
		}
	}
}
