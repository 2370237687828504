package hsm

// Known answers of every method of check values, for every algorithm that has it.

import (
	"encoding/hex"

	"poskey/internal/selftest"
	"poskey/internal/text"
	"poskey/pkg/kcv"
	"poskey/pkg/keys"
)

type knownValue struct {
	alg    keys.Algorithm
	method kcv.Method
	key    string
	want   string // its first digits, 32 at most
}

// knownValues: the values were computed with OpenSSL by each method's definition. Those of the first key by ecb-zero, and
// CMAC of AES, are printed by vendors and standards too.
func knownValues() []knownValue {
	const t, t24 = "0123456789ABCDEFFEDCBA9876543210", "0123456789ABCDEFFEDCBA987654321089ABCDEF01234567"
	const k32 = "000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F"
	return []knownValue{
		{keys.DES, kcv.ECBZero, t[:16], "D5D44FF720683D0D"},
		{keys.DES, kcv.CMAC, t[:16], "03C8153AD5D08330"},
		{keys.DES, kcv.CMACEmpty, t[:16], "86F79C13FD306E67"},
		{keys.DES, kcv.CMAC16, t[:16], "BE8150A6C7919D65"},
		{keys.DES, kcv.PAXMode1, t[:16], "D5D44FF7"},
		{keys.DES, kcv.PAXMode2, t[:16], "E1F63934"},
		{keys.DES, kcv.SHA1, t[:16], "0CA2EADB529AC2E63ABF9B4AE3DF8EE1"},
		{keys.DES, kcv.SHA256, t[:16], "55C53F5D490297900CEFA825D0C8E8E9"},
		{keys.DES, kcv.CCASHA256, t[:16], "0779755B1156543B"},
		{keys.TDES128, kcv.ECBZero, t, "08D7B4FB629D0885"},
		{keys.TDES128, kcv.CMAC, t, "0A8245866490475B"},
		{keys.TDES128, kcv.CMACEmpty, t, "5B560372570D37CB"},
		{keys.TDES128, kcv.CMAC16, t, "B795E96BF195E5F6"},
		{keys.TDES128, kcv.PAXMode1, t, "08D7B4FB"},
		{keys.TDES128, kcv.PAXMode2, t, "A92FD764"},
		{keys.TDES128, kcv.SHA1, t, "76BC87BAECA7725C948FD1C53766454F"},
		{keys.TDES128, kcv.SHA256, t, "411D3F1D2390FF3F482AC8DF4E730780"},
		{keys.TDES128, kcv.CCASHA256, t, "C963D8F7474C2779"},
		{keys.TDES192, kcv.ECBZero, t24, "3FD539E3ABEB8B5B"},
		{keys.TDES192, kcv.CMAC, t24, "4FB5882F4F31D5A7"},
		{keys.TDES192, kcv.CMACEmpty, t24, "85A80EE0E0F1A8F5"},
		{keys.TDES192, kcv.CMAC16, t24, "719984E3EAB555A3"},
		{keys.TDES192, kcv.PAXMode1, t24, "3FD539E3"},
		{keys.TDES192, kcv.PAXMode2, t24, "0F8B5ED1"},
		{keys.TDES192, kcv.SHA1, t24, "D8281517094A7275FCC7DBF9AAD3400B"},
		{keys.TDES192, kcv.SHA256, t24, "47EDD767ED5D61815764FEB9AC28AA56"},
		{keys.TDES192, kcv.CCASHA256, t24, "A8DCE2FC0912156F"},
		{keys.AES128, kcv.CMAC, k32[:32], "BE7ED6AE787DD5544C5561C7DCD06ABB"},
		{keys.AES128, kcv.ECBZero, k32[:32], "C6A13B37878F5B826F4F8162A1C8D879"},
		{keys.AES128, kcv.CMACEmpty, k32[:32], "97DD6E5A882CBD564C39AE7D1C5A31AA"},
		{keys.AES128, kcv.ECBOne, k32[:32], "C352805754237F311AC0FFF4E3E03E78"},
		{keys.AES128, kcv.SHA1, k32[:32], "56178B86A57FAC22899A9964185C2CC9"},
		{keys.AES128, kcv.SHA256, k32[:32], "BE45CB2605BF36BEBDE684841A28F0FD"},
		{keys.AES128, kcv.CCASHA256, k32[:32], "6FFDA3D26F21C447"},
		{keys.AES192, kcv.CMAC, k32[:48], "D4FFB80EBF6C3A89C1AB5278C6949F6D"},
		{keys.AES192, kcv.ECBZero, k32[:48], "916251821C73A522C396D62738019607"},
		{keys.AES192, kcv.CMACEmpty, k32[:48], "EC12390EA0A7ED15D9D37A6ECA1FC990"},
		{keys.AES192, kcv.ECBOne, k32[:48], "38FCB6E01E01151F57CFEAFFB73FAD6A"},
		{keys.AES192, kcv.SHA1, k32[:48], "ED6A95036E3E046931597A457DB7A78B"},
		{keys.AES192, kcv.SHA256, k32[:48], "1D64ADD2A6388367C9BC2D1F1B384B06"},
		{keys.AES192, kcv.CCASHA256, k32[:48], "8102F1B8051A48B1"},
		{keys.AES256, kcv.CMAC, k32, "377822C09348AD3BCF3F1987BCF89B4A"},
		{keys.AES256, kcv.ECBZero, k32, "F29000B62A499FD0A9F39A6ADD2E7780"},
		{keys.AES256, kcv.CMACEmpty, k32, "6BF0A293D8CBA0101F0089727691B7FB"},
		{keys.AES256, kcv.ECBOne, k32, "75E20829172112BBF2A04D3D2B12433D"},
		{keys.AES256, kcv.SHA1, k32, "AE5BD8EFEA5322C4D9986D06680A7813"},
		{keys.AES256, kcv.SHA256, k32, "630DCD2966C4336691125448BBB25B4F"},
		{keys.AES256, kcv.CCASHA256, k32, "491176B0F443C65A"},
		{keys.SM4, kcv.ECBZero, t, "2677F46B09C122CC975533105BD4A22A"},
		{keys.SM4, kcv.CMAC, t, "909F5E6ED15518C01252302383C63E8C"},
		{keys.SM4, kcv.CMACEmpty, t, "29E154322E5C7BD8EE6A25BA549B24BC"},
		{keys.SM4, kcv.ECBOne, t, "CEDE681F6D745DCEB758F4FEE8910D76"},
		{keys.SM4, kcv.SHA1, t, "76BC87BAECA7725C948FD1C53766454F"},
		{keys.SM4, kcv.SHA256, t, "411D3F1D2390FF3F482AC8DF4E730780"},
		{keys.HMACSHA1, kcv.HMACEmpty, k32, "B459B2A1C9FC2F668C6509F6907D41F2"},
		{keys.HMACSHA1, kcv.HMACZeros(32), k32, "663F3A3C08B687B2D30C5AA7CC5CC399"},
		{keys.HMACSHA1, kcv.SHA1, k32, "AE5BD8EFEA5322C4D9986D06680A7813"},
		{keys.HMACSHA1, kcv.SHA256, k32, "630DCD2966C4336691125448BBB25B4F"},
		{keys.HMACSHA224, kcv.HMACEmpty, k32, "2A7430F93BB5456D155C654063C7074A"},
		{keys.HMACSHA224, kcv.HMACZeros(32), k32, "4B6B3F9A664745E260C953867A34657D"},
		{keys.HMACSHA224, kcv.SHA1, k32, "AE5BD8EFEA5322C4D9986D06680A7813"},
		{keys.HMACSHA224, kcv.SHA256, k32, "630DCD2966C4336691125448BBB25B4F"},
		{keys.HMACSHA256, kcv.HMACEmpty, k32, "D38B42096D80F45F826B44A9D5607DE7"},
		{keys.HMACSHA256, kcv.HMACZeros(32), k32, "416C5392B9F36DF188E90EB14D17BF0D"},
		{keys.HMACSHA256, kcv.SHA1, k32, "AE5BD8EFEA5322C4D9986D06680A7813"},
		{keys.HMACSHA256, kcv.SHA256, k32, "630DCD2966C4336691125448BBB25B4F"},
		{keys.HMACSHA384, kcv.HMACEmpty, k32, "8F8683AEF2575615BE091BB6CDA44BB1"},
		{keys.HMACSHA384, kcv.HMACZeros(32), k32, "0C913646D91781461D42B100AAFA2692"},
		{keys.HMACSHA384, kcv.SHA1, k32, "AE5BD8EFEA5322C4D9986D06680A7813"},
		{keys.HMACSHA384, kcv.SHA256, k32, "630DCD2966C4336691125448BBB25B4F"},
		{keys.HMACSHA512, kcv.HMACEmpty, k32, "B04A70F45E9529968060F0026344D5F4"},
		{keys.HMACSHA512, kcv.HMACZeros(32), k32, "478891E9123EFDDC262908D6308FCCB6"},
		{keys.HMACSHA512, kcv.SHA1, k32, "AE5BD8EFEA5322C4D9986D06680A7813"},
		{keys.HMACSHA512, kcv.SHA256, k32, "630DCD2966C4336691125448BBB25B4F"},
	}
}

