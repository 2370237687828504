package errorcode

import (
	"slices"
	"strings"
	"testing"

	"poskey/internal/fault"
)

// id names a reading in a test.
func id(r Reading) string {
	if r.Code == "" {
		return r.Vendor + " " + r.Symbol
	}
	return r.Vendor + " " + r.Code
}

func ids(readings []Reading) []string {
	var all []string
	for _, r := range readings {
		all = append(all, id(r))
	}
	return all
}

func asked(t *testing.T, d *Dictionary, q Query) Answer {
	t.Helper()
	a, err := d.Look(q)
	if err != nil {
		t.Fatalf("%+v: %v", q, err)
	}
	return a
}

func TestKeyError14IsRankedAndNeverOneThing(t *testing.T) {
	d := open(t)
	want := []struct {
		id     string
		weight Weight
	}{
		{"pax -314", High}, {"basewin 0xFEC6", High}, {"lc610n -4514", High}, {"morefun -7014", High}, {"newland -1314", High},
		{"sunmi -40014", Medium}, {"kozen -40014", Medium}, {"telpo 1014", Medium}, {"nexgo -7014", Medium},
		{"castles 0x290E", Low}, {"castles 0x2914", Low}, {"verifone-adk 0x00110114", Low}, {"verifone-adk 0x00120014", Low},
		{"thales-payshield 14", Low},
	}
	for _, said := range []string{
		"14", "密钥错误14", "密钥错误 14", "密钥错误：１４", "密钥错误(14)", "密钥错误代码14", "POS机显示密钥错误14", "key error 14", "PED error 14",
		"error14", "POS机显示：密钥错误14，怎么办？", "the terminal shows key error no. 14",
	} {
		a := asked(t, d, Query{Text: said})
		got := ids(a.Readings)
		if !slices.Equal(got[:5], []string{want[0].id, want[1].id, want[2].id, want[3].id, want[4].id}) {
			t.Errorf("%q begins with %v", said, got[:5])
		}
		for _, w := range want {
			n := slices.Index(got, w.id)
			if n < 0 || a.Readings[n].Weight != w.weight {
				t.Errorf("%q: %s is at %d of %v", said, w.id, n, got)
			}
		}
		for _, r := range a.Readings {
			if strings.HasPrefix(r.Table, "DE39") {
				t.Errorf("%q: %s %s, and nobody spoke of a response code", said, r.Vendor, r.Table)
			}
			if r.Why.IsZero() || r.Via.Why.IsZero() {
				t.Errorf("%q: %s says no reason", said, id(r))
			}
		}
		if len(a.Asks) < 2 || !strings.Contains(a.Asks[0].String(), "who made the terminal") ||
			!strings.Contains(a.Asks[1].String(), "应答码") {
			t.Errorf("%q asks %v", said, a.Asks)
		}
	}
}

func TestResponseCode14IsACard(t *testing.T) {
	d := open(t)
	for _, said := range []string{
		"应答码14", "返回码14", "返回码：14", "response code 14", "DE39 14", "DE39=14", "F39: 14", "39域 14", "POS应答码为14", "14 无效卡号", "14无效卡号",
		"response_code=14",
	} {
		a := asked(t, d, Query{Text: said})
		if len(a.Readings) == 0 || id(a.Readings[0]) != "unionpay 14" || a.Readings[0].KeyRelated {
			t.Errorf("%q begins with %v", said, ids(a.Readings))
		}
		for _, r := range a.Readings {
			if r.Weight == High && !strings.HasPrefix(r.Table, "DE39") {
				t.Errorf("%q: %s counts as much as the response code", said, id(r))
			}
		}
	}
}

