package unionpay_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"

	"poskey/internal/fault"
	"poskey/internal/testvec"
	"poskey/pkg/keys"
	"poskey/pkg/unionpay"
)

// file is the vector file: layouts and vectors.
type file struct {
	Layouts []struct {
		ID     string
		F60    []string `json:"f60_3"`
		Length *int
		Alg    string `json:"algorithm"`
		Fields []struct {
			Name     string
			At       int  `json:"ct_offset"`
			Bytes    int  `json:"ct_bytes"`
			Pad      int  `json:"pad_bytes"`
			CheckAt  *int `json:"kcv_offset"`
			CheckLen int  `json:"kcv_bytes"`
			KeyLen   int  `json:"kcv_key_bytes"`
		}
		Certainty string
	}
	Vectors []struct {
		ID, Kind, Algorithm, Key, Data, Result, Layout, Field62 string
		MACText                                                 string `json:"mac_text"`
		F60                                                     string `json:"f60_3"`
	}
}

func load(t testing.TB) file {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(testvec.Root(t), "testdata", "vectors", "unionpay.json"))
	if err != nil {
		t.Fatal(err)
	}
	var f file
	if err := json.Unmarshal(raw, &f); err != nil || len(f.Layouts) == 0 || len(f.Vectors) == 0 {
		t.Fatalf("the vector file is empty: %v", err)
	}
	return f
}

func TestLayoutsAreThoseOfTheVectorFile(t *testing.T) {
	all := unionpay.Layouts()
	want := load(t).Layouts
	if len(all) != len(want) {
		t.Fatalf("%d layouts, the file has %d", len(all), len(want))
	}
	for i, w := range want {
		l := all[i]
		length := 0
		if w.Length != nil {
			length = *w.Length
		}
		if l.ID != w.ID || !slices.Equal(l.Codes, w.F60) || l.Length != length || l.Confirmed != (w.Certainty == "published") ||
			len(l.Slots) != len(w.Fields) || (l.TMK == keys.SM4) != (w.Alg == "sm4") {
			t.Errorf("%s: %+v, the file has %+v", w.ID, l, w)
			continue
		}
		for j, f := range w.Fields {
			s := l.Slots[j]
			at := -1
			if f.CheckAt != nil {
				at = *f.CheckAt
			}
			if string(s.Key) != f.Name || s.At != f.At || s.Bytes != f.Bytes || s.Pad != f.Pad || s.CheckAt != at ||
				s.CheckLen != f.CheckLen || s.Alg.KeyLen() != f.KeyLen {
				t.Errorf("%s %s: %+v, the file has %+v", w.ID, f.Name, s, f)
			}
		}
		if l.Length != 0 && l.End() != l.Length {
			t.Errorf("%s: the slots end at %d, the field at %d", l.ID, l.End(), l.Length)
		}
	}
}

func TestALayoutBeginsALongerOneWithTheSameKeysAtTheSamePlaces(t *testing.T) {
	begins := map[string][]string{}
	for _, l := range unionpay.Layouts() {
		for _, longer := range unionpay.Layouts() {
			if l.Begins(longer) {
				begins[l.ID] = append(begins[l.ID], longer.ID)
			}
		}
		if l.Checked() == (l.ID == "woepay") {
			t.Errorf("%s: it has check values: %v", l.ID, l.Checked())
		}
	}
	want := map[string][]string{"cup-003": {"cup-004"}, "cup-005-40": {"cup-005-60"}, "cup-triple-56": {"cup-triple-84"}}
	if !reflect.DeepEqual(begins, want) {
		t.Errorf("%v, want %v", begins, want)
	}
}

func TestField60IsCutIntoItsParts(t *testing.T) {
	for digits, want := range map[string]unionpay.Field60{
		"22000001":          {Type: "22", Batch: "000001"},
		"00000001003":       {Type: "00", Batch: "000001", Code: "003"},
		"22000001000500123": {Type: "22", Batch: "000001", Code: "000"},
	} {
		if got, err := unionpay.ParseField60(digits); err != nil || got != want {
			t.Errorf("%s: %+v, %v; want %+v", digits, got, err, want)
		}
	}
	for _, digits := range []string{"", "2200000", "220000010005001234", "2200000A003"} {
		if got, err := unionpay.ParseField60(digits); !fault.Is(err, fault.Malformed) || got != (unionpay.Field60{}) {
			t.Errorf("%q is taken: %+v, %v", digits, got, err)
		}
	}
}

