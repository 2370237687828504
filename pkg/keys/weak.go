package keys

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"strings"

	"poskey/internal/text"
)

// Weakness is one reason not to use a key. Its id is stable.
type Weakness string

// The weaknesses. Halves are compared without their parity bits.
const (
	AllZero         Weakness = "all_zero"
	RepeatedPattern Weakness = "repeated_pattern"
	CountingPattern Weakness = "counting_pattern"
	WeakDES         Weakness = "weak_des_key"
	SemiWeakDES     Weakness = "semi_weak_des_key"
	EqualHalves     Weakness = "equal_halves"  // K1 = K2, or K2 = K3: single DES in effect
	PublishedSample Weakness = "published_key" // stands in a manual, a standard or a test suite
)

// Text says what the weakness means.
func (w Weakness) Text() text.Text {
	switch w {
	case AllZero:
		return text.New("all bytes are zero")
	case RepeatedPattern:
		return text.New("the bytes repeat a short pattern")
	case CountingPattern:
		return text.New("the bytes count up or down")
	case WeakDES:
		return text.New("contains a weak DES key: encrypting twice gives the plaintext back")
	case SemiWeakDES:
		return text.New("contains a semi-weak DES key: another key undoes it")
	case EqualHalves:
		return text.New("two neighbouring thirds or halves are equal, so triple DES falls to single DES")
	case PublishedSample:
		return text.New("the key stands in published manuals or test suites, everybody knows it")
	}
	return text.Raw(string(w))
}

// Weaknesses lists what is wrong with the key, worst first; nil for a sound key. It branches on key bytes, which is
// fine once per key: it says no more than the answer does.
func (k *Key) Weaknesses() []Weakness { return WeaknessesOf(k.alg, k.sec.Expose()) }

// WeaknessesOf is Weaknesses for raw bytes.
func WeaknessesOf(alg Algorithm, b []byte) []Weakness {
	found := StructuralOf(alg, b)
	if isPublished(alg, b) {
		found = append(found, PublishedSample)
	}
	return found
}

// StructuralOf lists what is wrong with the bytes themselves: all but that they are published. It is fast enough to look
// at every key of a bulk run.
func StructuralOf(alg Algorithm, b []byte) []Weakness {
	var found []Weakness
	add := func(is bool, w Weakness) {
		if is {
			found = append(found, w)
		}
	}
	zero := allZero(b)
	add(zero, AllZero)
	add(!zero && repeats(b), RepeatedPattern)
	add(counts(b), CountingPattern)
	if alg.IsDES() {
		weak, semi := weakDES(b)
		add(weak, WeakDES)
		add(semi, SemiWeakDES)
		add(equalParts(b), EqualHalves)
	}
	return found
}

func allZero(b []byte) bool {
	var or byte
	for _, v := range b {
		or |= v
	}
	return or == 0
}

// repeats reports bytes that come again after 1 to 32 bytes, at least one whole time: an AES-256 key of two equal halves is
// an AES-128 key at best. Keys K1 K2 K1 of DES do not: their period would be 16 of 24.
func repeats(b []byte) bool {
	for _, period := range []int{1, 2, 4, 8, 12, 16, 32} {
		if len(b) >= 2*period && bytes.Equal(b[period:], b[:len(b)-period]) {
			return true
		}
	}
	return false
}

func counts(b []byte) bool {
	if len(b) < 3 || b[1] == b[0] {
		return false
	}
	step := b[1] - b[0]
	for i := 2; i < len(b); i++ {
		if b[i]-b[i-1] != step {
			return false
		}
	}
	return true
}

func equalParts(b []byte) bool {
	for ; len(b) >= 16; b = b[8:] {
		if equalIgnoringParity(b[:8], b[8:16]) {
			return true
		}
	}
	return false
}

func equalIgnoringParity(a, b []byte) bool {
	var diff byte
	for i := range a {
		diff |= (a[i] ^ b[i]) & 0xFE
	}
	return diff == 0
}

