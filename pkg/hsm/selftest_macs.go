package hsm

// Known answers of MACs and digests.

import (
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"hash"

	"poskey/internal/cipherx"
	"poskey/internal/selftest"
	"poskey/internal/text"
	"poskey/pkg/keys"
	"poskey/pkg/unionpay"
)

func macTests() []selftest.Test {
	all := cmacTests()
	const fips113 = "37363534333231204E6F77206973207468652074696D6520666F7220"
	all = append(all,
		known(selftest.MACs, "cbc-mac", text.New("CBC-MAC (ISO 9797-1 algorithm 1)"), "FIPS 113, appendix B",
			"F1D30F6849312CA4", func() (string, error) { return cbcMAC("0123456789ABCDEF", fips113) }),
		known(selftest.MACs, "retail-mac", text.New("retail MAC (ISO 9797-1 algorithm 3)"),
			"ISO/IEC 9797-1:1999, annex B, algorithm 3 with padding method 1", "A1C72E74EA3FA9B6",
			func() (string, error) {
				return retailMAC("0123456789ABCDEFFEDCBA9876543210", "4E6F77206973207468652074696D6520666F7220616C6C20")
			}),
		known(selftest.MACs, "unionpay-mac", text.New("UnionPay ECB MAC"),
			"https://blog.youkuaiyun.com/zhu244912654/article/details/80005341; result computed again", "3841394539314238", unionpayMAC))
	return append(all, digestTests()...)
}

type knownCMAC struct {
	alg               keys.Algorithm
	key, want, source string
	n                 int // bytes of the message of NIST SP 800-38B
}

// cmacMessage is the message of NIST SP 800-38B, appendix D; its examples take the first bytes of it.
const cmacMessage = "6BC1BEE22E409F96E93D7E117393172AAE2D8A571E03AC9C9EB76FAC45AF8E51" +
	"30C81C46A35CE411E5FBC1191A0A52EFF69F2445DF4F9B17AD2B417BE66C3710"

func knownCMACs() []knownCMAC {
	return []knownCMAC{
		{keys.AES128, "2B7E151628AED2A6ABF7158809CF4F3C", "DFA66747DE9AE63030CA32611497C827", "RFC 4493, 4; NIST SP 800-38B, D.1", 40},
		{keys.AES192, "8E73B0F7DA0E6452C810F32B809079E562F8EAD2522C6B7B", "8A1DE5BE2EB31AAD089A82E6EE908B0E",
			"NIST SP 800-38B, D.2", 40},
		{keys.AES256, "603DEB1015CA71BE2B73AEF0857D77811F352C073B6108D72D9810A30914DFF4",
			"E1992190549F6ED5696A2C056C315410", "NIST SP 800-38B, D.3", 64},
		{keys.TDES192, "8AA83BF8CBDA10620BC1BF19FBB6CD58BC313D4A371CA8B5", "743DDBE0CE2DC2ED", "NIST SP 800-38B, D.4", 20},
		{keys.TDES128, "4CF15134A2850DD58A3D10BA80570D38", "62DD1B471902BD4E", "NIST SP 800-38B, D.5", 20},
		{keys.SM4, "0123456789ABCDEFFEDCBA9876543210", "67A8E59526F59125B5D91E626D23A37A",
			"method of NIST SP 800-38B; computed with OpenSSL", 40},
	}
}

func cmacTests() []selftest.Test {
	var all []selftest.Test
	for _, k := range knownCMACs() {
		all = append(all, known(selftest.MACs, "cmac-"+string(k.alg), text.New("CMAC with %s", k.alg), k.source, k.want, k.run))
	}
	return all
}

func (k knownCMAC) run() (string, error) {
	key, err := hex.DecodeString(k.key)
	if err != nil {
		return "", err
	}
	message, err := hex.DecodeString(cmacMessage[:2*k.n])
	if err != nil {
		return "", err
	}
	b, err := keys.NewCipher(k.alg, key)
	if err != nil {
		return "", err
	}
	mac := make([]byte, b.BlockSize())
	cipherx.NewCMAC(b).Sum(mac, message[:k.n/2], message[k.n/2:])
	return upper(mac), nil
}

