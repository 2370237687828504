//go:build cgo && linux

package pkcs11

import (
	"testing"

	p11 "github.com/miekg/pkcs11"

	"poskey/pkg/kcv"
	"poskey/pkg/keys"
)

// TestAListedKeyHasTheValueThatItsTokenComputes: TEST keys of somebody else's, in the token.
func TestAListedKeyHasTheValueThatItsTokenComputes(t *testing.T) {
	_, soft := softhsm(t)
	for name, u := range map[string]URI{"softhsm": soft, "nss": nss(t)} {
		tok, err := Connect(t.Context(), u, options(NewModules()))
		if err != nil {
			t.Fatal(err)
		}
		want := map[string]ObjectInfo{
			"k-aes-256":  {ID: "00AB", Type: "aes", Len: 32, Check: kcv.Value{Method: kcv.ECBZero, Digits: "F29000"}},
			"k-tdes-128": {ID: "01AB", Type: "des2", Len: 16, Check: kcv.Value{Method: kcv.ECBZero, Digits: "08D7B4"}},
		}
		err = tok.with(t.Context(), func(s *session) error {
			for i, alg := range []keys.Algorithm{keys.AES256, keys.TDES128} {
				k, _ := kindOf(alg)
				list := s.attributes(template{keyType: k.keyType, uses: k.usesOf()})
				list[2] = p11.NewAttribute(p11.CKA_TOKEN, true)
				list = append(list, p11.NewAttribute(p11.CKA_LABEL, "k-"+string(alg)), p11.NewAttribute(p11.CKA_ID,
					[]byte{byte(i), 0xAB})) // NSS keeps one key of an id
				clear := testKey(alg)
				_, err := s.m.create(s.h, list, clear)
				clear.Wipe()
				if err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		all, err := tok.Keys(t.Context())
		if err != nil || len(all) != len(want) {
			t.Errorf("%s: %+v, error %v", name, all, err)
		}
		for _, k := range all {
			w := want[k.Label]
			if k.Type != w.Type || k.Len != w.Len || k.Check != w.Check || k.ID != w.ID || !k.Sensitive || k.Extractable || k.Local {
				t.Errorf("%s: %+v, want %+v", name, k, w)
			}
		}
		if err := tok.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestTextsOfATokenAreSafeToPrint(t *testing.T) {
	for given, want := range map[string]string{
		"label   ": "label", "a\x1b[2Jb\x00\x00": "a?[2Jb", "密钥 ": "密钥", "\xff\xfe": "?", "c\u009bd": "c?d", "": "",
	} {
		if got := plain(given); got != want {
			t.Errorf("%q becomes %q, want %q", given, got, want)
		}
	}
}
