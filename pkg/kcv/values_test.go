package kcv

import (
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"poskey/internal/fault"
	"poskey/internal/testvec"
	"poskey/pkg/keys"
)

// The keys of reference/check-values.md.
const (
	keyT   = "0123456789ABCDEFFEDCBA9876543210"
	keyT24 = keyT + "89ABCDEF01234567"
	keyK32 = "000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F"
	keyK16 = "000102030405060708090A0B0C0D0E0F"
	keyK24 = "000102030405060708090A0B0C0D0E0F1011121314151617"
	keyZ16 = "00000000000000000000000000000000"
	key11  = "11111111111111111111111111111111"
	keyPIK = "807A23AD32B36D457AE91FDF927570EA" // of vector V1 of the UnionPay sign-in
)

func full(t testing.TB, alg keys.Algorithm, key string, m Method) string {
	t.Helper()
	b, err := Compute(alg, testvec.Hex(t, key), m)
	if err != nil {
		t.Fatalf("%s by %s: %v", alg, m, err)
	}
	return testvec.Upper(b)
}

// TestEveryMethodGivesTheValuesOfTheTable: reference/check-values.md, Methods and Confusable pairs; all recomputed there.
func TestEveryMethodGivesTheValuesOfTheTable(t *testing.T) {
	tried := map[Method]bool{}
	for _, v := range []struct {
		m    Method
		alg  keys.Algorithm
		key  string
		want string
	}{
		{ECBZero, keys.TDES128, keyT, "08D7B4FB629D0885"},
		{ECBZero, keys.TDES192, keyT24, "3FD539E3ABEB8B5B"},
		{ECBZero, keys.AES128, keyK16, "C6A13B3787"},
		{ECBZero, keys.AES192, keyK24, "916251821C"},
		{ECBZero, keys.AES256, keyK32, "F29000B62A"},
		{ECBZero, keys.AES128, keyZ16, "66E94BD4EF"},
		{ECBZero, keys.SM4, keyT, "2677F46B09C122CC"},
		{ECBZero, keys.SM4, key11, "F8D06870"},
		{CMAC, keys.TDES128, keyT, "0A82458664"},
		{CMAC, keys.TDES192, keyT24, "4FB5882F4F"},
		{CMAC, keys.AES128, keyK16, "BE7ED6AE78"},
		{CMAC, keys.AES192, keyK24, "D4FFB80EBF"},
		{CMAC, keys.AES256, keyK32, "377822C093"},
		{CMAC, keys.AES128, keyZ16, "763CBCDE81"},
		{CMACEmpty, keys.AES128, keyK16, "97DD6E5A88"},
		{CMACEmpty, keys.AES192, keyK24, "EC12390EA0"},
		{CMACEmpty, keys.AES256, keyK32, "6BF0A293D8"},
		{CMACEmpty, keys.AES128, keyZ16, "4387C14B46"},
		{CMACEmpty, keys.TDES128, keyT, "5B56037257"},
		{CMAC16, keys.TDES128, keyT, "B795E96BF1"},
		{ECBOne, keys.AES128, keyK16, "C352805754"},
		{ECBOne, keys.AES192, keyK24, "38FCB6E01E"},
		{ECBOne, keys.AES256, keyK32, "75E2082917"},
		{ECBOne, keys.AES128, keyZ16, "E14D5D0EE2"},
		{SHA256, keys.AES128, keyK16, "BE45CB2605"},
		{SHA256, keys.AES256, keyK32, "630DCD2966"},
		{SHA1, keys.TDES128, keyT, "76BC87BAEC"},
		{CCASHA256, keys.AES128, keyK16, "6FFDA3D26F21C447"},
		{CCASHA256, keys.AES192, keyK24, "8102F1B8051A48B1"},
		{CCASHA256, keys.AES256, keyK32, "491176B0F443C65A"},
		{HMACEmpty, keys.HMACSHA1, keyK32, "B459B2A1C9"},
		{HMACEmpty, keys.HMACSHA256, keyK32, "D38B42096D"},
		{HMACEmpty, keys.HMACSHA384, keyK32, "8F8683AEF2"},
		{HMACEmpty, keys.HMACSHA512, keyK32, "B04A70F45E"},
		{HMACZeros(32), keys.HMACSHA256, keyK32, "416C5392B9"},
		{HMACZeros(32), keys.HMACSHA512, keyK32, "478891E912"},
		{PAXMode1, keys.TDES128, keyT, "08D7B4FB"},
		{PAXMode2, keys.TDES128, keyT, "A92FD764"},
		{PAXMode2, keys.TDES128, keyPIK, "430E8B08"},
		// confusable pairs
		{ECBZero, keys.AES128, keyT, "D5C825"},
		{CMAC, keys.AES128, keyT, "2090A6"},
		{ECBZero, keys.DES, keyT[:16], "D5D44F"},
		{ECBZero, keys.DES, keyT[16:], "A68CDC"},
		{ECBZero, keys.TDES128, keyT[16:] + keyT[:16], "7B8358"},
		// component vectors
		{ECBZero, keys.TDES128, "0723CD4CDDF25A1F8F3517EEABE482C9", "E2AC18"},
		{ECBZero, keys.TDES128, "227A6A90957517C2E22CBC934EC55187", "1E656F"},
		{ECBZero, keys.TDES128, "2559A7DC48874DDD6D19AB7DE521D34E", "7FF5B8"},
		{ECBZero, keys.TDES128, "2558A7DC49864CDC6D19AB7CE520D34F", "7FF5B8"},
		{ECBZero, keys.TDES128, "2559A7DC48874DDD6D19AB7DE521D34C", "8E51D8"},
		{ECBZero, keys.DES, "43455E25297CD946", "428C48"},
		{ECBZero, keys.DES, "9DDC9BAE925D31E6", "0EB795"},
		{ECBZero, keys.TDES128, "0E1570C846D9E9580DB6ADD6AE7F6798", "EE4E64C2"},
		{ECBZero, keys.TDES128, "84D253CCCF30E859FC567E141BDBF01E", "ADEF0ABF"},
		{ECBZero, keys.TDES128, "6AC292FAA1315B4D858AB3A3D7D5933A", "AF8C07"}, // initial key of the ANSI X9.24 example
	} {
		tried[v.m] = true
		if got := full(t, v.alg, v.key, v.m); !strings.HasPrefix(got, v.want) {
			t.Errorf("%s by %s: got %s, want %s", v.alg, v.m, got, v.want)
		}
		got, err := Of(v.alg, testvec.Hex(t, v.key), v.m, len(v.want))
		if err != nil || got != (Value{v.m, v.want}) {
			t.Errorf("%s by %s: shown as %v, %v", v.alg, v.m, got, err)
		}
	}
	for _, alg := range keys.Named() {
		for _, m := range Methods(alg) {
			if !tried[m] {
				t.Errorf("no value of the table tries %s", m)
			}
		}
	}
}

