package keys

import (
	"bytes"
	"strings"
	"testing"

	"poskey/internal/testvec"
)

// The weak and semi-weak keys of DES (NIST SP 800-67, 3.3.2), semi-weak ones in pairs. The test proves them by what they do.
func weakList() (weak []string, pairs [][2]string) {
	return []string{"0101010101010101", "FEFEFEFEFEFEFEFE", "E0E0E0E0F1F1F1F1", "1F1F1F1F0E0E0E0E"},
		[][2]string{
			{"011F011F010E010E", "1F011F010E010E01"},
			{"01E001E001F101F1", "E001E001F101F101"},
			{"01FE01FE01FE01FE", "FE01FE01FE01FE01"},
			{"1FE01FE00EF10EF1", "E01FE01FF10EF10E"},
			{"1FFE1FFE0EFE0EFE", "FE1FFE1FFE0EFE0E"},
			{"E0FEE0FEF1FEF1FE", "FEE0FEE0FEF1FEF1"},
		}
}

func encryptTwice(t *testing.T, first, second []byte) bool {
	t.Helper()
	block := []byte("8 bytes.")
	for _, key := range [][]byte{first, second} {
		b, err := NewCipher(DES, key)
		if err != nil {
			t.Fatal(err)
		}
		b.Encrypt(block, block)
	}
	return string(block) == "8 bytes."
}

func TestWeakAndSemiWeakKeysAreFoundWithAnyParityAndAnywhere(t *testing.T) {
	weak, pairs := weakList()
	want := map[string]Weakness{}
	for _, s := range weak {
		k := testvec.Hex(t, s)
		if !encryptTwice(t, k, k) {
			t.Fatalf("%s is not weak", s)
		}
		want[s] = WeakDES
	}
	for _, p := range pairs {
		if !encryptTwice(t, testvec.Hex(t, p[0]), testvec.Hex(t, p[1])) {
			t.Fatalf("%s and %s do not undo each other", p[0], p[1])
		}
		want[p[0]], want[p[1]] = SemiWeakDES, SemiWeakDES
	}
	if len(want) != 16 {
		t.Fatalf("%d keys, want 4 weak and 12 semi-weak", len(want))
	}
	good := testvec.Hex(t, "F2EAD8A31C5B7F0E45D3B96417CA8E20")
	for s, w := range want {
		for parity := range 256 {
			k := testvec.Hex(t, s)
			for i := range k {
				k[i] ^= byte(parity >> i & 1)
			}
			for _, c := range []struct {
				alg Algorithm
				key []byte
			}{
				{DES, k},
				{TDES128, join2(k, good[:8])}, {TDES128, join2(good[:8], k)},
				{TDES192, join2(k, good)}, {TDES192, join2(good[:8], k, good[8:])}, {TDES192, join2(good, k)},
			} {
				found := WeaknessesOf(c.alg, c.key)
				if !hasWeakness(found, w) {
					t.Fatalf("%X as %s: found %v, want %s", c.key, c.alg, found, w)
				}
				if other := map[Weakness]Weakness{WeakDES: SemiWeakDES, SemiWeakDES: WeakDES}[w]; hasWeakness(found, other) {
					t.Fatalf("%X as %s: found %v, which says %s too", c.key, c.alg, found, other)
				}
			}
		}
	}
	if found := WeaknessesOf(AES128, join2(testvec.Hex(t, "E0E0E0E0F1F1F1F1"), good[:8])); found != nil {
		t.Errorf("an AES key was looked at as DES: %v", found)
	}
}

