package custody

import (
	"strings"
	"testing"

	"poskey/internal/fault"
)

func TestPassphrasesThatAreRefused(t *testing.T) {
	cases := []struct {
		name, phrase string
		kind         fault.Kind
		says         string
	}{
		{"empty", "", fault.Malformed, "empty"},
		{"short", "elevenchars", fault.NotPermitted, "at least 12 characters"},
		{"short in Chinese", "一二三四五六七八九十甲", fault.NotPermitted, "at least 12"},
		{"few characters", "abababcdabababcd", fault.NotPermitted, "5 different"},
		{"blank in front", " abcdefghijklm", fault.NotPermitted, "begins nor ends"},
		{"blank behind", "abcdefghijklm ", fault.NotPermitted, "begins nor ends"},
		{"wide blank behind", "abcdefghijklm\u3000", fault.NotPermitted, "begins nor ends"},
		{"line end", "abcdefghijklm\n", fault.Malformed, "line end"},
		{"tab", "abcdef\tghijklm", fault.Malformed, "control character"},
		{"delete", "abcdef\x7Fghijklm", fault.Malformed, "control character"},
		{"no text", "abcdef\xFFghijklm", fault.Malformed, "UTF-8"},
		{"accent of its own", "cafe\u0301 olé et plus", fault.NotPermitted, "accent"},
		{"voiced mark of its own", "か\u3099きくけこさしすせそた", fault.NotPermitted, "accent"},
		{"long", strings.Repeat("abcde", 205), fault.TooLarge, "1024 bytes"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			noLeaks(t)
			p := phrase(c.phrase)
			defer p.Wipe()
			err := CheckPassphrase(p)
			mustFail(t, err, c.kind, c.says)
			if c.phrase != "" && strings.Contains(err.Error(), c.phrase) {
				t.Error("the error says the passphrase")
			}
		})
	}
}

func TestPassphrasesThatAreTaken(t *testing.T) {
	for _, s := range []string{"twelve chars", "correct horse battery", "café olé et plus", "一二三四五六七八九十甲乙",
		strings.Repeat("abcd ", 204) + "e"} {
		p := phrase(s)
		if err := CheckPassphrase(p); err != nil {
			t.Errorf("%q: %v", s, err)
		}
		p.Wipe()
	}
}
