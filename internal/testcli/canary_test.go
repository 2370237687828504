package testcli

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

func TestEveryFormOfAKeyIsFound(t *testing.T) {
	raw, err := hex.DecodeString(Canary)
	if err != nil {
		t.Fatal(err)
	}
	lower := strings.ToLower(Canary)
	forms := map[string]string{
		"upper case":        "the key " + Canary + " is",
		"lower case":        lower,
		"the other canary":  canary2,
		"groups of four":    regexp.MustCompile("(....)").ReplaceAllString(Canary, "$1 "),
		"bytes with dashes": regexp.MustCompile("(..)").ReplaceAllString(lower, "$1-"),
		"two lines":         Canary[:16] + "\n" + Canary[16:],
		"the first half":    `{"value":"` + Canary[:16] + `"}`,
		"the last digits":   Canary[20:],
		"Go's %x of bytes":  fmt.Sprintf("% x", raw),
		"Go's %v of bytes":  fmt.Sprint(raw),
		"Go's %#v of bytes": fmt.Sprintf("%#v", raw),
		"JSON of bytes":     strings.ReplaceAll(fmt.Sprint(raw), " ", ","),
		"escaped":           regexp.MustCompile("(..)").ReplaceAllString(lower, `\x$1`),
		"raw":               "x" + string(raw) + "y",
		"half of it raw":    string(raw[8:]),
		"base64":            base64.StdEncoding.EncodeToString(raw),
		"base64, shifted":   base64.StdEncoding.EncodeToString(append([]byte("k="), raw...)),
		"base64 for URLs":   base64.URLEncoding.EncodeToString(append([]byte("k"), raw...)),
		"base64 of hex":     base64.StdEncoding.EncodeToString([]byte("key " + lower)),
		"a passphrase":      "typed: TEST " + CanaryWords,
		"some of its words": "Walnut Orbit",
		"a passphrase, hex": hex.EncodeToString([]byte(CanaryWords)),
		"in base64":         base64.StdEncoding.EncodeToString([]byte("of " + CanaryWords)),
	}
	for name, text := range forms {
		if formOfKey([]byte("before "+text+" after")) == "" {
			t.Errorf("%s: not found in %q", name, text)
		}
	}
}

func TestOtherValuesAreNoKey(t *testing.T) {
	for _, text := range []string{
		"", "check value 844876 (ecb-zero)", "844876EADC10222F", Canary[:10], "B0096P0TE00E0000B7B25585C6A7B55634322B3C5BD87DCC",
		"0123456789ABCDEFFEDCBA9876543210",
	} {
		if form := formOfKey([]byte(text)); form != "" {
			t.Errorf("%q is taken for a key (%s)", text, form)
		}
	}
}

func TestSearchLooksAtOutputsAndFiles(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	input, s := write("input", Canary), newSearch(dir)
	if err := s.takeInputs(); err != nil {
		t.Fatal(err)
	}
	s.heard("one", []byte(Canary), nil)
	s.heard("two", nil, []byte(Canary))
	s.heard("three", []byte(Canary), []byte("844876"))
	for _, stream := range []string{"stdout", "stderr"} {
		if err := s.allowLast(stream); err != nil {
			t.Fatal(err)
		}
	}
	write("log", "x"+strings.ToLower(Canary))
	s.allow(write("shown", Canary))
	s.allow(write("harmless", "nothing"))
	s.allow(filepath.Join(dir, "missing"))
	got := strings.Join(s.run(), "\n")
	for _, want := range []string{
		"a canary key stands (hex digits) in stdout of one", "(hex digits) in stderr of two", "stderr of three is declared", "(hex digits) in file " + filepath.Join(dir, "log"),
		"harmless is declared", "missing is declared",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is missing in:\n%s", want, got)
		}
	}
	if n := strings.Count(got, "\n") + 1; n != 6 {
		t.Errorf("%d findings, want 6:\n%s", n, got)
	}
	if err := os.WriteFile(input, []byte(Canary+Canary), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(s.run(), "\n"); !strings.Contains(got, "in file "+input) {
		t.Errorf("an input that poskey has written into is not searched:\n%s", got)
	}
}