func cbcMAC(digits, message string) (string, error) {
	key, err := hex.DecodeString(digits)
	if err != nil {
		return "", err
	}
	msg, err := hex.DecodeString(message)
	if err != nil {
		return "", err
	}
	b, err := cipherx.NewTDES(key)
	if err != nil {
		return "", err
	}
	mac := make([]byte, 8)
	cipherx.CBCMAC(b, mac, append(msg, make([]byte, (8-len(msg)%8)%8)...))
	return upper(mac), nil
}

func retailMAC(digits, message string) (string, error) {
	key, err := hex.DecodeString(digits)
	if err != nil {
		return "", err
	}
	msg, err := hex.DecodeString(message)
	if err != nil {
		return "", err
	}
	mac, err := cipherx.RetailMAC(key, msg)
	return upper(mac), err
}

// unionpayMessage is a captured message, as it is published.
const unionpayMessage = "0200302004C020C0981100000000000000005100183402100006324392260009942820D131210112008439313636" +
	"3838303134303030303030303030303030303031313536ACF46E73838A82F92600000000000000000822000001"

func unionpayMAC() (string, error) {
	key, err := hex.DecodeString("C24A8FB57AA20123")
	if err != nil {
		return "", err
	}
	message, err := hex.DecodeString(unionpayMessage)
	if err != nil {
		return "", err
	}
	mac, err := unionpay.RuleECB.Sum(keys.DES, key, message, unionpay.PadZero)
	return upper(mac), err
}

// digestTests: examples of FIPS 180, RFC 2202 and RFC 4231.
func digestTests() []selftest.Test {
	const jefe = "what do ya want for nothing?"
	var all []selftest.Test
	for _, k := range []struct {
		name, want, source string
		hash               func() hash.Hash
	}{
		{"sha-1", "A9993E364706816ABA3E25717850C26C9CD0D89D", "FIPS 180-2, A.1", sha1.New},
		{"sha-256", "BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD", "FIPS 180-2, B.1", sha256.New},
	} {
		all = append(all, known(selftest.MACs, k.name, text.New("digest %s", k.name), k.source, k.want,
			func() (string, error) { return digest(k.hash(), "abc") }))
	}
	for _, k := range []struct {
		name, want, source string
		hash               func() hash.Hash
	}{
		{"hmac-sha1", "EFFCDF6AE5EB2FA2D27416D5F184DF9C259A7C79", "RFC 2202, 3, case 2", sha1.New},
		{"hmac-sha224", "A30E01098BC6DBBF45690F3A7E9E6D0F8BBEA2A39E6148008FD05E44", "RFC 4231, 4.3", sha256.New224},
		{"hmac-sha256", "5BDCC146BF60754E6A042426089575C75A003F089D2739839DEC58B964EC3843", "RFC 4231, 4.3", sha256.New},
		{"hmac-sha384", "AF45D2E376484031617F78D2B58A6B1B9C7EF464F5A01B47E42EC3736322445E8E2240CA5E69E2C78B3239ECFAB21649",
			"RFC 4231, 4.3", sha512.New384},
		{"hmac-sha512", "164B7A7BFCF819E2E395FBE73B56E0A387BD64222E831FD610270CD7EA250554" +
			"9758BF75C05A994A6D034F65F8F0E6FDCAEAB1A34D4A6B4B636E070A38BCE737", "RFC 4231, 4.3", sha512.New},
	} {
		all = append(all, known(selftest.MACs, k.name, text.New("MAC %s", k.name), k.source, k.want,
			func() (string, error) { return digest(hmac.New(k.hash, []byte("Jefe")), jefe) }))
	}
	return all
}

func digest(h hash.Hash, message string) (string, error) {
	_, err := h.Write([]byte(message))
	return upper(h.Sum(nil)), err
}
