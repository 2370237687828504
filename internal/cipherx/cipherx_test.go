package cipherx

import (
	"bytes"
	"crypto/cipher"
	"crypto/sha256"
	"encoding/hex"
	"math/big"
	"strings"
	"testing"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func upper(b []byte) string { return strings.ToUpper(hex.EncodeToString(b)) }

// newCipher makes a cipher by name.
func newCipher(t testing.TB, name string, key []byte) cipher.Block {
	t.Helper()
	newBlock := map[string]func([]byte) (cipher.Block, error){"tdes": NewTDES, "aes": NewAES, "sm4": NewSM4}[name]
	b, err := newBlock(key)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// The message of RFC 4493 and of the examples of SP 800-38B.
const message = "6BC1BEE22E409F96E93D7E117393172AAE2D8A571E03AC9C9EB76FAC45AF8E51" +
	"30C81C46A35CE411E5FBC1191A0A52EFF69F2445DF4F9B17AD2B417BE66C3710"

// T is the key of the manuals.
const keyT = "0123456789ABCDEFFEDCBA9876543210"

func TestCMACGivesThePublishedValues(t *testing.T) {
	const (
		rfc4493 = "2B7E151628AED2A6ABF7158809CF4F3C"                                 // RFC 4493, 4; SP 800-38B, D.1
		aes192  = "8E73B0F7DA0E6452C810F32B809079E562F8EAD2522C6B7B"                 // SP 800-38B, D.2
		aes256  = "603DEB1015CA71BE2B73AEF0857D77811F352C073B6108D72D9810A30914DFF4" // D.3
		tdes3   = "8AA83BF8CBDA10620BC1BF19FBB6CD58BC313D4A371CA8B5"                 // D.4
		tdes2   = "4CF15134A2850DD58A3D10BA80570D38"                                 // D.5
	)
	for _, v := range []struct {
		cipher, key string
		bytes       int // of the message
		mac         string
	}{
		{"aes", rfc4493, 0, "BB1D6929E95937287FA37D129B756746"},
		{"aes", rfc4493, 16, "070A16B46B4D4144F79BDD9DD04A287C"},
		{"aes", rfc4493, 40, "DFA66747DE9AE63030CA32611497C827"},
		{"aes", rfc4493, 64, "51F0BEBF7E3B9D92FC49741779363CFE"},
		{"aes", aes192, 0, "D17DDF46ADAACDE531CAC483DE7A9367"},
		{"aes", aes192, 16, "9E99A7BF31E710900662F65E617C5184"},
		{"aes", aes192, 40, "8A1DE5BE2EB31AAD089A82E6EE908B0E"},
		{"aes", aes192, 64, "A1D5DF0EED790F794D77589659F39A11"},
		{"aes", aes256, 0, "028962F61B7BF89EFC6B551F4667D983"},
		{"aes", aes256, 16, "28A7023F452E8F82BD4BF28D8C37C35C"},
		{"aes", aes256, 40, "AAF3D8F1DE5640C232F5B169B9C911E6"},
		{"aes", aes256, 64, "E1992190549F6ED5696A2C056C315410"},
		{"tdes", tdes3, 0, "B7A688E122FFAF95"},
		{"tdes", tdes3, 8, "8E8F293136283797"},
		{"tdes", tdes3, 20, "743DDBE0CE2DC2ED"},
		{"tdes", tdes3, 32, "33E6B1092400EAE5"},
		{"tdes", tdes2, 0, "BD2EBF9A3BA00361"},
		{"tdes", tdes2, 8, "4FF2AB813C53CE83"},
		{"tdes", tdes2, 20, "62DD1B471902BD4E"},
		{"tdes", tdes2, 32, "31B1E431DABC4EB8"},
	} {
		b := newCipher(t, v.cipher, unhex(t, v.key))
		mac := make([]byte, b.BlockSize())
		NewCMAC(b).Sum(mac, unhex(t, message)[:v.bytes])
		if upper(mac) != v.mac {
			t.Errorf("%s, %d bytes: got %s, want %s", v.cipher, v.bytes, upper(mac), v.mac)
		}
	}
}

func TestCMACSubkeysAreThePublishedOnes(t *testing.T) {
	k1, k2 := NewCMAC(newCipher(t, "aes", unhex(t, "2B7E151628AED2A6ABF7158809CF4F3C"))).Subkeys() // RFC 4493, 4
	if upper(k1) != "FBEED618357133667C85E08F7236A8DE" || upper(k2) != "F7DDAC306AE266CCF90BC11EE46D513B" {
		t.Errorf("AES: got %s and %s", upper(k1), upper(k2))
	}
	k1, k2 = NewCMAC(newCipher(t, "tdes", unhex(t, "8AA83BF8CBDA10620BC1BF19FBB6CD58BC313D4A371CA8B5"))).Subkeys() // SP 800-38B, D.4
	if upper(k1) != "9198E9D314E6535F" || upper(k2) != "2331D3A629CCA6A5" {
		t.Errorf("TDES: got %s and %s", upper(k1), upper(k2))
	}
}

// TestCheckValuesOfTheTradeComeOut: the rows of reference/check-values.md that are one cipher call or one CMAC.
func TestCheckValuesOfTheTradeComeOut(t *testing.T) {
	const k32 = "000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F"
	const t24 = keyT + "89ABCDEF01234567"
	for _, v := range []struct{ cipher, key, ecb, cmac, empty string }{
		{"tdes", keyT, "08D7B4FB629D0885", "0A82458664", "5B56037257"},
		{"tdes", t24, "3FD539E3ABEB8B5B", "4FB5882F4F", ""},
		{"aes", k32[:32], "C6A13B3787", "BE7ED6AE78", "97DD6E5A88"},
		{"aes", k32[:48], "916251821C", "D4FFB80EBF", "EC12390EA0"},
		{"aes", k32, "F29000B62A", "377822C093", "6BF0A293D8"},
		{"aes", strings.Repeat("00", 16), "66E94BD4EF", "763CBCDE81", "4387C14B46"},
		{"aes", keyT, "D5C825", "2090A6", ""},
		{"sm4", keyT, "2677F46B09C122CC", "", ""},
		{"sm4", strings.Repeat("11", 16), "F8D06870", "", ""},
		{"tdes", keyT[:16], "D5D44F", "", ""},
		{"tdes", keyT[16:], "A68CDC", "", ""},
		{"tdes", keyT[16:] + keyT[:16], "7B8358", "", ""},
	} {
		b := newCipher(t, v.cipher, unhex(t, v.key))
		zero, out := make([]byte, b.BlockSize()), make([]byte, b.BlockSize())
		b.Encrypt(out, zero)
		if !strings.HasPrefix(upper(out), v.ecb) {
			t.Errorf("%s %s: the zero block gives %s, want %s", v.cipher, v.key, upper(out), v.ecb)
		}
		c := NewCMAC(b)
		c.Sum(out, zero)
		if !strings.HasPrefix(upper(out), v.cmac) {
			t.Errorf("%s %s: CMAC gives %s, want %s", v.cipher, v.key, upper(out), v.cmac)
		}
		c.Sum(out)
		if !strings.HasPrefix(upper(out), v.empty) {
			t.Errorf("%s %s: CMAC of nothing gives %s, want %s", v.cipher, v.key, upper(out), v.empty)
		}
	}
	mac := make([]byte, 8)
	NewCMAC(newCipher(t, "tdes", unhex(t, keyT))).Sum(mac, make([]byte, 16))
	if !strings.HasPrefix(upper(mac), "B795E96BF1") {
		t.Errorf("TDES-CMAC of two zero blocks gives %s", upper(mac))
	}
}

func TestSM4GivesTheExampleOfItsStandard(t *testing.T) { // GB/T 32907: key and plaintext are alike
	b := newCipher(t, "sm4", unhex(t, keyT))
	out := make([]byte, 16)
	b.Encrypt(out, unhex(t, keyT))
	if upper(out) != "681EDF34D206965E86B3E94F536E4246" {
		t.Errorf("got %s", upper(out))
	}
	b.Decrypt(out, out)
	if upper(out) != keyT {
		t.Errorf("decrypts to %s", upper(out))
	}
}

func TestRetailMACOfAZeroBlockIsTheTDESCheckValue(t *testing.T) {
	for _, msg := range [][]byte{nil, {0}, make([]byte, 7), make([]byte, 8)} { // all are one zero block after padding
		mac, err := RetailMAC(unhex(t, keyT), msg)
		if err != nil || upper(mac) != "08D7B4FB629D0885" {
			t.Errorf("%d zero bytes: got %s, %v", len(msg), upper(mac), err)
		}
	}
}

// TestRetailMACIsSingleDESWithATripleEnd computes it another way: single-DES CBC over all but the last block, then one
// triple-DES operation.
func TestRetailMACIsSingleDESWithATripleEnd(t *testing.T) {
	key := unhex(t, "2B7E151628AED2A6ABF7158809CF4F3C")
	left, triple := newCipher(t, "tdes", key[:8]), newCipher(t, "tdes", key)
	for n := 1; n <= 64; n++ {
		msg := unhex(t, message)[:n]
		padded := append(bytes.Clone(msg), make([]byte, (8-n%8)%8)...)
		x := make([]byte, 8)
		for at := 0; at < len(padded); at += 8 {
			for i := range x {
				x[i] ^= padded[at+i]
			}
			if at+8 < len(padded) {
				left.Encrypt(x, x)
			} else {
				triple.Encrypt(x, x)
			}
		}
		if mac, err := RetailMAC(key, msg); err != nil || !bytes.Equal(mac, x) {
			t.Errorf("%d bytes: got %s, %v, want %s", n, upper(mac), err, upper(x))
		}
	}
}

func TestKeysOfOtherLengthsAreRefused(t *testing.T) {
	for n := range 40 {
		key := make([]byte, n)
		for name, c := range map[string]struct {
			newBlock func([]byte) (cipher.Block, error)
			lengths  string
		}{
			"tdes": {NewTDES, " 8 16 24 "}, "aes": {NewAES, " 16 24 32 "}, "sm4": {NewSM4, " 16 "},
			"retail": {func(key []byte) (cipher.Block, error) { _, err := RetailMAC(key, nil); return nil, err }, " 16 "},
		} {
			_, err := c.newBlock(key)
			if want := strings.Contains(c.lengths, " "+big.NewInt(int64(n)).String()+" "); (err == nil) != want {
				t.Errorf("%s with %d bytes: %v", name, n, err)
			}
		}
	}
}

func TestTwoKeyTDESIsThreeKeyWithTheFirstAgain(t *testing.T) {
	key := unhex(t, "4CF15134A2850DD58A3D10BA80570D38")
	two, three := newCipher(t, "tdes", key), newCipher(t, "tdes", append(bytes.Clone(key), key[:8]...))
	one, same := newCipher(t, "tdes", key[:8]), newCipher(t, "tdes", append(bytes.Clone(key[:8]), key[:8]...))
	for at := 0; at < 64; at += 8 {
		block := unhex(t, message)[at : at+8]
		var a, b, c, d [8]byte
		two.Encrypt(a[:], block)
		three.Encrypt(b[:], block)
		one.Encrypt(c[:], block)
		same.Encrypt(d[:], block)
		if a != b || c != d || a == c {
			t.Errorf("block %d: %X %X %X %X", at/8, a, b, c, d)
		}
	}
	if upper(key) != "4CF15134A2850DD58A3D10BA80570D38" {
		t.Error("NewTDES changed the key")
	}
}

func TestECBWorksInPlaceOnWholeBlocks(t *testing.T) {
	for _, name := range []string{"tdes", "aes"} {
		b := newCipher(t, name, unhex(t, keyT))
		plain := unhex(t, message)
		apart := make([]byte, len(plain))
		ECBEncrypt(b, apart, plain)
		for at := 0; at < len(plain); at += b.BlockSize() {
			one := make([]byte, b.BlockSize())
			b.Encrypt(one, plain[at:at+b.BlockSize()])
			if !bytes.Equal(one, apart[at:at+b.BlockSize()]) {
				t.Errorf("%s: block at %d differs", name, at)
			}
		}
		inPlace := bytes.Clone(plain)
		ECBEncrypt(b, inPlace, inPlace)
		if !bytes.Equal(inPlace, apart) {
			t.Errorf("%s: in place differs", name)
		}
		ECBDecrypt(b, inPlace, inPlace)
		if !bytes.Equal(inPlace, plain) {
			t.Errorf("%s: does not decrypt", name)
		}
		tail := bytes.Clone(plain[:b.BlockSize()+3])
		ECBEncrypt(b, tail, tail)
		if !bytes.Equal(tail[b.BlockSize():], plain[b.BlockSize():b.BlockSize()+3]) {
			t.Errorf("%s: a part of a block was touched", name)
		}
	}
}

func TestCBCMACIsTheLastBlockOfCBC(t *testing.T) {
	for _, name := range []string{"tdes", "aes"} {
		b := newCipher(t, name, unhex(t, keyT))
		n := b.BlockSize()
		for size := n; size <= 64; size += n {
			msg := unhex(t, message)[:size]
			out := make([]byte, size)
			cipher.NewCBCEncrypter(b, make([]byte, n)).CryptBlocks(out, msg)
			got := bytes.Repeat([]byte{0xAA}, n) // what was there must not count
			CBCMAC(b, got, msg)
			if !bytes.Equal(got, out[size-n:]) {
				t.Errorf("%s, %d bytes: got %s, want %s", name, size, upper(got), upper(out[size-n:]))
			}
		}
	}
}

// textbookCMAC is SP 800-38B, 6.1 and 6.2, written down again with numbers instead of shifts.
func textbookCMAC(b cipher.Block, msg []byte) []byte {
	n := b.BlockSize()
	modulus := new(big.Int).Lsh(big.NewInt(1), uint(8*n))
	rb := int64(0x87)
	if n == 8 {
		rb = 0x1B
	}
	double := func(x *big.Int) *big.Int {
		y := new(big.Int).Lsh(x, 1)
		if y.Cmp(modulus) >= 0 {
			y.Sub(y, modulus)
			y.Xor(y, big.NewInt(rb))
		}
		return y
	}
	l := make([]byte, n)
	b.Encrypt(l, l)
	k1 := double(new(big.Int).SetBytes(l))
	k2 := double(k1)
	blocks, last := msg, k1
	if len(msg) == 0 || len(msg)%n != 0 {
		blocks = append(bytes.Clone(msg), 0x80)
		for len(blocks)%n != 0 {
			blocks = append(blocks, 0)
		}
		last = k2
	}
	x := new(big.Int)
	for at := 0; at < len(blocks); at += n {
		x.Xor(x, new(big.Int).SetBytes(blocks[at:at+n]))
		if at+n == len(blocks) {
			x.Xor(x, last)
		}
		out := x.FillBytes(make([]byte, n))
		b.Encrypt(out, out)
		x.SetBytes(out)
	}
	return x.FillBytes(make([]byte, n))
}

// FuzzCMACChunking: a message in pieces gives what the textbook gives for it in one, and one CMAC serves many messages.
func FuzzCMACChunking(f *testing.F) {
	f.Add(byte(0), []byte(keyT[:16]), []byte(nil), []byte(nil))
	f.Add(byte(1), []byte(keyT[:24]), []byte(message), []byte{1, 7, 8, 9, 0, 16, 15, 17})
	f.Add(byte(2), []byte(keyT[:16]), []byte(message[:64]), []byte{16, 16, 32})
	f.Add(byte(0), []byte(keyT[:24]), []byte(message[:65]), []byte{64, 1})
	f.Fuzz(func(t *testing.T, kind byte, key, msg, cuts []byte) {
		name := []string{"tdes", "aes", "sm4"}[kind%3]
		long := append(bytes.Clone(key), make([]byte, 24)...)
		b := newCipher(t, name, long[:map[string]int{"tdes": 24, "aes": 24, "sm4": 16}[name]])
		want := textbookCMAC(b, msg)
		c := NewCMAC(b)
		got := make([]byte, b.BlockSize())
		c.Sum(got, msg)
		if !bytes.Equal(got, want) {
			t.Fatalf("%s, one piece of %d bytes: got %s, want %s", name, len(msg), upper(got), upper(want))
		}
		var pieces [][]byte
		rest := msg
		for _, cut := range cuts {
			n := min(int(cut), len(rest))
			pieces, rest = append(pieces, rest[:n]), rest[n:]
		}
		pieces = append(pieces, rest)
		c.Sum(got, pieces...)
		if !bytes.Equal(got, want) {
			t.Fatalf("%s, %d pieces: got %s, want %s", name, len(pieces), upper(got), upper(want))
		}
		c.Write([]byte("what was begun and thrown away"))
		c.Reset()
		for _, p := range pieces {
			c.Write(p)
		}
		c.Final(got)
		if !bytes.Equal(got, want) {
			t.Fatalf("%s, after Reset: got %s, want %s", name, upper(got), upper(want))
		}
	})
}

func TestCMACInEveryCutOfTwoAndThree(t *testing.T) {
	msg := unhex(t, message)[:40]
	for _, name := range []string{"tdes", "aes"} {
		b := newCipher(t, name, unhex(t, keyT))
		want := textbookCMAC(b, msg)
		c := NewCMAC(b)
		got := make([]byte, b.BlockSize())
		for i := 0; i <= len(msg); i++ {
			for j := i; j <= len(msg); j++ {
				if c.Sum(got, msg[:i], msg[i:j], msg[j:]); !bytes.Equal(got, want) {
					t.Fatalf("%s, cut at %d and %d: got %s, want %s", name, i, j, upper(got), upper(want))
				}
			}
		}
	}
}

// product is the definition (FIPS 197, 4.2): multiply the polynomials, then divide by x^8+x^4+x^3+x+1.
func product(a, b byte) byte {
	p := 0
	for i := range 8 {
		if b>>i&1 == 1 {
			p ^= int(a) << i
		}
	}
	for i := 14; i >= 8; i-- {
		if p>>i&1 == 1 {
			p ^= 0x11B << (i - 8)
		}
	}
	return byte(p)
}

func TestGFMulIsTheDefinitionForAllPairs(t *testing.T) {
	for a := range 256 {
		for b := range 256 {
			if got, want := GFMul(byte(a), byte(b)), product(byte(a), byte(b)); got != want {
				t.Fatalf("%02X times %02X is %02X, want %02X", a, b, got, want)
			}
		}
	}
	if GFMul(0x57, 0x83) != 0xC1 || GFMul(0x57, 0x13) != 0xFE { // the examples of FIPS 197, 4.2 and 4.2.1
		t.Error("the examples of the standard do not come out")
	}
}

func TestGFInvIsTheInverseOfAllButZero(t *testing.T) {
	if GFInv(0) != 0 {
		t.Error("the inverse of 0 is not given as 0")
	}
	for a := 1; a < 256; a++ {
		if got := product(byte(a), GFInv(byte(a))); got != 1 {
			t.Errorf("%02X times its inverse is %02X", a, got)
		}
	}
}

func TestOneBlockUnderTwoKeysIsTheSameByTwoSchedules(t *testing.T) {
	for i := range 50 {
		key := sha256.Sum256([]byte{byte(i)})
		b, err := NewTDES(key[:16])
		if err != nil {
			t.Fatal(err)
		}
		var want, got [8]byte
		copy(got[:], key[16:])
		b.Encrypt(want[:], got[:])
		if err := EncryptTwoKey((*[16]byte)(key[:16]), &got); err != nil || got != want {
			t.Fatalf("%X, want %X (%v)", got, want, err)
		}
	}
}