func join2(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

func TestEqualNeighboursAreFoundWhateverTheirParity(t *testing.T) {
	const a, aOther, b, c = "F2EAD8A31C5B7F0E", "F3EBD9A21D5A7E0F", "45D3B96417CA8E20", "9B26C4E9073D58B1"
	for _, v := range []struct {
		alg  Algorithm
		key  string
		want bool
	}{
		{TDES128, a + a, true}, {TDES128, a + aOther, true}, {TDES128, a + b, false},
		{TDES192, a + aOther + b, true}, {TDES192, b + a + aOther, true}, {TDES192, a + a + a, true},
		{TDES192, a + b + a, false}, // a two-key key, written long
		{TDES192, a + b + c, false},
		{AES128, a + aOther, false}, {SM4, a + aOther, false},
	} {
		if got := hasWeakness(WeaknessesOf(v.alg, testvec.Hex(t, v.key)), EqualHalves); got != v.want {
			t.Errorf("%s %s: equal halves %v, want %v", v.alg, v.key, got, v.want)
		}
	}
}

func TestZeroRepeatingAndCountingKeysAreFound(t *testing.T) {
	for _, v := range []struct {
		alg  Algorithm
		key  string
		want Weakness
	}{
		{AES128, strings.Repeat("00", 16), AllZero},
		{TDES192, strings.Repeat("00", 24), AllZero},
		{HMACSHA1, strings.Repeat("00", 20), AllZero},
		{AES128, strings.Repeat("11", 16), RepeatedPattern},
		{SM4, strings.Repeat("31", 16), RepeatedPattern},
		{AES256, strings.Repeat("FF", 32), RepeatedPattern},
		{AES192, strings.Repeat("A5C3", 12), RepeatedPattern},
		{AES256, strings.Repeat("A5C37E01", 8), RepeatedPattern},
		{AES128, strings.Repeat("A5C37E0193D2486F", 2), RepeatedPattern},
		{DES, strings.Repeat("A5C37E01", 2), RepeatedPattern},
		{AES192, strings.Repeat("A5C37E0193D2486FB8104C27", 2), RepeatedPattern},
		{AES256, strings.Repeat("A5C37E0193D2486FB8104C27D95E63F0", 2), RepeatedPattern},
		{HMACSHA512, strings.Repeat("A5C37E0193D2486FB8104C27D95E63F0F2EAD8A31C5B7F0E45D3B96417CA8E20", 2), RepeatedPattern},
		{TDES192, "F2EAD8A31C5B7F0E45D3B96417CA8E20F2EAD8A31C5B7F0E", ""}, // K1 K2 K1
		{HMACSHA1, strings.Repeat("A5C37E01", 5), RepeatedPattern},
		{AES128, "101112131415161718191A1B1C1D1E1F", CountingPattern},
		{AES128, "1F1E1D1C1B1A19181716151413121110", CountingPattern},
		{AES256, "F8F9FAFBFCFDFEFF000102030405060708090A0B0C0D0E0F1011121314151617", CountingPattern},
		{TDES128, "00112233445566778899AABBCCDDEEFF", CountingPattern},
		{SM4, "FEDCBA9876543210EECCAA8866442201", ""},
		{AES128, "A5C37E0193D2486FA5C37E0193D2486E", ""},
		{AES128, "00000000000000000000000000000001", ""},
		{AES128, "101112131415161718191A1B1C1D1E20", ""},
	} {
		found := WeaknessesOf(v.alg, testvec.Hex(t, v.key))
		if v.want == "" && found != nil || v.want != "" && !hasWeakness(found, v.want) {
			t.Errorf("%s %s: found %v, want %q", v.alg, v.key, found, v.want)
		}
		if hasWeakness(found, AllZero) && hasWeakness(found, RepeatedPattern) {
			t.Errorf("%s %s: zero is said twice: %v", v.alg, v.key, found)
		}
	}
}

func TestPublishedSamplesAreFoundAlsoWithOtherParity(t *testing.T) {
	samples := strings.Fields(publishedKeys)
	if len(samples) < 29 {
		t.Fatalf("only %d samples", len(samples))
	}
	for _, must := range []string{"0123456789ABCDEFFEDCBA9876543210", "404142434445464748494A4B4C4D4E4F"} { // reference/check-values.md
		if !strings.Contains(publishedKeys, must) {
			t.Errorf("%s is not in the list", must)
		}
	}
	for _, s := range samples {
		raw := testvec.Hex(t, s)
		des, other := TDES128.ForLength(len(raw)), AES128.ForLength(len(raw))
		if des == Raw && other == Raw {
			t.Fatalf("%s has a length that no algorithm has", s)
		}
		for _, alg := range []Algorithm{des, other, HMACSHA256} {
			if !hasWeakness(WeaknessesOf(alg, raw), PublishedSample) {
				t.Errorf("%s is not found as %s", s, alg)
			}
		}
		for i := range raw {
			flipped := bytes.Clone(raw)
			flipped[i] ^= 1
			if des != Raw && !hasWeakness(WeaknessesOf(des, flipped), PublishedSample) {
				t.Errorf("%s with another parity bit in byte %d is not found as %s", s, i+1, des)
			}
			if other != Raw && hasWeakness(WeaknessesOf(other, flipped), PublishedSample) {
				t.Errorf("%s with another bit in byte %d is found as %s", s, i+1, other)
			}
			flipped[i] ^= 3
			if des != Raw && hasWeakness(WeaknessesOf(des, flipped), PublishedSample) && !isOtherSample(samples, flipped) {
				t.Errorf("%s with another key bit in byte %d is found as %s", s, i+1, des)
			}
		}
		all := bytes.Clone(raw)
		for i := range all {
			all[i] ^= 1
		}
		if des != Raw && !hasWeakness(WeaknessesOf(des, all), PublishedSample) {
			t.Errorf("%s with all parity bits flipped is not found", s)
		}
	}
}

func isOtherSample(samples []string, b []byte) bool {
	for _, s := range samples {
		if s == testvec.Upper(b) {
			return true
		}
	}
	return false
}

func TestStructureAloneSaysNothingOfPublishedKeys(t *testing.T) {
	key := testvec.Hex(t, "0123456789ABCDEFFEDCBA9876543210")
	if found := StructuralOf(TDES128, key); found != nil {
		t.Errorf("found %v", found)
	}
	if found := WeaknessesOf(TDES128, key); len(found) != 1 || found[0] != PublishedSample {
		t.Errorf("found %v", found)
	}
}

func TestRandomKeysHaveNoWeakness(t *testing.T) {
	random := seeded("sound")
	for _, a := range Named() {
		b := make([]byte, a.DefaultLen())
		for range 2000 {
			if _, err := random.Read(b); err != nil {
				t.Fatal(err)
			}
			if found := WeaknessesOf(a, b); found != nil {
				t.Fatalf("%s %X: %v", a, b, found)
			}
		}
	}
}

func TestEveryWeaknessHasItsSentence(t *testing.T) {
	seen := map[string]Weakness{}
	for _, w := range []Weakness{AllZero, RepeatedPattern, CountingPattern, WeakDES, SemiWeakDES, EqualHalves, PublishedSample} {
		s := w.Text().String()
		if s == "" || s == string(w) {
			t.Errorf("%s has no sentence", w)
		}
		if other, twice := seen[s]; twice {
			t.Errorf("%s and %s have the same sentence", w, other)
		}
		seen[s] = w
	}
}
