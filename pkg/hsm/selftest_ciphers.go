package hsm

// Known answers of the block ciphers and of how they are used on more than one block.

import (
	"bytes"
	"crypto/cipher"
	"encoding/hex"

	"poskey/internal/cipherx"
	"poskey/internal/fault"
	"poskey/internal/selftest"
	"poskey/internal/text"
	"poskey/pkg/keys"
)

type knownCipher struct {
	alg                        keys.Algorithm
	mode, key, iv, plain, want string
	source                     string
}

func knownCiphers() []knownCipher {
	const (
		block  = "00112233445566778899AABBCCDDEEFF"
		nist   = "6BC1BEE22E409F96E93D7E117393172A"
		k256   = "000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F"
		aes192 = "8E73B0F7DA0E6452C810F32B809079E562F8EAD2522C6B7B"
		aes256 = "603DEB1015CA71BE2B73AEF0857D77811F352C073B6108D72D9810A30914DFF4"
		iv     = "000102030405060708090A0B0C0D0E0F"
		ctr    = "F0F1F2F3F4F5F6F7F8F9FAFBFCFDFEFF"
		t      = "0123456789ABCDEFFEDCBA9876543210"
		text   = "4E6F77206973207468652074696D6520666F7220616C6C20" // Now is the time for all
		pairs  = "AAAAAAAABBBBBBBBCCCCCCCCDDDDDDDDEEEEEEEEFFFFFFFFAAAAAAAABBBBBBBB"
	)
	return []knownCipher{
		{keys.DES, "ecb", t[:16], "", text, "3FA40E8A984D48156A271787AB8883F9893D51EC4B563B53", "FIPS 81, table B1"},
		{keys.DES, "cbc", t[:16], "1234567890ABCDEF", text, "E5C7CDDE872BF27C43E934008C389C0F683788499A7C05F6",
			"FIPS 81, table C1"},
		{keys.TDES128, "ecb", t, "", "0000000000000000", "08D7B4FB629D0885",
			"check value of the key of the examples of ANSI X9.24-1:2009, A.4"},
		{keys.TDES192, "ecb", "0123456789ABCDEF23456789ABCDEF01456789ABCDEF0123", "",
			"5468652071756663" + "6B2062726F776E20" + "666F78206A756D70",
			"A826FD8CE53B855FCCE21C8112256FE668D5C05DD9B6B900", "NIST SP 800-67 revision 1, appendix B"},
		{keys.AES128, "ecb", k256[:32], "", block, "69C4E0D86A7B0430D8CDB78070B4C55A", "FIPS 197, C.1"},
		{keys.AES192, "ecb", k256[:48], "", block, "DDA97CA4864CDFE06EAF70A0EC0D7191", "FIPS 197, C.2"},
		{keys.AES256, "ecb", k256, "", block, "8EA2B7CA516745BFEAFC49904B496089", "FIPS 197, C.3"},
		{keys.AES128, "cbc", "2B7E151628AED2A6ABF7158809CF4F3C", iv, nist, "7649ABAC8119B246CEE98E9B12E9197D",
			"NIST SP 800-38A, F.2.1"},
		{keys.AES192, "cbc", aes192, iv, nist, "4F021DB243BC633D7178183A9FA071E8", "NIST SP 800-38A, F.2.3"},
		{keys.AES256, "cbc", aes256, iv, nist, "F58C4C04D6E5F1BA779EABFB5F7BFBD6", "NIST SP 800-38A, F.2.5"},
		{keys.AES128, "ctr", "2B7E151628AED2A6ABF7158809CF4F3C", ctr, nist, "874D6191B620E3261BEF6864990DB6CE",
			"NIST SP 800-38A, F.5.1"},
		{keys.AES192, "ctr", aes192, ctr, nist, "1ABC932417521CA24F2B0459FE7E6E0B", "NIST SP 800-38A, F.5.3"},
		{keys.AES256, "ctr", aes256, ctr, nist, "601EC313775789A5B7A7F504BBF3D228", "NIST SP 800-38A, F.5.5"},
		{keys.SM4, "ecb", t, "", t, "681EDF34D206965E86B3E94F536E4246", "GB/T 32907-2016, A.1"},
		{keys.SM4, "cbc", t, iv, pairs, "78EBB11CC40B0A48312AAEB2040244CB4CB7016951909226979B0D15DC6A8F6D",
			"draft-ribose-cfrg-sm4, A.2; computed with OpenSSL too"},
	}
}

func cipherTests() []selftest.Test {
	var all []selftest.Test
	for _, k := range knownCiphers() {
		all = append(all, known(selftest.Ciphers, string(k.alg)+"-"+k.mode, text.New("%s in mode %s, both ways", k.alg, k.mode),
			k.source, k.want, k.run))
	}
	return append(all, known(selftest.Ciphers, "tdes-128-single", text.New("%s on one block, the fast way", keys.TDES128),
		"check value of the key of the examples of ANSI X9.24-1:2009, A.4", "08D7B4FB629D0885", twoKeyOnce))
}

// run encrypts, and decrypts what came out: only a way back to the plain text proves the other direction.
func (k knownCipher) run() (string, error) {
	key, err := hex.DecodeString(k.key)
	if err != nil {
		return "", err
	}
	plain, err := hex.DecodeString(k.plain)
	if err != nil {
		return "", err
	}
	iv, err := hex.DecodeString(k.iv)
	if err != nil {
		return "", err
	}
	b, err := keys.NewCipher(k.alg, key)
	if err != nil {
		return "", err
	}
	there, back := make([]byte, len(plain)), make([]byte, len(plain))
	switch k.mode {
	case "ecb":
		cipherx.ECBEncrypt(b, there, plain)
		cipherx.ECBDecrypt(b, back, there)
	case "cbc":
		cipher.NewCBCEncrypter(b, iv).CryptBlocks(there, plain)
		cipher.NewCBCDecrypter(b, iv).CryptBlocks(back, there)
	case "ctr":
		cipher.NewCTR(b, iv).XORKeyStream(there, plain)
		cipher.NewCTR(b, iv).XORKeyStream(back, there)
	}
	if !bytes.Equal(back, plain) {
		return "", fault.New(fault.SelftestFailed, "deciphering does not give the plain text back")
	}
	return upper(there), nil
}

func twoKeyOnce() (string, error) {
	key, err := hex.DecodeString("0123456789ABCDEFFEDCBA9876543210")
	if err != nil {
		return "", err
	}
	var block [8]byte
	err = cipherx.EncryptTwoKey((*[16]byte)(key), &block)
	return upper(block[:]), err
}
