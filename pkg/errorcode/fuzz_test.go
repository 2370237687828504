package errorcode

import (
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"poskey/internal/fault"
)

func seeds(f *testing.F, add func(string)) {
	f.Helper()
	for _, s := range []string{
		"14", "密钥错误14", "－３１４", "65 223", "0xFFFFFFFFFFFFFEC6", "A6/10", "A0 MAC校验错", "FB10", "-", "/", "0x", "--314", "1/", "/1", "//",
		"ret=-314 (PED_RET_ERR_KEY_LEN_ERR)", "\xff\xfe", "İ", "A\u0301", "9223372036854775808", "-9223372036854775808", "TAMPER / TAMPERED",
		"0123456789ABCDEF0123456789ABCDEF", "\u200b", "４/１９５", "zz", "5%", "%s %d", "err-", "a0", "0x0", "000000000000000000014",
	} {
		add(s)
	}
}

// FuzzLook: any question has an answer or an error of the right kind, the same twice, in order, and without a key
// in it.
func FuzzLook(f *testing.F) {
	seeds(f, func(s string) { f.Add(s, ""); f.Add(s, "pax"); f.Add(s, "payshield") })
	d := open(f)
	f.Fuzz(func(t *testing.T, s, vendor string) {
		a, err := d.Look(Query{Text: s, Vendor: vendor})
		b, err2 := d.Look(Query{Text: s, Vendor: vendor})
		if !reflect.DeepEqual(a, b) || (err == nil) != (err2 == nil) {
			t.Fatal("two answers to one question")
		}
		if err != nil {
			if !fault.Is(err, fault.NotFound) && !fault.Is(err, fault.Usage) && !fault.Is(err, fault.TooLarge) || !reflect.DeepEqual(a, Answer{}) {
				t.Fatalf("%v with %+v", err, a)
			}
			return
		}
		checkReadings(t, s, a.Readings)
		for _, form := range a.Forms {
			if run := strings.TrimPrefix(form.Code, "0x"); len(run) >= 16 && all(strings.ToLower(run), isHex) {
				t.Fatalf("a form repeats %q", form.Code)
			}
		}
		seen := map[[4]string]bool{}
		for _, r := range a.Readings {
			key := [4]string{r.Vendor, r.Table, r.Code, r.Symbol}
			if seen[key] {
				t.Fatalf("%s is there twice", id(r))
			}
			seen[key] = true
		}
	})
}

// FuzzFind: places lie in the text, one behind the other.
func FuzzFind(f *testing.F) {
	seeds(f, func(s string) { f.Add(s) })
	d := open(f)
	f.Fuzz(func(t *testing.T, s string) {
		found := d.Find(s)
		checkReadings(t, s, found)
		if !reflect.DeepEqual(found, d.Find(s)) {
			t.Fatal("two answers to one text")
		}
	})
}

func checkReadings(t *testing.T, s string, readings []Reading) {
	t.Helper()
	length := utf8.RuneCountInString(s)
	for _, r := range readings {
		if r.Start < 0 || r.Start >= r.End || r.End > length {
			t.Fatalf("%s stands from %d to %d in %d characters", id(r), r.Start, r.End, length)
		}
		if r.Weight != High && r.Weight != Medium && r.Weight != Low || r.Via.How == "" || r.Why.IsZero() || r.Via.Why.IsZero() {
			t.Fatalf("%s says too little: %+v", id(r), r)
		}
	}
}