func TestEverySignInVectorFitsItsLayout(t *testing.T) {
	n := 0
	for _, v := range load(t).Vectors {
		if v.Kind != "signin" {
			continue
		}
		n++
		field := testvec.Hex(t, v.Field62)
		found := false
		for _, l := range unionpay.Usual(v.F60, len(field)) {
			found = found || l.ID == v.Layout
		}
		if !found {
			t.Errorf("%s: %s is not usual for %s and %d bytes", v.ID, v.Layout, v.F60, len(field))
		}
	}
	if n == 0 {
		t.Fatal("no sign-in vectors")
	}
}

func TestMACVectors(t *testing.T) {
	rules := map[string]struct {
		rule unionpay.Rule
		alg  keys.Algorithm
		text bool
	}{
		"unionpay-ecb-des":  {unionpay.RuleECB, keys.DES, true},
		"unionpay-ecb-tdes": {unionpay.RuleECB, keys.TDES128, true},
		"unionpay-ecb-sm4":  {unionpay.RuleECB, keys.SM4, true},
		"x9.9-cbc-des":      {unionpay.RuleX99, keys.DES, false},
		"x9.19-retail":      {unionpay.RuleX919, keys.TDES128, false},
		"sm4-cbc-mac":       {unionpay.RuleCBC, keys.SM4, false},
	}
	n := 0
	for _, v := range load(t).Vectors {
		if v.Kind != "mac" {
			continue
		}
		n++
		r, known := rules[v.Algorithm]
		if !known {
			t.Errorf("%s: no rule for %s", v.ID, v.Algorithm)
			continue
		}
		got, err := r.rule.Sum(r.alg, testvec.Hex(t, v.Key), testvec.Hex(t, v.Data), unionpay.PadZero)
		if err != nil {
			t.Fatal(err)
		}
		want := testvec.Hex(t, v.Result)[:unionpay.MACLen]
		if r.text {
			want = []byte(v.MACText)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s: got %X, want %X", v.ID, got, want)
		}
	}
	if n != len(rules) {
		t.Fatalf("%d MAC vectors, want %d", n, len(rules))
	}
}

// captured is the message of vector V3 with its MAC behind it.
func captured(t testing.TB) []byte {
	t.Helper()
	for _, v := range load(t).Vectors {
		if v.ID == "V3-mac" {
			return append(testvec.Hex(t, v.Data), v.MACText...)
		}
	}
	t.Fatal("vector V3-mac is missing")
	return nil
}

func TestACapturedMessageIsReadWithAndWithoutHeaders(t *testing.T) {
	raw := captured(t)
	for _, before := range []string{"", "0063", "6000030000", "00686000030000", "6000030000603100311308", "006E6000030000603100311308"} {
		m, err := unionpay.ParseMessage(append(testvec.Hex(t, before), raw...))
		if err != nil {
			t.Fatalf("after %q: %v", before, err)
		}
		if m.MTI != "0200" || m.Field60 != "22000001" || string(m.MAC) != "8A9E91B8" || !bytes.Equal(m.MAB, raw[:len(raw)-8]) ||
			!m.Has(35) || m.Has(62) {
			t.Errorf("after %q: %+v", before, m)
		}
	}
}

func TestAMessageCutAnywhereIsRefused(t *testing.T) {
	raw := captured(t)
	for n := range raw {
		if m, err := unionpay.ParseMessage(raw[:n]); err == nil {
			t.Errorf("cut to %d bytes it is read as %+v", n, m)
		}
	}
}

func FuzzParseMessage(f *testing.F) {
	f.Add(captured(f))
	f.Fuzz(func(t *testing.T, raw []byte) {
		m, err := unionpay.ParseMessage(raw)
		switch {
		case err != nil && !reflect.DeepEqual(m, unionpay.Message{}):
			t.Fatalf("an error with a message: %+v", m)
		case err == nil && m.MAC != nil && !bytes.HasSuffix(raw, append(slices.Clone(m.MAB), m.MAC...)):
			t.Fatalf("the message is not what its MAC is over, with the MAC: %+v", m)
		}
	})
}
