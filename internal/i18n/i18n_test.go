package i18n

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing"

	"poskey/internal/fault"
	"poskey/internal/text"
)

// speaker is a printer of Chinese with a catalogue of its own.
func speaker(t *testing.T, catalogue string) *Printer {
	t.Helper()
	entries, err := ParsePO(catalogue)
	if err != nil {
		t.Fatal(err)
	}
	return &Printer{lang: Chinese, entries: entries}
}

const small = `# a comment
#: place.go:7

msgid "part %d of %d"
msgstr "第 %[2]d 份中的第 %[1]d 份"
msgid "the key is weak: %s"
msgstr "密钥强度不足：%s"
msgid "all bytes are zero"
msgstr "全部字节为零"
msgid "done, 100%% sure"
msgstr "完成，100%% 确定"
msgid "say \"hi\"\n"
msgstr "说 \"嗨\"\n"
`

func TestCatalogueIsReadLineByLine(t *testing.T) {
	entries, err := ParsePO(small)
	if err != nil || len(entries) != 5 {
		t.Fatalf("got %v, %v", entries, err)
	}
	if entries["all bytes are zero"] != "全部字节为零" || entries["say \"hi\"\n"] != "说 \"嗨\"\n" {
		t.Errorf("got %q", entries)
	}
	if entries, err := ParsePO("  msgid \"a\"\t\r\n\n# between\n\tmsgstr \"b\""); err != nil || entries["a"] != "b" {
		t.Errorf("blanks around and Windows line ends: %v, %v", entries, err)
	}
	if entries, err := ParsePO(""); err != nil || entries == nil || len(entries) != 0 {
		t.Errorf("an empty catalogue: %v, %v", entries, err)
	}
}

func TestBadLinesOfACatalogueAreNamed(t *testing.T) {
	for catalogue, line := range map[string]int{
		"msgid a\n":                               1,
		"\n\nmsgid \"a\n":                         3,
		"msgid \"a\"\nmsgid \"b\"\n":              2,
		"msgstr \"b\"\n":                          1,
		"msgid \"a\"\nmsgstr b\n":                 2,
		"msgid \"a\"\nmsgstr \"b\"\nmsgstr \"c\"": 3,
		"msgid \"a\"\nmsgstr \"b\"\nmsgid \"a\"\nmsgstr \"c\"": 4,
		"msgid \"a\"\n\"more\"\n":                              2,
		"hello":                                                1,
		"msgctxt \"x\"\n":                                      1,
		"msgid \"a\"\nmsgstr \"b\"\nmsgid \"c\"\n":             3, // the end of the file cut off
	} {
		entries, err := ParsePO(catalogue)
		if entries != nil || !fault.Is(err, fault.Malformed) {
			t.Errorf("%q: got %v, %v", catalogue, entries, err)
			continue
		}
		if want := fmt.Sprintf("line %d:", line); !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %s", catalogue, err, want)
		}
	}
}

func TestChineseCatalogueParsesAndHasNoEmptyEntry(t *testing.T) {
	entries, err := ParsePO(ZH())
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := entries[""]; ok {
		t.Error("an entry for the empty text would stand wherever there is nothing to say")
	}
	if p := New(Chinese); len(p.entries) != len(entries) || p.Lang() != Chinese {
		t.Errorf("the printer has %d entries, the catalogue %d", len(p.entries), len(entries))
	}
	if p := New(English); p.entries != nil || p.Lang() != English {
		t.Error("English needs no catalogue")
	}
}