// WeakDESKeys gives the 4 weak keys of DES and behind them the 12 semi-weak ones (NIST SP 800-67): those whose
// key-schedule halves C and D each are constant or alternate. For those who can only compare check values.
func WeakDESKeys() [16]uint64 {
	return [16]uint64{
		0x0101010101010101, 0xFEFEFEFEFEFEFEFE, 0xE0E0E0E0F1F1F1F1, 0x1F1F1F1F0E0E0E0E,
		0x01FE01FE01FE01FE, 0xFE01FE01FE01FE01, 0x1FE01FE00EF10EF1, 0xE01FE01FF10EF10E,
		0x01E001E001F101F1, 0xE001E001F101F101, 0x1FFE1FFE0EFE0EFE, 0xFE1FFE1FFE0EFE0E,
		0x011F011F010E010E, 0x1F011F010E010E01, 0xE0FEE0FEF1FEF1FE, 0xFEE0FEE0FEF1FEF1,
	}
}

// weakOnly is how many of [WeakDESKeys] are weak; the others are semi-weak.
const weakOnly = 4

// weakDES looks at each 8-byte part.
func weakDES(b []byte) (weak, semi bool) {
	known := WeakDESKeys()
	for ; len(b) >= 8; b = b[8:] {
		part := binary.BigEndian.Uint64(b) &^ parityBits
		for i, k := range known {
			if part == k&^parityBits {
				weak, semi = weak || i < weakOnly, semi || i >= weakOnly
			}
		}
	}
	return weak, semi
}

// parityBits are the bits that DES ignores.
const parityBits uint64 = 0x0101010101010101

// publishedKeys are sample keys that wander from manuals into production: of standards (X9.24, X9.143, ISO 20038,
// FIPS 197, SP 800-38B), of device manuals and of open-source test suites. Not secret; compared without parity for
// DES, so a parity-adjusted copy is caught too. 0123..3210 and its three-key form are the most common of all.
const publishedKeys = `
0123456789ABCDEFFEDCBA9876543210
FEDCBA98765432100123456789ABCDEF
0123456789ABCDEF
FEDCBA9876543210
0123456789ABCDEFFEDCBA987654321089ABCDEF01234567
0123456789ABCDEFFEDCBA98765432100123456789ABCDEF
404142434445464748494A4B4C4D4E4F
000102030405060708090A0B0C0D0E0F
000102030405060708090A0B0C0D0E0F1011121314151617
000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F
00112233445566778899AABBCCDDEEFF
00112233445566778899AABBCCDDEEFF0011223344556677
00112233445566778899AABBCCDDEEFF00112233445566778899AABBCCDDEEFF
2B7E151628AED2A6ABF7158809CF4F3C
603DEB1015CA71BE2B73AEF0857D77811F352C073B6108D72D9810A30914DFF4
8E73B0F7DA0E6452C810F32B809079E562F8EAD2522C6B7B
6AC292FAA1315B4D858AB3A3D7D5933A
89E88CF7931444F334BD7547FC3F380C
F039121BEC83D26B169BDCD5B22AAF8F
DD7515F2BFC17F85CE48F3CA25CB21F6
3F419E1CB7079442AA37474C2EFBF8B8
B8ED59E0A279A295E9F5ED7944FD06B9
EDB380DD340BC2620247D445F5B8D678
1D22BF32387C600AD97F9B97A51311AC
E8BC63E5479455E26577F715D587FE68
88E1AB2A2E3DD38C1FA039A536500CC8A87AB9D62DC92C01058FA79F44657DE6
3235362D62697420414553207772617070696E67202849534F20323030333829
19191919191919195B5B5B5B5B5B5B5B
AA55AA55AA55AA553434343434343434
FEDCBA9876543210F1F1F1F1F1F1F1F1
FEDCBA9876543210F1F1F1F1F1F1F1F1FEDCBA9876543210
FEDCBA9876543210F1F1F1F1F1F1F1F1FEDCBA9876543210F1F1F1F1F1F1F1F1
1273671EA26AC29AFA4D1084127652A1
CE9CE0C101D1138F97FB6CAD4DF045A7083D4EAE2D35A31789D01CCF0949550F
`

// isPublished is asked about every key of a bulk run: words that cannot be the key are skipped by their first digit.
func isPublished(alg Algorithm, b []byte) bool {
	if len(b) == 0 {
		return false
	}
	var buf [32]byte
	defer clear(buf[:])
	first := "0123456789ABCDEF"[b[0]>>4]
	for rest := publishedKeys; rest != ""; {
		var word string
		word, rest, _ = strings.Cut(rest, "\n")
		if len(word) != 2*len(b) || word[0] != first {
			continue
		}
		n, _ := hex.Decode(buf[:], []byte(word))
		if bytes.Equal(buf[:n], b) || alg.IsDES() && equalIgnoringParity(buf[:n], b) {
			return true
		}
	}
	return false
}