func TestACodeIsFoundInEveryForm(t *testing.T) {
	d := open(t)
	for _, c := range []struct {
		text, vendor, table string
		want                []string // how the readings begin
		how                 How
	}{
		{"65223", "", "", []string{"kozen 65223", "basewin 0xFEC7", "pax -313"}, AsWritten},
		{"65,223", "", "", []string{"kozen 65223"}, AsWritten},
		{"65 223", "", "", []string{"kozen 65223"}, AsWritten},
		{"0xFEC7", "", "", []string{"basewin 0xFEC7", "kozen 65223", "pax -313"}, AsWritten},
		{"65223", "pax", "", []string{"pax -313"}, Signed16},
		{"65222", "", "", []string{"basewin 0xFEC6", "pax -314"}, AsWritten},
		{"65222", "basewin", "", []string{"basewin 0xFEC6"}, AsWritten},
		{"0xFFFFFEC6", "", "", []string{"pax -314"}, Signed32},
		{"FFFFFEC6", "", "", []string{"pax -314"}, Signed32},
		{"4294966982", "", "", []string{"pax -314"}, Signed32},
		{"0xFFFFFFFFFFFFFEC6", "", "", []string{"pax -314"}, Signed64},
		{"-314", "", "", []string{"pax -314", "basewin 0xFEC6"}, AsWritten},
		{"-314", "basewin", "", []string{"basewin 0xFEC6"}, Unsigned16},
		{"-0314", "", "", []string{"pax -314"}, AsWritten},
		{"－３１４", "", "", []string{"pax -314"}, AsWritten},
		{"−314", "", "", []string{"pax -314"}, AsWritten},
		{"– 314", "", "", []string{"pax -314"}, AsWritten},
		{"—314", "", "", []string{"pax -314"}, AsWritten},
		{" -3\u200b14\u3000", "", "", []string{"pax -314"}, AsWritten},
		{"314", "", "", []string{"pax -314"}, SignLost},
		{"1314", "", "", []string{"newland -1314"}, SignLost},
		{"FEC6", "", "", []string{"basewin 0xFEC6", "pax -314"}, AsHex},
		{"fe c6", "", "", []string{"basewin 0xFEC6"}, AsHex},
		{"0x FE C6", "", "", []string{"basewin 0xFEC6"}, AsWritten},
		{"ＦＥＣ６", "", "", []string{"basewin 0xFEC6"}, AsHex},
		{"2914", "", "", []string{"castles 0x2914"}, AsHex},
		{"00110114", "", "", []string{"verifone-adk 0x00110114"}, AsHex},
		{"0x110114", "", "", []string{"verifone-adk 0x00110114"}, AsWritten},
		{"-2147483648", "", "", []string{"pkcs11 0x80000000"}, Unsigned32},
		{"14", "newland", "", []string{"newland -1314"}, Ordinal},
		{"14", "新大陆", "", []string{"newland -1314"}, Ordinal},
		{"14", "pax", "", []string{"pax -314"}, Ordinal},
		{"14", "百富", "", []string{"pax -314"}, Ordinal},
		{"14", "PAX", "", []string{"pax -314"}, Ordinal},
		{"14", "basewin", "", []string{"basewin 0xFEC6"}, Ordinal},
		{"14", "lc610n", "", []string{"lc610n -4514"}, Ordinal},
		{"14", "kozen", "", []string{"kozen -40014", "kozen -40214"}, Ordinal},
		{"14", "nexgo", "", []string{"nexgo -7014"}, Ordinal},
		{"8", "nexgo", "", []string{"nexgo -7008"}, Ordinal},
		{"8", "newland", "", []string{"newland -1308", "newland -1208"}, Ordinal},
		{"14", "castles", "", []string{"castles 0x290E", "castles 0x2914"}, Ordinal},
		{"14", "telpo", "", []string{"telpo 1014", "telpo 2014"}, Ordinal},
		{"14", "payshield", "", []string{"thales-payshield 14"}, AsWritten},
		{"14", "unionpay", "", []string{"unionpay 14"}, AsWritten},
		{"14", "", "DE39", []string{"iso8583-1987 14", "unionpay 14"}, AsWritten},
		{"36", "pax", "", []string{"ped-300-family -336"}, Ordinal},
		{"-411", "pax", "", []string{"ped-300-family -411"}, AsWritten},
		{"密钥错误14", "newland", "", []string{"newland -1314"}, Ordinal},
		{"新大陆 密钥错误14", "", "", []string{"newland -1314"}, Ordinal},
		{"Kozen key error 14", "", "", []string{"kozen -40014"}, Ordinal},
		{"A0", "", "unionpay", []string{"unionpay A0"}, AsWritten},
		{"a0", "", "银联", []string{"unionpay A0"}, AsWritten},
		{"A0 MAC校验错", "", "", []string{"unionpay A0"}, WithText},
		{"A0MAC校验错", "", "", []string{"unionpay A0"}, WithText},
		{"Ａ０　ＭＡＣ校验错", "", "", []string{"unionpay A0"}, WithText},
		{"A0: MAC wrong", "", "", []string{"unionpay A0"}, WithText},
		{"99PIN格式错", "", "", []string{"unionpay 99"}, WithText},
		{"97 终端号未登记", "", "", []string{"unionpay 97"}, WithText},
		{"916 MAC error", "", "", []string{"iso8583-1993 916"}, WithText},
		{"-314 密钥长度错", "", "", []string{"pax -314"}, WithText},
		{"应答码 A0", "", "", []string{"unionpay A0"}, AsWritten},
		{"55", "", "", []string{"unionpay 55"}, AsWritten},
		{"A6/10", "", "", []string{"thales-payshield A6/10"}, Compound},
		{"a6 10", "", "", []string{"thales-payshield A6/10"}, Compound},
		{"A6-10", "payshield", "", []string{"thales-payshield A6/10"}, Compound},
		{"A710", "", "", []string{"thales-payshield A6/10", "thales-payshield 10"}, HSMAnswer},
		{"FB10", "", "", []string{"thales-payshield 10"}, HSMAnswer},
		{"02/B", "", "", []string{"uic-pp791 02/B"}, Compound},
		{"2/b", "", "", []string{"uic-pp791 02/B"}, Compound},
		{"B", "uic", "", []string{"uic-pp791 02/B", "uic-pp791 71/B"}, Compound},
		{"4/195", "", "", []string{"ibm-cca 4/195"}, Compound},
		{"004/195", "", "", []string{"ibm-cca 4/195"}, Compound},
		{"4 195", "", "", []string{"ibm-cca 4/195"}, Compound},
		{"195", "ibm", "", []string{"ibm-cca 4/195"}, Compound},
		{"0/2", "", "", []string{"ibm-cca 0/2"}, Compound},
		{"0x0A", "", "", []string{"pkcs11 0x0000000A"}, AsWritten},
		{"密钥错误14号", "newland", "", []string{"newland -1314"}, Ordinal},
		{"0x96", "", "", []string{"magtek-dynapro 0x96"}, AsWritten},
		{"96", "magtek", "", []string{"magtek-dynapro 0x96"}, AsHex},
	} {
		a := asked(t, d, Query{Text: c.text, Vendor: c.vendor, Table: c.table})
		got := ids(a.Readings)
		if len(got) < len(c.want) || !slices.Equal(got[:len(c.want)], c.want) {
			t.Errorf("%q of %q %q: %v, want %v first", c.text, c.vendor, c.table, got, c.want)
			continue
		}
		if a.Readings[0].Via.How != c.how {
			t.Errorf("%q of %q: read as %s, want %s", c.text, c.vendor, a.Readings[0].Via.How, c.how)
		}
		if !slices.ContainsFunc(a.Forms, func(f Form) bool { return f.Code == a.Readings[0].Via.Code }) {
			t.Errorf("%q of %q: the form %q is not among %v", c.text, c.vendor, a.Readings[0].Via.Code, a.Forms)
		}
	}
}

