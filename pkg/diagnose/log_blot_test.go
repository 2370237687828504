package diagnose

// Nothing that may be a key is left in a line.

import "testing"

func TestWhatLooksLikeAKeyIsHidden(t *testing.T) {
	for in, want := range map[string]string{
		"TMK=0123456789ABCDEFFEDCBA9876543210 ok":          "TMK=[hidden] ok",
		"tmk 0123 4567 89ab cdef fedc ba98 7654 3210.":     "tmk [hidden].",
		"01:23:45:67:89:AB:CD:EF":                          "[hidden]",
		"{0x01, 0x23, 0x45, 0x67, 0x89, 0xAB, 0xCD, 0xEF}": "{0x[hidden]}",
		"01234567-89ABCDEF":                                "[hidden]",
		"operator 02: 0123456789ABCDEFFEDCBA9876543210":    "operator 02: [hidden]",
		"half 0123456789ABCDEF":                            "half [hidden]",
		"012345 6789AB CDEF 0123":                          "[hidden]",
		"２Ｂ01２３４５６７８９ＡＢＣＤＥＦ x":                             "[hidden] x",
		"KSN=FFFF9876543210E00001 used":                    "KSN=FFFF98…00001 used",
		"KSN FFFF9876543210E00001FFFF9876543210E00001":     "KSN [hidden]",
		"KSN 0123456789ABCDEF":                             "KSN [hidden]",
		"2026-03-04 12:00:00.123 slot 3 error -314":        "2026-03-04 12:00:00.123 slot 3 error -314",
		"expected 8D0A74B8 got 8D0A74":                     "expected 8D0A74B8 got 8D0A74",
		"03-04 12:00:00.123  1234  5678 E Ped: no key":     "03-04 12:00:00.123  1234  5678 E Ped: no key",
		"bad face, added a decade ago":                     "bad face, added a decade ago",
		"20260304120000 A0":                                "20260304120000 A0",
		"550e8400-e29b-41d4-a716-446655440000":             "[hidden]",
		"\\x01\\x23\\x45\\x67\\x89\\xab\\xcd\\xef tail":    "\\x[hidden] tail",
	} {
		if got, _ := blot(in, false); got != want {
			t.Errorf("%q becomes %q, want %q", in, got, want)
		}
	}
	if got, n := blot("key 0123456789AB", true); got != "key [hidden]" || n != 1 {
		t.Errorf("digits at the end of a line that was cut: %q", got)
	}
}

func FuzzBlot(f *testing.F) {
	f.Add("TMK=0123456789ABCDEFFEDCBA9876543210", true)
	f.Add("KSN: FFFF9876543210E00001 0123 4567 89AB CDEF", false)
	f.Fuzz(func(t *testing.T, line string, cut bool) {
		got, _ := blot(line, cut)
		if holdsKey(got) {
			t.Errorf("%q becomes %q", line, got)
		}
	})
}

// holdsKey reports whether sixteen hex digits stand in a row.
func holdsKey(s string) bool {
	run := 0
	for _, r := range s {
		if !hexRune(r) {
			run = 0
			continue
		}
		if run++; run >= keyDigits {
			return true
		}
	}
	return false
}
