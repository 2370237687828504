package pkcs11

import (
	"bytes"
	"strings"
	"testing"

	"poskey/internal/fault"
	"poskey/pkg/hsm"
	"poskey/pkg/keys"
)

func attributes() hsm.Attributes {
	return hsm.Attributes{Algorithm: keys.TDES128, Usage: keys.UsagePIN, Mode: 'E', Exportability: 'N',
		Label: "ZPK-TEST#3"}
}

func sealed(t testing.TB, a hsm.Attributes, keyLen int) string {
	t.Helper()
	h, err := newHandle(a, keyLen, bytes.Repeat([]byte{0xA5}, 24))
	if err != nil {
		t.Fatal(err)
	}
	h.mac = bytes.Repeat([]byte{0x5A}, handleMAC)
	return h.text()
}

func TestAHandleIsReadAsItWasWritten(t *testing.T) {
	want := "70" + "121P0TE00N02" + "10" + "10080010" + "LB0EZPK-TEST#3" + strings.Repeat("A5",
		24) + strings.Repeat("5A", 16)
	got := sealed(t, attributes(), 16)
	if len(got) != len(want) || got[5:] != want[5:] {
		t.Errorf("handle %s\nwant   %s", got, want)
	}
	for _, alg := range append(keys.Named(), keys.RSA, keys.EC, keys.DSA) {
		a := attributes()
		a.Algorithm = alg
		n := max(alg.DefaultLen(), 8)
		text := sealed(t, a, n)
		h, err := parseHandle(text)
		if err != nil || h.attributes != a || h.len != n || h.text() != text {
			t.Errorf("%s: %+v, error %v", alg, h, err)
		}
	}
}

func TestADamagedHandleIsRefused(t *testing.T) {
	good := sealed(t, attributes(), 16)
	for _, bad := range []string{
		"", good[1:], good[:len(good)-1], good + "0", "D" + good[1:], strings.ToLower(good), strings.Replace(good,
			"A5", "a5", 1),
		strings.Replace(good, "10080010", "10080000", 1), strings.Replace(good, "10080010", "1108001F", 1),
	} {
		if h, err := parseHandle(bad); err == nil || h.covered != "" || h.wrapped != nil {
			t.Errorf("%s was taken: %+v", bad, h)
		}
	}
}

func TestAttributesThatNoHandleHoldsAreRefused(t *testing.T) {
	for _, change := range []func(*hsm.Attributes){
		func(a *hsm.Attributes) { a.Usage = "P" }, func(a *hsm.Attributes) { a.Usage = "P-" },
		func(a *hsm.Attributes) { a.Mode = ' ' },
		func(a *hsm.Attributes) { a.Exportability = 'X' }, func(a *hsm.Attributes) { a.Label = "a\nb" },
		func(a *hsm.Attributes) { a.Label = strings.Repeat("x", hsm.MaxLabel+1) },
	} {
		a := attributes()
		change(&a)
		if h, err := newHandle(a, 16, make([]byte, 24)); err == nil || h.covered != "" {
			t.Errorf("%+v were taken", a)
		}
	}
	if _, err := newHandle(attributes(), maxKeyLen+1, nil); !fault.Is(err, fault.TooLarge) {
		t.Errorf("a key of %d bytes: %v", maxKeyLen+1, err)
	}
}

func FuzzMalleability(f *testing.F) {
	f.Add(sealed(f, attributes(), 16))
	f.Fuzz(func(t *testing.T, text string) {
		h, err := parseHandle(text)
		if err != nil {
			if h.covered != "" || h.mac != nil || h.attributes != (hsm.Attributes{}) {
				t.Errorf("%q: refused with %+v", text, h)
			}
			return
		}
		if h.text() != text {
			t.Errorf("%q is written as %q", text, h.text())
		}
	})
}