func TestEveryCodeOfTheCauseCatalogueIsFound(t *testing.T) {
	d := open(t)
	for _, c := range []struct{ vendor, codes string }{
		{"kozen", "-40014 -40011 -40214 65223"}, {"sunmi", "-40009 -40014 -40010 -70004 -70005"},
		{"payshield", "82 10 11 01 26 28 29 A1 A4 75"}, {"ibm", "0/2"}, {"telpo", "2006 1013 1014 1015"},
		{"newland", "-1314 -1702 -1705 -1309 -4005"}, {"uic", "71/1 02/2 02/B 71/9"}, {"basewin", "0xFEB1 0xFEB0"},
		{"lc610n", "-4535 -4536"}, {"castles", "0x2913 0x2905"}, {"magtek", "0x96"}, {"verifone-adk", "0x00120026 96 97 101 40"},
		{"ped-300-family", "-335 -336 -411 -338"}, {"pax", "-332 -303 -310 -313 -326 -301 -302 -312 -320 -308 -345 -314"},
		{"unionpay", "97 03 58 A0 99 77 55"}, {"landi", "SAME_KEY_VALUE"},
	} {
		for code := range strings.FieldsSeq(c.codes) {
			a := asked(t, d, Query{Text: code, Vendor: c.vendor})
			if len(a.Readings) == 0 || a.Readings[0].Weight != High ||
				!strings.EqualFold(a.Readings[0].Code, code) && !strings.Contains(a.Readings[0].Symbol, code) {
				t.Errorf("%s %s: %v", c.vendor, code, ids(a.Readings))
			}
		}
	}
}