func TestParityBitsDoNotCountForDESAndDoForTheRest(t *testing.T) {
	flipped := testvec.Hex(t, keyT)
	for i := range flipped {
		flipped[i] ^= 1
	}
	other := testvec.Upper(flipped)
	for _, m := range []Method{ECBZero, CMAC, CMACEmpty, CMAC16, PAXMode1, PAXMode2} {
		if full(t, keys.TDES128, other, m) != full(t, keys.TDES128, keyT, m) {
			t.Errorf("%s sees parity bits of a TDES key", m)
		}
	}
	for _, m := range []Method{SHA1, SHA256, CCASHA256} {
		if full(t, keys.TDES128, other, m) == full(t, keys.TDES128, keyT, m) {
			t.Errorf("%s does not see parity bits", m)
		}
	}
	for _, alg := range []keys.Algorithm{keys.AES128, keys.SM4} {
		if full(t, alg, other, ECBZero) == full(t, alg, keyT, ECBZero) {
			t.Errorf("%s: a bit of every byte does not count", alg)
		}
	}
}

type kcvVector struct {
	ID        string
	Key       string
	Algorithm string
	KCV       string
	Method    []Method
	Computed  map[Method]string
	Source    string
}

func (v kcvVector) algorithm(t testing.TB) keys.Algorithm {
	t.Helper()
	if v.Algorithm == "des-64" {
		return keys.DES
	}
	alg, err := keys.ParseAlgorithm(v.Algorithm)
	if err != nil {
		t.Fatal(err)
	}
	return alg
}

func kcvVectors(t testing.TB) []kcvVector {
	t.Helper()
	all := testvec.Load[kcvVector](t, "kcv.json")
	if len(all) < 48 {
		t.Fatalf("only %d vectors", len(all))
	}
	return all
}

