package keyblock

import (
	"math/rand/v2"
	"strings"
	"testing"

	"poskey/internal/fault"
	"poskey/internal/secret"
	"poskey/pkg/keys"
)

// sample closes one block of a version, with optional blocks, always the same one. The KBPK is wiped with the test.
func sample(t testing.TB, version byte, options ...OptBlock) (text string, kbpk *keys.Key) {
	t.Helper()
	random := seeded("sample " + string(rune(version)))
	protect, alg := keys.AES256, keys.AES128
	if version < 'D' {
		protect, alg = keys.TDES128, keys.TDES128
	}
	kbpk = generate(t, random, protect)
	t.Cleanup(kbpk.Wipe)
	key := generate(t, random, alg)
	defer key.Wipe()
	h := Header{Version: version, Usage: "P0", Algorithm: AlgorithmChar(alg), Mode: 'E', KeyVersion: "00", Exportability: 'E',
		Context: '0', Reserved: '0', Optional: options}
	text = wrapWith(t, random, kbpk, h, key, WrapOptions{})
	return text, kbpk
}

func wrapWith(t testing.TB, random *rand.ChaCha8, kbpk *keys.Key, h Header, key *keys.Key, opts WrapOptions) string {
	t.Helper()
	p, err := NewProtector(h.Version, kbpk)
	if err != nil {
		t.Fatal(err)
	}
	text, _, err := p.Wrap(random, h, key, opts)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func noLeaks(t *testing.T) {
	t.Helper()
	before := secret.Live()
	t.Cleanup(func() {
		if got := secret.Live(); got != before {
			t.Errorf("%d secrets live, %d before the test", got, before)
		}
	})
}

// TestEverySingleBitOfABlockCounts: each bit of the header as characters, each bit of ciphertext and MAC as bytes.
func TestEverySingleBitOfABlockCounts(t *testing.T) {
	noLeaks(t)
	label := OptBlock{ID: "LB", Data: "till 7, lane 2"}
	for _, version := range []byte("ABCDE") {
		text, kbpk := sample(t, version, label)
		b, err := Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		if u, err := openWith(text, kbpk); err != nil {
			t.Fatalf("version %c: the block itself does not open: %v", version, err)
		} else {
			u.Wipe()
		}
		refused := map[fault.Kind]int{}
		for i := range len(text) {
			for bit := range 8 {
				changed := []byte(text)
				if i < b.headerLen {
					changed[i] ^= 1 << bit
				} else if bit >= 4 {
					break // a hex digit has four bits
				} else {
					changed[i] = "0123456789ABCDEF"[nibble(text[i])^1<<bit]
				}
				u, err := openWith(string(changed), kbpk)
				if err == nil {
					u.Wipe()
					t.Fatalf("version %c: opened with bit %d of character %d changed", version, bit, i+1)
				}
				kind := fault.KindOf(err)
				refused[kind]++
				if i >= b.headerLen && kind != fault.MACMismatch {
					t.Errorf("version %c, character %d: %v, want a MAC that does not verify", version, i+1, err)
				}
				if kind.Exit() != 3 && kind.Exit() != 5 {
					t.Errorf("version %c, character %d: kind %s", version, i+1, kind)
				}
			}
		}
		if refused[fault.MACMismatch] < 4*(len(text)-b.headerLen) {
			t.Errorf("version %c: only %d changes reached the MAC: %v", version, refused[fault.MACMismatch], refused)
		}
	}
}

// TestLowerCaseOfDigitsIsTheOneChangeThatOpens: hex of either case is the same bytes; the header is authenticated as text.
func TestLowerCaseOfDigitsIsTheOneChangeThatOpens(t *testing.T) {
	noLeaks(t)
	for _, version := range []byte("ABCDE") {
		text, kbpk := sample(t, version)
		for i := range len(text) {
			changed := []byte(text)
			if changed[i] < 'A' || changed[i] > 'Z' {
				continue
			}
			changed[i] |= 0x20
			u, err := openWith(string(changed), kbpk)
			if i < headerLen {
				if err == nil {
					t.Errorf("version %c: opened with a header in lower case", version)
				}
				continue
			}
			if err != nil {
				t.Fatalf("version %c, character %d: %v", version, i+1, err)
			}
			if !hasWarning(u.Warnings, "lower_case_hex") {
				t.Errorf("version %c, character %d: no warning of lower case", version, i+1)
			}
			u.Wipe()
		}
	}
}

// TestWrongKBPKNeverSaysMoreThanItsMAC: nothing of a payload that no MAC protects may be believed, not even its length.
func TestWrongKBPKNeverSaysMoreThanItsMAC(t *testing.T) {
	noLeaks(t)
	for _, version := range []byte("ABCDE") {
		text, right := sample(t, version)
		b, err := Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		random := seeded("wrong")
		for range 300 {
			wrong := generate(t, random, right.Algorithm())
			p, err := NewProtector(version, wrong)
			if err != nil {
				t.Fatal(err)
			}
			u, err := p.Unwrap(b)
			if u != nil || !fault.Is(err, fault.MACMismatch) {
				t.Fatalf("version %c: got %v, %v", version, u, err)
			}
			wrong.Wipe()
		}
	}
}

func TestWrongKBPKIsToldFromADamagedBlockByKP(t *testing.T) {
	noLeaks(t)
	random := seeded("kp")
	kbpk := generate(t, random, keys.TDES192)
	defer kbpk.Wipe()
	other := generate(t, random, keys.TDES192)
	defer other.Wipe()
	data, err := CheckData(kbpk)
	if err != nil {
		t.Fatal(err)
	}
	key := generate(t, random, keys.TDES128)
	defer key.Wipe()
	h := Header{Version: 'B', Usage: "P0", Algorithm: 'T', Mode: 'E', KeyVersion: "00", Exportability: 'E', Context: '0', Reserved: '0'}
	h.SetOpt("KP", data)
	text := wrapWith(t, random, kbpk, h, key, WrapOptions{})
	if _, err := openWith(text, other); !fault.Is(err, fault.KBPKWrong) || !strings.Contains(err.Error(), data[2:]) {
		t.Errorf("another KBPK: %v", err)
	}
	damaged := text[:len(text)-1] + string("123456789ABCDEF0"[nibble(text[len(text)-1])])
	if _, err := openWith(damaged, kbpk); !fault.Is(err, fault.MACMismatch) {
		t.Errorf("a damaged block: %v", err)
	}
}

func TestKBPKOfAnotherKindIsRefusedBeforeAnything(t *testing.T) {
	noLeaks(t)
	for _, c := range []struct {
		versions string
		alg      keys.Algorithm
		fits     bool
	}{
		{"ABC", keys.TDES128, true}, {"ABC", keys.TDES192, true}, {"DE", keys.AES128, true}, {"DE", keys.AES192, true}, {"DE", keys.AES256, true},
		{"AC", keys.DES, true}, // read in old blocks, with a warning
		{"B", keys.DES, false},
		{"ABC", keys.AES128, false}, {"ABC", keys.AES192, false}, {"ABC", keys.AES256, false}, {"DE", keys.TDES128, false}, {"DE", keys.TDES192, false},
		{"DE", keys.DES, false}, {"ABCDE", keys.SM4, false}, {"ABCDE", keys.HMACSHA256, false}, {"ABCDE", keys.Raw, false},
	} {
		for _, version := range []byte(c.versions) {
			random := seeded("kbpk")
			kbpk := generate(t, random, c.alg)
			p, err := NewProtector(version, kbpk)
			if (err == nil) != c.fits || (p == nil) == c.fits {
				t.Errorf("version %c under %s: %v", version, c.alg, err)
			}
			if err != nil && !fault.Is(err, fault.KBPKLength) {
				t.Errorf("version %c under %s: kind %s", version, c.alg, fault.KindOf(err))
			}
			kbpk.Wipe()
		}
	}
	kbpk := testKBPK(t, keys.TDES128, "DD7515F2BFC17F85CE48F3CA25CB21F6")
	for _, version := range []byte{'S', '0', '1', 'F', 'a', 0, 0xFF} {
		if p, err := NewProtector(version, kbpk); p != nil || !fault.Is(err, fault.VersionUnsupported) {
			t.Errorf("version %q: %v", version, err)
		}
	}
}

func TestProtectorOpensAndClosesItsOwnVersionOnly(t *testing.T) {
	noLeaks(t)
	text, kbpk := sample(t, 'B')
	b, err := Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	p, err := NewProtector('A', kbpk)
	if err != nil {
		t.Fatal(err)
	}
	if u, err := p.Unwrap(b); u != nil || !fault.Is(err, fault.VersionUnsupported) {
		t.Errorf("unwrap: %v", err)
	}
	random := seeded("version")
	key := generate(t, random, keys.TDES128)
	defer key.Wipe()
	if out, _, err := p.Wrap(random, b.Header, key, WrapOptions{}); out != "" || !fault.Is(err, fault.VersionUnsupported) {
		t.Errorf("wrap: %q, %v", out, err)
	}
}

// TestPlaintextIsWipedWhateverHappens looks into the protector's workplace after each way in and out.
func TestPlaintextIsWipedWhateverHappens(t *testing.T) {
	noLeaks(t)
	for _, version := range []byte("ABCDE") {
		text, kbpk := sample(t, version)
		b, err := Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		p, err := NewProtector(version, kbpk)
		if err != nil {
			t.Fatal(err)
		}
		clean := func(when string) {
			if work := p.work[:cap(p.work)]; len(work) == 0 || strings.Trim(string(work), "\x00") != "" {
				t.Errorf("version %c, %s: %d bytes of plaintext are left", version, when, len(work))
			}
		}
		u, err := p.Unwrap(b)
		if err != nil {
			t.Fatal(err)
		}
		clean("opened")
		if _, _, err := p.Wrap(seeded("wipe"), b.Header, u.Key, WrapOptions{PadTo: 32}); err != nil {
			t.Fatal(err)
		}
		clean("closed")
		u.Wipe()
		b.text = text[:len(text)-1] + string("123456789ABCDEF0"[nibble(text[len(text)-1])])
		if _, err := p.Unwrap(b); !fault.Is(err, fault.MACMismatch) {
			t.Fatal(err)
		}
		clean("refused")
	}
}

// TestKeyGivenInPlaceOfABlockIsNotRepeated: bare hex of any length, whatever it begins with.
func TestKeyGivenInPlaceOfABlockIsNotRepeated(t *testing.T) {
	random := seeded("bare")
	for n := 16; n <= 128; n++ {
		for range 40 {
			digits := make([]byte, n)
			for i := range digits {
				digits[i] = "0123456789ABCDEF"[random.Uint64()%16]
			}
			for i := 0; random.Uint64()%2 == 0 && i < 5; i++ { // now and then it looks like the head of a block
				digits[i] = "B0123"[i]
			}
			b, err := Parse(string(digits))
			if err == nil || b != nil {
				t.Fatalf("%s is taken for a block", digits)
			}
			for at := 0; at+4 <= n; at++ {
				if strings.Contains(err.Error(), string(digits[at:at+4])) {
					t.Fatalf("%s: the error repeats it: %v", digits, err)
				}
			}
		}
	}
}