// definition names where a method is laid down.
func definition(m kcv.Method) string {
	switch m {
	case kcv.ECBZero:
		return "method of ANSI X9.24-1:2017, annex A"
	case kcv.CMAC, kcv.CMACEmpty, kcv.CMAC16:
		return "method of NIST SP 800-38B; ANSI X9.24-1:2017, annex A"
	case kcv.ECBOne:
		return "method of GlobalPlatform Card Specification, amendment D, 7.2.2"
	case kcv.CCASHA256:
		return "method of IBM CCA"
	case kcv.PAXMode1, kcv.PAXMode2:
		return "method of PAX terminals"
	}
	return "digest or HMAC of the key"
}

func checkValueTests() []selftest.Test {
	var all []selftest.Test
	for _, k := range knownValues() {
		all = append(all, known(selftest.CheckValue, "kcv-"+string(k.alg)+"-"+string(k.method),
			text.New("%s, check value by %s", k.alg, k.method), definition(k.method)+"; computed with OpenSSL", k.want, k.run))
	}
	return all
}

func (k knownValue) run() (string, error) {
	key, err := hex.DecodeString(k.key)
	if err != nil {
		return "", err
	}
	got, err := kcv.Compute(k.alg, key, k.method)
	if err != nil {
		return "", err
	}
	if whole := upper(got); len(whole) > 32 {
		return whole[:32], nil
	}
	return upper(got), nil
}