func TestEveryPublishedCheckValueComesOut(t *testing.T) {
	for _, v := range kcvVectors(t) {
		alg := v.algorithm(t)
		if v.Source == "" || len(v.Method) == 0 || len(v.Computed) != 3 {
			t.Errorf("%s: a vector without source, method or computed values", v.ID)
		}
		for m, want := range v.Computed {
			if got := full(t, alg, v.Key, m); got != want {
				t.Errorf("%s: %s gives %s, want %s", v.ID, m, got, want)
			}
		}
		expected, err := Parse(v.KCV)
		if err != nil {
			t.Fatal(err)
		}
		matching := map[Method]bool{}
		for _, m := range v.Method {
			matching[m] = true
		}
		for m := range v.Computed {
			c := expected.Compare(m, testvec.Hex(t, full(t, alg, v.Key, m)))
			if c.Match != matching[m] || c.Digits != len(v.KCV) {
				t.Errorf("%s: %s matches %v on %d digits, the vector says %v", v.ID, m, c.Match, c.Digits, v.Method)
			}
		}
	}
}

func TestEveryCheckValueOfUnionPayComesOut(t *testing.T) {
	raw, err := os.ReadFile(filepath.Join(testvec.Root(t), "testdata", "vectors", "unionpay.json"))
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Vectors []struct {
			ID, Kind, Algorithm, Key, KCV string
			Method                        Method
		}
	}
	if err := json.Unmarshal(raw, &file); err != nil {
		t.Fatal(err)
	}
	families := map[string]keys.Algorithm{"des": keys.DES, "tdes": keys.TDES128, "aes": keys.AES128, "sm4": keys.SM4}
	ran := 0
	for _, v := range file.Vectors {
		if v.Kind != "kcv" {
			continue
		}
		ran++
		alg, ok := families[v.Algorithm]
		if !ok {
			t.Fatalf("%s: unknown algorithm %s", v.ID, v.Algorithm)
		}
		if got := full(t, alg.ForLength(len(v.Key)/2), v.Key, v.Method); !strings.HasPrefix(got, v.KCV) {
			t.Errorf("%s: got %s, want %s", v.ID, got, v.KCV)
		}
	}
	if ran < 7 {
		t.Fatalf("ran %d vectors", ran)
	}
}

func TestIdentifyFindsAlgorithmAndMethodOfEveryVector(t *testing.T) {
	for _, v := range kcvVectors(t) {
		alg, key := v.algorithm(t), testvec.Hex(t, v.Key)
		expected, err := Parse(v.KCV)
		if err != nil {
			t.Fatal(err)
		}
		for _, asked := range []keys.Algorithm{"", alg} {
			found, err := Identify(key, expected, asked)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range v.Method {
				note := NoteOther
				if m == Default(alg) {
					note = NoteNone
				}
				if !holds(found, Match{alg, m, len(v.KCV), note}) {
					t.Errorf("%s asked as %q: %s by %s is not in %+v", v.ID, asked, alg, m, found)
				}
			}
		}
	}
}

func holds(found []Match, want Match) bool {
	for _, m := range found {
		if m == want {
			return true
		}
	}
	return false
}

func TestIdentifyTriesEveryMethodOfEveryAlgorithmOfThatLength(t *testing.T) {
	for _, alg := range keys.Named() {
		key := testvec.Hex(t, "F2EAD8A31C5B7F0E45D3B96417CA8E209B26C4E9073D58B16A1FE3C08D5279B4")[:max(alg.KeyLen(), 8)]
		for i, m := range Methods(alg) {
			expected, err := Parse(full(t, alg, testvec.Upper(key), m))
			if err != nil {
				t.Fatal(err)
			}
			found, err := Identify(key, expected, alg)
			if err != nil {
				t.Fatal(err)
			}
			note := NoteOther
			if i == 0 {
				note = NoteNone
			}
			digits := len(expected.Digits)
			if !holds(found, Match{alg, m, digits, note}) {
				t.Errorf("%s by %s is not in %+v", alg, m, found)
			}
			found, err = Identify(key, expected, "")
			if err != nil || len(found) == 0 {
				t.Errorf("%s by %s is not found without its name: %v", alg, m, err)
			}
		}
	}
}

