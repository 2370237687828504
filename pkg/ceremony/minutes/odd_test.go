package minutes

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"poskey/internal/text"
	"poskey/pkg/ceremony"
	"poskey/pkg/ceremony/script"
	"poskey/pkg/ceremony/transcript"
)

// oddTexts are what nobody should write and somebody will.
func oddTexts() []string {
	return []string{"", " ", "\n\n\n", "\t", "\x00\x07\x1b[31m", "\xff\xfe half", "\u202etxet desrever", "e\u0301\u0301\u0301", "\u200b\u200d\ufeff", "👩\u200d👩 𠮷野家 𐐷",
		strings.Repeat("W", 1500), strings.Repeat("保", 1200), strings.Repeat("， ", 300), strings.Repeat("《", 300), "(((((\\)))\r\n\\", "%s %d %!",
		"<b>&amp;</b>", "العربية עברית ไทย", "ﷺ", "\u00a0\u3000\u2028\u2029", strings.Repeat("line\n", 90), "________________________________", "□☐✓✗→≤"}
}

func TestOddTextsAreSetOnThePage(t *testing.T) {
	odd := oddTexts()
	for n := 0; n < len(odd); n += 8 { // other texts in other fields
		mustPrint(t, oddRecord(func(i int) string { return odd[(i+n)%len(odd)] }), fmt.Sprintf("shift %d", n))
	}
}

func TestRandomTextsAreSetOnThePage(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	alphabet := []rune("aW .,;(保管人，。《》“”\n\t\\()[]%é Łя\u202e\U0001F600\x01…—-_/")
	for n := range 2 {
		v := oddRecord(func(int) string {
			var b strings.Builder
			for range random.IntN(200) {
				b.WriteRune(alphabet[random.IntN(len(alphabet))])
			}
			return b.String()
		})
		mustPrint(t, v, fmt.Sprintf("round %d", n))
	}
}

// oddRecord has the text of a turn in every field that a person fills.
func oddRecord(next func(int) string) *ceremony.Verified {
	v := richRecord()
	v.Records, v.Script.Steps = v.Records[:24], v.Script.Steps[:20]
	n := 0
	turn := func() string { n++; return next(n) }
	var fill func(x reflect.Value)
	fill = func(x reflect.Value) {
		switch x.Kind() {
		case reflect.String:
			if x.CanSet() && x.Type() == reflect.TypeFor[string]() {
				x.SetString(turn())
			}
		case reflect.Struct:
			if x.Type() == reflect.TypeFor[time.Time]() || x.Type() == reflect.TypeFor[text.Text]() {
				return
			}
			for i := range x.NumField() {
				if x.Field(i).CanSet() {
					fill(x.Field(i))
				}
			}
		case reflect.Slice:
			for i := range x.Len() {
				fill(x.Index(i))
			}
		}
	}
	fill(reflect.ValueOf(v.Script).Elem())
	for i := range v.Script.Keys { // what names others stays a name
		v.Script.Keys[i].ID = fmt.Sprintf("K%d", i)
	}
	for i := range v.Records {
		r := &v.Records[i]
		r.Key, r.Who = turn(), turn()
		for _, name := range []string{"serial", "state", "how", "label", "file", "proof", "expected", "seen", "decided", "happened", "why", "what", turn()} {
			if r.Details != nil {
				r.Details[name] = turn()
			}
		}
		if r.Check.Digits != "" {
			r.Check.Digits, r.Verdict, r.Kind = turn(), transcript.Verdict(turn()), transcript.KindChecked
		}
	}
	v.Head.Ceremony, v.Head.Tool, v.Head.Station = turn(), turn(), turn()
	v.State, v.Program = transcript.State(turn()), nil
	v.Findings = append(v.Findings, script.Finding{ID: turn(), Requirement: turn(), Where: turn(), What: text.Raw(turn()), Fix: text.Raw(turn())})
	v.Missing, v.Signers = []string{turn()}, []string{turn(), turn()}
	return v
}

