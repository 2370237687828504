package text

// Nothing that may be a key is shown, and what is none can be read.

import (
	"strings"
	"testing"
)

// spelled gives a test key in the forms that people and programs write keys in.
func spelled(key string) []string {
	pairs := func(before, between, after string) string {
		var all []string
		for i := 0; i < len(key); i += 2 {
			all = append(all, before+key[i:i+2]+after)
		}
		return strings.Join(all, between)
	}
	groups := func(size int, between string) string {
		var all []string
		for i := 0; i < len(key); i += size {
			all = append(all, key[i:min(len(key), i+size)])
		}
		return strings.Join(all, between)
	}
	wide := strings.Map(func(r rune) rune { return r + 0xFEE0 }, key)
	all := []string{key, strings.ToLower(key), wide, pairs("0x", ", ", ""), pairs(`\x`, "", ""), pairs("%", "", ""),
		pairs("", " ", "h"),
		pairs("'", ", ", "'"), pairs("\"", "\",\"", "\""), pairs("(byte)0x", ", ", ""), pairs("0x", "", "")}
	for _, between := range []string{" ", "_", "-", ":", ".", "/", "|", "~", "+", "·", "、", ", ", ";", "\t", "\n",
		"  ", "__", "\u00a0", "*", "#"} {
		all = append(all, groups(4, between), groups(2, between), groups(1, between), groups(8, between),
			groups(6, between))
	}
	return append(all, key[:6]+"_"+key[6:16]+"_"+key[16:], key[:5]+" "+key[5:12]+"-"+key[12:], key[:16]+"-"+key[16:])
}

// mostLeft is what may be left: of what stands round the digits, and a pair that a letter touches.
const mostLeft = 8

func TestAKeyIsHiddenHoweverItIsWritten(t *testing.T) {
	const key = "3B7A91C4E05D62F8A94C13D78E206FB5" // a test key
	keys := []string{key, strings.ReplaceAll(key, "0", "O"), strings.ReplaceAll(key, "1", "l"),
		strings.ReplaceAll(key, "1", "I"),
		strings.ReplaceAll(key, "5", "S"), strings.ReplaceAll(key, "8", "B")}
	for _, one := range keys {
		for _, in := range spelled(one) {
			for _, around := range [][2]string{{"", ""}, {"TMK=", " MAC error A0"}, {"密钥错误14 TMK ", "。"},
				{"2026-03-02 09:14:07 key ", ""},
				{"slot 1 kcv=1672B2BC key: ", " ok"}, {"k", "z"}} {
				line := around[0] + in + around[1]
				if got, n := Hide(line); n == 0 || left(got, around) > mostLeft {
					t.Errorf("%q becomes %q", line, got)
				}
			}
		}
	}
}

// left counts the hex digits that are left between what stood around a key.
func left(s string, around [2]string) int {
	s = strings.TrimPrefix(strings.TrimSuffix(s, around[1]), around[0])
	n := 0
	for _, r := range strings.ReplaceAll(s, Hidden, "") {
		if kindOf(r) >= kindHex {
			n++
		}
	}
	return n
}

func TestAKeyInBase64OrEscapesIsHidden(t *testing.T) {
	for _, line := range []string{
		"key=O3qRxOBdYvipTBPXjiBvtQ==", "密钥=O3qRxOBdYvipTBPXjiBvtQ", "x O3qRxOBdYvipTBPXjiBvtQ== y",
		"tmk: O3qRxOBdYvipTBPXjiBvtTt6kcTgXWL4",
		`{"kek":"O3qRxOBdYvipTBPXjiBvtTt6kcTgXWL4qUwT144gb7U="}`, "k=%3Bz%91%C4%E0%5Db%F8%A9L%13%D7%8E%20o%B5",
		"k=3B%37A91C4%450%35D62%46%384C13",
	} {
		if got, n := Hide(line); n == 0 {
			t.Errorf("%q stays %q", line, got)
		}
	}
}

func TestWhatIsNoKeyStaysReadable(t *testing.T) {
	for _, line := range []string{
		"2026-03-04 12:00:00.123 slot 3 error -314", "expected 8D0A74B8 got 8D0A74",
		"03-04 12:00:00.123  1234  5678 E Ped: no key",
		"bad face, added a decade ago", "20260304120000 A0", "校验值 8D0A74B8 != 43C6CC12", "8D0A74B8 / 43C6CC12",
		"device 20260304120000 A0",
		"inject ok serial=PK00004711 slot=1 key=TMK kcv=1672B2BC", "PK00004711,1,TMK,1672B2BC,2026-03-02",
		"trade 12345678901234 ok",
		"4711,12345678,1672B2BC,ok", "2026-03-02 09:14:07 1672B2BC", "mac 00:1A:2B:3C:4D:5E", "192.168.10.15:8443",
		"issold lol bool Solid",
		"DE39=00 DE41=12345678", "node 12 cafe 5 dead code", "%E5%AF%86%E9%92%A5%E9%94%99%E8%AF%AF",
		"PED_RET_ERR_KEY_LEN_ERR", "0x0000FFFE",
		"key=TMK_MASTER_INJECTION_SLOT_01", "com.example.keys.Manager", "/tmp/TestStory1234567890/001/file.log",
		"PK0000471112 PK0000471113",
		"KCV 43C6CC, 8D0A74", "TAMPER 00 00 00 1A 2B 3C", "v1.2.3-20260304", "2026/03/04 12:00:00 A1 B2",
	} {
		if got, n := Hide(line); n != 0 || got != line {
			t.Errorf("%q becomes %q", line, got)
		}
	}
}

func TestAWordWithAKeyIsDescribedAndNotRepeated(t *testing.T) {
	for in, want := range map[string]string{
		"/etc/poskey/config": "/etc/poskey/config", "0123456789ABCDEF": "(16 characters)",
		"3B7A_91C4_E05D_62F8_A94C": "(24 characters)",
		"2026-13-01":               "2026-13-01",
	} {
		if got := Redact(in); got != want {
			t.Errorf("%q becomes %q", in, got)
		}
	}
}

func FuzzHide(f *testing.F) {
	f.Add("KSN: FFFF9876543210E00001 0123 4567 89AB CDEF", true)
	f.Add("0000000000000000X0X", false)
	f.Add("%3B%7A%91 ０１２３ \u200b4567_89ab 2026年03月04 12:00:00", false)
	f.Fuzz(func(t *testing.T, line string, cut bool) {
		got, _ := hide(line, cut)
		run := 0
		for _, r := range got {
			if kindOf(r) < kindHex {
				run = 0
			} else if run++; run >= keyDigits {
				t.Fatalf("%q becomes %q", line, got)
			}
		}
	})
}