func TestIdentifyPutsDefaultsFirstAndSaysEachValueOnce(t *testing.T) {
	expected, err := Parse("08D7B4FB")
	if err != nil {
		t.Fatal(err)
	}
	found, err := Identify(testvec.Hex(t, keyT), expected, "")
	if err != nil {
		t.Fatal(err)
	}
	want := []Match{{keys.TDES128, ECBZero, 8, NoteNone}, {keys.TDES128, PAXMode1, 8, NoteOther}}
	if len(found) != 2 || found[0] != want[0] || found[1] != want[1] {
		t.Errorf("got %+v, want %+v", found, want)
	}
	sum, err := Parse("76BC87BAEC") // SHA-1 of the bytes, whatever algorithm they are for
	if err != nil {
		t.Fatal(err)
	}
	if found, err = Identify(testvec.Hex(t, keyT), sum, ""); err != nil || len(found) != 1 || found[0].Method != SHA1 {
		t.Errorf("got %+v, %v", found, err)
	}
}

func TestIdentifyOfAStrangerFindsNothing(t *testing.T) {
	for _, digits := range []string{"123456789A", "FFFFFFFF", "08D7B5"} {
		expected, err := Parse(digits)
		if err != nil {
			t.Fatal(err)
		}
		if found, err := Identify(testvec.Hex(t, keyT), expected, ""); err != nil || found != nil {
			t.Errorf("%s: found %+v, %v", digits, found, err)
		}
	}
	for _, alg := range keys.BlockCiphers() {
		if found, err := Identify(make([]byte, 20), Expected{Digits: "08D7B4"}, alg); err == nil || found != nil {
			t.Errorf("20 bytes were tried as %s: %+v", alg, found)
		}
	}
}

func TestMethodsAreParsedByName(t *testing.T) {
	for _, m := range []Method{ECBZero, CMAC, CMACEmpty, CMAC16, ECBOne, SHA1, SHA256, CCASHA256, HMACEmpty, PAXMode1, PAXMode2,
		HMACZeros(1), HMACZeros(32), HMACZeros(4096)} {
		for _, s := range []string{string(m), strings.ToUpper(string(m)), " " + string(m) + "\n"} {
			if got, err := ParseMethod(s); err != nil || got != m {
				t.Errorf("%q: got %q, %v", s, got, err)
			}
		}
	}
	for _, s := range []string{"", "ecb", "cmac-8", "hmac-zeros", "hmac-zeros-", "hmac-zeros-0", "hmac-zeros--1", "hmac-zeros-4097",
		"hmac-zeros-032", "hmac-zeros-+3", "hmac-zeros-99999999999999999999", "hmac-zeros-N", "pax-mode-3"} {
		m, err := ParseMethod(s)
		if m != "" || !fault.Is(err, fault.Usage) {
			t.Errorf("%q: got %q, %v", s, m, err)
		}
	}
}

func TestMethodsThatAnAlgorithmLacksAreRefused(t *testing.T) {
	all := []Method{ECBZero, CMAC, CMACEmpty, CMAC16, ECBOne, HMACEmpty, HMACZeros(16), PAXMode1, PAXMode2, "nonsense", ""}
	hashes := []Method{SHA1, SHA256, CCASHA256}
	for _, alg := range append(keys.Named(), keys.RSA, keys.EC, keys.DSA, keys.Raw) {
		has := map[Method]bool{}
		for _, m := range Methods(alg) {
			has[m] = true
		}
		has[HMACZeros(16)] = alg.IsHMAC()
		key := make([]byte, max(8, alg.KeyLen()))
		for _, m := range all {
			got, err := Compute(alg, key, m)
			if (err == nil) != has[m] {
				t.Errorf("%s by %s: %v", alg, m, err)
			}
			if err != nil && (got != nil || !fault.Is(err, fault.Usage)) {
				t.Errorf("%s by %s: got %X, %v", alg, m, got, err)
			}
		}
		for _, m := range hashes { // hashes take any bytes: diagnosis asks for them where users would not
			if _, err := Compute(alg, key, m); err != nil {
				t.Errorf("%s by %s: %v", alg, m, err)
			}
		}
	}
}

func TestKeyIsLeftAsItWas(t *testing.T) {
	for _, alg := range keys.BlockCiphers() {
		key := testvec.Hex(t, strings.Repeat("A5C37E0193D2486E", 4))[:alg.KeyLen()]
		before := testvec.Upper(key)
		for _, m := range Methods(alg) {
			if _, err := Compute(alg, key, m); err != nil {
				t.Fatal(err)
			}
			if hex.EncodeToString(key) != strings.ToLower(before) {
				t.Fatalf("%s by %s changed the key", alg, m)
			}
		}
	}
}
