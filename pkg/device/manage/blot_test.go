package manage_test

import (
	"testing"

	"poskey/pkg/device/manage"
)

func TestBlotTakesTheDigitsAndLeavesTheSentence(t *testing.T) {
	for in, want := range map[string]string{
		"":               "",
		"a bad face 1 锁": "a bad face 1 锁",
		"request 18C096F6112C34312C250DD2C68771E6 is spent": "request (32 digits) is spent",
		"0123 4567 89ab cdef":                               "(16 digits)",
		"0123-4567-89AB-CDE":                                "0123-4567-89AB-CDE",
		`{"x":"0123456789ABCDEF","y":"0123456789ABCDE"}`:    `{"x":"(16 digits)","y":"0123456789ABCDE"}`,
		"2026-03-01T07:00:00Z":                              "2026-03-01T07:00:00Z",
		"01:23:45:67:89:AB:CD:EF":                           "(16 digits)",
		"2026-03-01 07:00:00 accepted":                      "2026-03-01 07:00:00 accepted",
		"锁0123456789ABCDEF0123456789ABCDEF锁":                "锁(32 digits)锁",
	} {
		if got := manage.Blot(in); got != want {
			t.Errorf("%q becomes %q, want %q", in, got, want)
		}
	}
}