func mustPrint(t *testing.T, v *ceremony.Verified, what string) {
	t.Helper()
	l := languages()[len(what)%2]
	mustFit(t, readPDF(t, written(t, func(b *bytes.Buffer) error { return PDF(b, v, l) })))
	page := written(t, func(b *bytes.Buffer) error { return HTML(b, v, l) })
	if !utf8.Valid(page) || bytes.ContainsAny(page, "\x00\x07\x1b") || bytes.Contains(page, []byte("\u202e")) {
		t.Errorf("%s: the page hides characters", what)
	}
	for _, f := range []Form{LoadingLog, Forms()[len(what)%2*3+1]} { // the second: of single components
		var b bytes.Buffer
		if err := FormPDF(&b, f, nil, v, l); err == nil {
			mustFit(t, readPDF(t, b.Bytes()))
		} else if f == LoadingLog {
			t.Errorf("%s, %s: %v", what, f, err)
		}
	}
	if t.Failed() {
		t.Fatal(what)
	}
}

func TestWhatCannotBeSeenIsShown(t *testing.T) {
	f, err := loadFaces()
	if err != nil {
		t.Fatal(err)
	}
	for in, want := range map[string]string{"plain 密钥": "plain 密钥", "a\u202eb": "a[U+202E]b", "\x07": "[U+0007]", "\xff": "[FF]", "a\tb\r\n": "a b\n",
		"\u200b": "[U+200B]", "\u3000": " ", "𠮷": "[U+20BB7]", "👍": "[U+1F44D]", "Łя→☐": "Łя→☐", "\ufffd": "\ufffd", "喆堃镕翀赟祎": "喆堃镕翀赟祎"} {
		if got := f.settable(in, style{Size: 9}); got != want && !(in == "\ufffd" && got == "[U+FFFD]") {
			t.Errorf("%q is set as %q, want %q", in, got, want)
		}
	}
}

func TestFontsHaveWhatNamesNeed(t *testing.T) {
	f, err := loadFaces()
	if err != nil {
		t.Fatal(err)
	}
	missing := 0
	for r := rune(0x4E00); r <= 0x9FA5; r++ { // the characters of GBK
		if f.pick(r, style{}) != f.han {
			missing++
		}
	}
	for r := rune(0x21); r < 0x24F; r++ {
		if r != 0x7F && (r < 0x80 || r > 0xA0) && r != 0xAD && f.pick(r, style{}) == nil {
			t.Errorf("%q is missing", r)
		}
	}
	for _, r := range "，。、；：？！（）《》【】“”‘’…—·　" {
		if f.pick(r, style{}) == nil && r != '　' {
			t.Errorf("%q is missing", r)
		}
	}
	if missing > 0 {
		t.Errorf("%d characters of GBK are missing", missing)
	}
	if w := f.width("密钥", style{Size: 10}); w < 6.9 || w > 7.2 { // two squares of 10 points
		t.Errorf("two characters are %.2f mm wide", w)
	}
	if w := f.width("0000", style{Size: 10, Mono: true}); w < 8.4 || w > 8.5 { // 0.6 of the size each
		t.Errorf("four digits are %.2f mm wide", w)
	}
}

func TestLinesAreBrokenWhereTheyMay(t *testing.T) {
	f, err := loadFaces()
	if err != nil {
		t.Fatal(err)
	}
	st := style{Size: 9}
	for _, s := range []string{longChinese, longWord, "short", "", "a b c " + longChinese + " word " + longWord, strings.Repeat("密钥，", 100), strings.Repeat("《书》", 60)} {
		for _, mm := range []float64{12, 25, 60, 176} {
			lines := f.lines(s, st, mm)
			if squeezed(strings.Join(lines, "")) != squeezed(s) {
				t.Errorf("%.20q at %.0f mm loses text", s, mm)
			}
			for i, l := range lines {
				if f.width(l, st) > mm+0.01 {
					t.Errorf("%q is wider than %.0f mm", l, mm)
				}
				if r, _ := utf8.DecodeRuneInString(l); i > 0 && mm > 20 && strings.ContainsRune("，。；）》", r) {
					t.Errorf("a line begins with %c", r)
				}
				if r, _ := utf8.DecodeLastRuneInString(l); i < len(lines)-1 && mm > 20 && strings.ContainsRune("（《", r) {
					t.Errorf("a line ends in %c", r)
				}
			}
		}
	}
	if got := f.lines("key ceremony of the partner", st, 27); len(got) != 2 || got[0] != "key ceremony of" {
		t.Errorf("broken as %q", got)
	}
}