func TestTextsInsideTextsAreTranslatedToo(t *testing.T) {
	zh, en := speaker(t, small), New(English)
	weak := text.New("the key is weak: %s", text.New("all bytes are zero"))
	for _, c := range []struct {
		in     text.Text
		zh, en string
	}{
		{text.New("all bytes are zero"), "全部字节为零", "all bytes are zero"},
		{weak, "密钥强度不足：全部字节为零", "the key is weak: all bytes are zero"},
		{text.New("%s", text.New("%s", weak)), "密钥强度不足：全部字节为零", "the key is weak: all bytes are zero"},
		{text.New("part %d of %d", 2, 3), "第 3 份中的第 2 份", "part 2 of 3"},
		{text.New("done, 100%% sure"), "完成，100% 确定", "done, 100% sure"},
		{text.New("not in the catalogue: %s", text.New("all bytes are zero")), "not in the catalogue: 全部字节为零",
			"not in the catalogue: all bytes are zero"},
		{text.Raw("all bytes are zero"), "all bytes are zero", "all bytes are zero"},
		{text.Raw("100%"), "100%", "100%"},
		{text.Text{}, "", ""},
		{text.New("the key is weak: %s", fault.New(fault.WeakKey, "all bytes are zero")), "密钥强度不足：全部字节为零",
			"the key is weak: all bytes are zero"},
		{text.New("the key is weak: %s", fs.ErrPermission), "密钥强度不足：permission denied", "the key is weak: permission denied"},
	} {
		if got := zh.Text(c.in); got != c.zh {
			t.Errorf("%q in Chinese is %q, want %q", c.in.Format, got, c.zh)
		}
		if got := en.Text(c.in); got != c.en || c.in.String() != c.en {
			t.Errorf("%q in English is %q and %q, want %q", c.in.Format, got, c.in, c.en)
		}
	}
	if got := zh.T("part %d of %d", 1, 2); got != "第 2 份中的第 1 份" {
		t.Errorf("T gives %q", got)
	}
}

func TestErrorsAreTranslatedFromTheOutsideIn(t *testing.T) {
	zh, en := speaker(t, small), New(English)
	inner := fault.New(fault.WeakKey, "the key is weak: %s", text.New("all bytes are zero"))
	for _, c := range []struct {
		err    error
		zh, en string
	}{
		{inner, "密钥强度不足：全部字节为零", "the key is weak: all bytes are zero"},
		{fault.Wrap(inner, "part %d of %d", 1, 3), "第 3 份中的第 1 份：密钥强度不足：全部字节为零", "part 1 of 3: the key is weak: all bytes are zero"},
		{fault.WrapAs(fault.Failure, fs.ErrNotExist, "part %d of %d", 1, 3), "第 3 份中的第 1 份：file does not exist", "part 1 of 3: file does not exist"},
		{fs.ErrNotExist, "file does not exist", "file does not exist"},
		{errors.New("anything"), "anything", "anything"},
	} {
		if got := zh.Error(c.err); got != c.zh {
			t.Errorf("%v in Chinese is %q, want %q", c.err, got, c.zh)
		}
		if got := en.Error(c.err); got != c.en || c.err.Error() != c.en {
			t.Errorf("%v in English is %q, want %q", c.err, got, c.en)
		}
	}
}

func TestLanguageComesFromTheEnvironmentInPOSIXOrder(t *testing.T) {
	for _, c := range []struct {
		env  map[string]string
		want Lang
	}{
		{nil, English},
		{map[string]string{"LANG": "zh_CN.UTF-8"}, Chinese},
		{map[string]string{"LANG": "ZH_TW"}, Chinese},
		{map[string]string{"LANG": "de_DE.UTF-8"}, English},
		{map[string]string{"LANG": "C"}, English},
		{map[string]string{"LC_MESSAGES": "zh_CN", "LANG": "en_US"}, Chinese},
		{map[string]string{"LC_ALL": "C", "LC_MESSAGES": "zh_CN", "LANG": "zh_CN"}, English},
		{map[string]string{"LC_ALL": "", "LANG": "zh_CN"}, Chinese},
		{map[string]string{"POSKEY_LANG": "en", "LC_ALL": "zh_CN"}, English},
		{map[string]string{"POSKEY_LANG": "zh", "LC_ALL": "en_US"}, Chinese},
	} {
		if got := FromEnv(func(name string) string { return c.env[name] }); got != c.want {
			t.Errorf("%v gives %s, want %s", c.env, got, c.want)
		}
	}
}

func TestLanguageOfAFlagIsParsed(t *testing.T) {
	for in, want := range map[string]Lang{"en": English, "EN": English, "zh": Chinese, "Zh": Chinese} {
		if got, err := Parse(in); err != nil || got != want {
			t.Errorf("%q: %q, %v", in, got, err)
		}
	}
	for _, in := range []string{"", "fr", "zh_CN", "english"} {
		if got, err := Parse(in); got != "" || !fault.Is(err, fault.Usage) {
			t.Errorf("%q: %q, %v", in, got, err)
		}
	}
}