// TestKeyOrdinalsOfThePEDNumbering: every ordinal that is said to be about keys leads to one, without a vendor.
func TestKeyOrdinalsOfThePEDNumbering(t *testing.T) {
	d := open(t)
	for _, n := range strings.Fields("1 2 12 13 38 3 4 8 45 9 10 26 14 18 24 44 20 25 31 32 35 36 46 48") {
		a := asked(t, d, Query{Text: "密钥错误" + n})
		if len(a.Readings) == 0 {
			t.Fatalf("ordinal %s is not found", n)
		}
		r := a.Readings[0]
		if !r.KeyRelated || r.Weight != High || r.Family != "ped-300" || r.Via.How != Ordinal {
			t.Errorf("ordinal %s begins with %s, %s of %s", n, id(r), r.Weight, r.Family)
		}
	}
}

func TestTextsAndNamesAreFound(t *testing.T) {
	d := open(t)
	for _, c := range []struct {
		text, want string
		how        How
		weight     Weight
	}{
		{"主密钥校验错误", "generic-cn 主密钥校验错误", ByScreen, High},
		{"主密钥不存在", "generic-cn 主密钥不存在", ByScreen, High},
		{"密钥错误，请重新启动客户端", "generic-cn 密钥错误请重新启动客户端", ByScreen, High},
		{"密钥错误请重新启动客户端！", "generic-cn 密钥错误请重新启动客户端", ByScreen, High},
		{"POS机提示“终端已锁定”", "generic-cn 终端已锁定", ByScreen, High},
		{"终端被锁定了", "generic-cn 终端已锁定", ByMeaning, Medium},
		{"MAC校验错", "unionpay A0", ByScreen, High},
		{"交易失败，MAC校验错，请重新签到", "unionpay A0", ByScreen, High},
		{"PED TAMPERED", "pax POS BE ATTACKED / PED TAMPERED", ByScreen, High},
		{"Tamper detected, please contact WizarPOS", "wizarpos Tamper detected! Please contact WizarPOS!", ByScreen, High},
		{"PED locked", "pax -320", ByMeaning, High},
		{"ped_ret_err_key_len_err", "pax -314", BySymbol, High},
		{"KEY_VALUE_NOT_UNIQUE", "castles 0x2913", BySymbol, High},
		{"EsecMSKunexpectedKCV", "verifone-adk 0x001B000F", BySymbol, High},
		{"key length wrong", "pax -314", ByMeaning, High},
		{"密钥长度错误", "newland -1314", ByMeaning, High},
	} {
		a := asked(t, d, Query{Text: c.text})
		n := slices.IndexFunc(a.Readings, func(r Reading) bool { return id(r) == c.want })
		if n < 0 {
			t.Errorf("%q: %v", c.text, ids(a.Readings))
			continue
		}
		if r := a.Readings[n]; r.Weight != c.weight || r.Via.How != c.how || a.Readings[0].Weight != c.weight {
			t.Errorf("%q: %s is %d, %s by %s", c.text, c.want, n, r.Weight, r.Via.How)
		}
	}
}

func TestNothingIsFoundForNothing(t *testing.T) {
	d := open(t)
	for _, said := range []string{"hello world", "87654321", "zzzz", "-99999", "0xABCDEF01", "！", "今天天气很好", "99999999999999999999999"} {
		if a := asked(t, d, Query{Text: said}); len(a.Readings) != 0 || a.More != 0 {
			t.Errorf("%q: %v", said, ids(a.Readings))
		}
	}
	a := asked(t, d, Query{Text: "14", Vendor: "landi"})
	if len(a.Readings) != 0 || len(a.Asks) != 1 || !strings.Contains(a.Asks[0].String(), "not public") {
		t.Errorf("%v, asks %v", ids(a.Readings), a.Asks)
	}
}

func TestWhatCannotBeAskedIsRefused(t *testing.T) {
	d := open(t)
	for _, c := range []struct {
		q    Query
		kind fault.Kind
		says []string
	}{
		{Query{Text: ""}, fault.Usage, nil},
		{Query{Text: " \u3000\u200b"}, fault.Usage, nil},
		{Query{Text: strings.Repeat("1 ", 4000)}, fault.TooLarge, []string{"8000", "4096"}},
		{Query{Text: "14", Vendor: "nobody"}, fault.NotFound, []string{`"nobody"`, "newland", "thales-payshield"}},
		{Query{Text: "14", Table: "nothing"}, fault.NotFound, []string{`"nothing"`, "unionpay DE39", "newland NDK key manager"}},
		{Query{Text: "14", Vendor: "newland", Table: "DE39"}, fault.NotFound, []string{"NDK key manager"}},
		{Query{Text: "14", Vendor: "0123456789ABCDEF"}, fault.NotFound, []string{"16 characters"}},
		{Query{Text: "14", Vendor: "-"}, fault.NotFound, []string{`"-"`}},
	} {
		a, err := d.Look(c.q)
		if !fault.Is(err, c.kind) || len(a.Readings) != 0 || a.Query != "" {
			t.Errorf("%+v: %v", c.q, err)
			continue
		}
		for _, part := range c.says {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("%+v: %q does not say %q", c.q, err, part)
			}
		}
	}
}

func TestVendorsAreCalledManyNames(t *testing.T) {
	d := open(t)
	for name, want := range map[string][]string{
		"pax": {"pax"}, "PAX": {"pax"}, "百富": {"pax"}, "payShield": {"thales-payshield"}, "thales": {"thales-payshield"},
		"verifone": {"verifone-adk"}, "ISO 8583": {"iso8583-1987", "iso8583-1993"}, "新国都": {"nexgo", "xinguodu"}, "PKCS#11": {"pkcs11"},
		"银联": {"unionpay"}, "Union Pay": {"unionpay"}, "ped-300": {"ped-300-family"}, "uic": {"uic-pp791"}, "x": nil, "": nil,
	} {
		if got := d.vendorsCalled(name); !slices.Equal(got, want) {
			t.Errorf("%q is %v, want %v", name, got, want)
		}
	}
}

func TestALimitSaysWhatItLeavesOff(t *testing.T) {
	d := open(t)
	whole := asked(t, d, Query{Text: "14"})
	few := asked(t, d, Query{Text: "14", Limit: 3})
	if len(few.Readings) != 3 || few.More != len(whole.Readings)-3 || !slices.Equal(ids(few.Readings), ids(whole.Readings)[:3]) {
		t.Errorf("%d readings and %d more of %d", len(few.Readings), few.More, len(whole.Readings))
	}
	if len(few.Asks) != len(whole.Asks) {
		t.Error("a limit changes what is asked")
	}
}

func TestAnAnswerNeverRepeatsAKey(t *testing.T) {
	d := open(t)
	for _, said := range []string{
		"0123456789ABCDEF", "密钥 0123456789ABCDEF0123456789ABCDEF 错误14", "０１２３４５６７８９ＡＢＣＤＥＦ", "0123456789abcdef key length wrong",
		"1234567890123456", "0x0123456789ABCDEF",
	} {
		a := asked(t, d, Query{Text: said})
		said := a.Query
		for _, f := range a.Forms {
			said += " | " + f.Code
		}
		for _, r := range a.Readings {
			said += " | " + r.Via.Code
		}
		if strings.Contains(strings.ToUpper(said), "456789") || strings.Contains(said, "４５６") {
			t.Errorf("%q: %s", said, said)
		}
	}
}

func TestNetworksAreAskedFor(t *testing.T) {
	d := open(t)
	a := asked(t, d, Query{Text: "76"})
	if got := ids(a.Readings); !slices.Contains(got, "iso8583-1987 76") || !slices.Contains(got, "visa 76") {
		t.Errorf("76 is %v", got)
	}
	if len(a.Asks) < 2 || !strings.Contains(a.Asks[1].String(), "network") {
		t.Errorf("76 asks %v", a.Asks)
	}
	for _, r := range a.Readings {
		if r.Weight == High {
			t.Errorf("76 is %s for sure", id(r))
		}
	}
}
