package script

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"

	"poskey/internal/fault"
	"poskey/pkg/custody"
	"poskey/pkg/keys"
)

// each calls f for every template in both languages and environments.
func each(t *testing.T, f func(t *testing.T, kind Kind, w Wish)) {
	t.Helper()
	if len(Templates()) != 8 {
		t.Fatalf("%d templates, want 8", len(Templates()))
	}
	for _, tm := range Templates() {
		for _, zh := range []bool{false, true} {
			for _, e := range []custody.Environment{custody.Test, custody.Production} {
				t.Run(fmt.Sprintf("%s-%s-%t", tm.Kind, e, zh), func(t *testing.T) { f(t, tm.Kind, Wish{Environment: e, Chinese: zh}) })
			}
		}
	}
}

func TestEveryTemplateIsAProgramWithoutErrorsInTest(t *testing.T) {
	each(t, func(t *testing.T, kind Kind, w Wish) {
		s := good(t, kind, w)
		if s.Kind != kind || s.Environment != w.Environment {
			t.Errorf("it is a %s for %s", s.Kind, s.Environment)
		}
		p, err := s.Program()
		if err != nil {
			t.Fatal(err)
		}
		if len(p.Steps) != len(s.Steps) || p.Script != s {
			t.Errorf("%d steps of %d", len(p.Steps), len(s.Steps))
		}
		var ids []string
		for _, f := range s.Rules(nil) {
			if f.Level == Error {
				ids = append(ids, f.ID)
			}
		}
		slices.Sort(ids)
		ids = slices.Compact(ids)
		if w.Environment == custody.Production {
			if want := []string{"card-missing", "fill-in"}; !slices.Equal(ids, want) {
				t.Errorf("errors %v, want only what must be filled in: %v", ids, want)
			}
		} else if len(ids) > 0 {
			t.Errorf("errors %v in test", ids)
		}
	})
}

func TestTemplatesSpeakTheLanguageThatWasAsked(t *testing.T) {
	han := func(s string) bool {
		return strings.ContainsFunc(s, func(r rune) bool { return unicode.Is(unicode.Han, r) })
	}
	each(t, func(t *testing.T, kind Kind, w Wish) {
		s := good(t, kind, w)
		for _, v := range s.values() {
			sentence := strings.HasPrefix(v.at, "steps.") && strings.Contains(v.value, " ") || v.at == "title"
			if han(v.value) && !w.Chinese || w.Chinese && sentence && !han(v.value) {
				t.Errorf("%s: %q", v.at, v.value)
			}
		}
		for _, line := range strings.Split(string(s.Raw()), "\n") {
			if c, ok := strings.CutPrefix(strings.TrimSpace(line), "# "); ok && han(c) != w.Chinese {
				t.Errorf("comment %q", c)
			}
		}
	})
}

func TestTemplatesTakeWishes(t *testing.T) {
	for _, tm := range Templates() {
		for parts := 2; parts <= 9; parts++ {
			for _, alg := range []keys.Algorithm{keys.AES128, keys.AES256, keys.TDES128, keys.TDES192} {
				if tm.Kind == StoreMaster && (parts < 3 || alg != keys.AES256) {
					continue
				}
				w := Wish{Parts: parts, Algorithm: alg, Label: "My.Key_1", Title: "It's: a 'title' # 1", Place: "- [x]", Organisation: "示例: 银行"}
				s := good(t, tm.Kind, w)
				if s.Title != w.Title || s.Place != w.Place || s.Organisation != w.Organisation || s.Keys[0].Algorithm != alg {
					t.Errorf("%s: wishes were lost: %+v", tm.Kind, s)
				}
				if n := len(s.Keys[0].Parts); n != parts && tm.Kind != Injection {
					t.Errorf("%s: %d parts, want %d", tm.Kind, n, parts)
				}
				if !bytes.Contains(s.Raw(), []byte("label: My.Key_1")) && tm.Kind != StoreMaster && tm.Kind != HSMScribe {
					t.Errorf("%s: the label was lost", tm.Kind)
				}
				for _, f := range s.Rules(nil) {
					if f.Level == Error {
						t.Errorf("%s %d %s: %s %s", tm.Kind, parts, alg, f.ID, f.What)
					}
				}
			}
		}
	}
}

func TestWishesThatCannotBeAreRefused(t *testing.T) {
	for name, c := range map[string]struct {
		kind Kind
		w    Wish
	}{
		"another kind":            {"zmk", Wish{}},
		"no template for it":      {Custom, Wish{}},
		"one part":                {TMK, Wish{Parts: 1}},
		"ten parts":               {TMK, Wish{Parts: 10}},
		"a store's key in two":    {StoreMaster, Wish{Parts: 2}},
		"a store's key of TDES":   {StoreMaster, Wish{Algorithm: keys.TDES192}},
		"single DES":              {TMK, Wish{Algorithm: keys.DES}},
		"an unknown algorithm":    {TMK, Wish{Algorithm: "rot13"}},
		"another environment":     {TMK, Wish{Environment: "live"}},
		"no label":                {TMK, Wish{Label: "a b"}},
		"a title of two lines":    {TMK, Wish{Title: "a\nb"}},
		"a title that is a key":   {TMK, Wish{Title: "0123456789ABCDEFFEDCBA9876543210"}},
		"a title that turns":      {TMK, Wish{Title: "a\u202Eb"}},
		"a place that breaks out": {TMK, Wish{Place: "'\nkind: custom\nx: '"}},
	} {
		raw, err := New(c.kind, c.w)
		if !fault.Is(err, fault.Usage) || raw != nil {
			t.Errorf("%s: %d bytes, error %v; want usage", name, len(raw), err)
		}
	}
}

// TestTemplatesAreAsTheyWere shows a change of a template in review.
func TestTemplatesAreAsTheyWere(t *testing.T) {
	each(t, func(t *testing.T, kind Kind, w Wish) {
		raw, err := New(kind, w)
		if err != nil {
			t.Fatal(err)
		}
		lang := "en"
		if w.Chinese {
			lang = "zh"
		}
		path := filepath.Join("testdata", "templates", fmt.Sprintf("%s.%s.%s.yaml", kind, w.Environment, lang))
		if os.Getenv("UPDATE_GOLDEN") == "1" {
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, raw, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(raw, want) {
			t.Errorf("%s is not what the template writes; UPDATE_GOLDEN=1 writes it anew", path)
		}
	})
}

var word = regexp.MustCompile(`[\pL\pN]+`)

// mutations of a line: each word of it changed, the line gone, the line twice.
func mutations(lines []string, at int) []string {
	join := func(with ...string) string { return strings.Join(slices.Concat(lines[:at], with, lines[at+1:]), "\n") }
	all := []string{join(), join(lines[at], lines[at])}
	spans := word.FindAllStringIndex(lines[at], -1)
	if strings.HasPrefix(lines[at], "      ") && len(spans) > 6 {
		spans = [][]int{spans[0], spans[len(spans)-1]} // of a text that is read aloud
	}
	for _, span := range spans {
		w := lines[at][span[0]:span[1]]
		for _, other := range []string{w + "x", "7"} {
			if other != w {
				all = append(all, join(lines[at][:span[0]]+other+lines[at][span[1]:]))
			}
		}
	}
	return all
}

// No field is ignored: whatever is changed, a script is refused or says something else, under another fingerprint.
func TestEveryMutationIsRefusedOrIsAnotherScript(t *testing.T) {
	for _, tm := range Templates() {
		t.Run(string(tm.Kind), func(t *testing.T) {
			t.Parallel()
			full := strings.Replace(richest(t, tm.Kind), "\n# starts: ", "\nstarts: ", 1)
			full = strings.Replace(full, "2026-12-01T09:00:00Z    the planned time, in UTC", "2026-12-01T09:00:00Z", 1)
			was, err := Parse([]byte(full))
			if err != nil {
				t.Fatal(err)
			}
			lines := strings.Split(full, "\n")
			refused, other, read := 0, 0, map[string]bool{}
			for i, line := range lines {
				if l := strings.TrimSpace(line); l == "" || strings.HasPrefix(l, "#") {
					continue
				}
				if aloud := strings.HasPrefix(line, "      ") && !strings.Contains(line, ": "); aloud && read[line] {
					continue // the same sentence was changed in another step
				}
				read[line] = true
				for _, m := range mutations(lines, i) {
					s, err := Parse([]byte(m))
					switch {
					case err != nil && s != nil:
						t.Errorf("line %d: a script beside the error %v", i+1, err)
					case err != nil:
						refused++
					case sameValue(s, was) || s.Fingerprint() == was.Fingerprint():
						t.Errorf("line %d %q: the change was not noticed", i+1, line)
					default:
						other++
					}
				}
			}
			if refused < 100 || other < 100 {
				t.Errorf("%d mutations refused, %d are other scripts: too few were tried", refused, other)
			}
		})
	}
}

// richest is a template with every field that it may have.
func richest(t *testing.T, kind Kind) string {
	t.Helper()
	parts := 2
	if kind == StoreMaster {
		parts = 3
	}
	raw, err := New(kind, Wish{Parts: parts})
	if err != nil {
		t.Fatal(err)
	}
	text := string(raw)
	add := func(after, more string) {
		if i := strings.Index(text, after); i >= 0 {
			text = text[:i+len(after)] + more + text[i+len(after):]
		}
	}
	add("\nplace: 'Key room 1'", "\npurpose: |-\n  Zone keys for the\n  new link")
	add("    name: 'Leader A'\n", "    employee: E-0001\n    card: "+strings.Repeat("AB", 32)+"\n    partner: true\n")
	add("leader: {primary: leader.a", ", backup: operator.a")
	add("    usage: K1\n", "    mode: B\n    exportability: E\n")
	add("    usage: P0\n", "    mode: D\n    exportability: S\n")
	if strings.Contains(text, "bag: BAG-") {
		add("bag: BAG-1001", "\n        outer: OUT-9001")
		add("bag: BAG-2001", "\n        outer: OUT-9001")
		add("bag: BAG-3001", "\n        outer: OUT-9001")
	}
	if kind == ZMKReceive {
		add("serial_by: 'Security desk of the sender'\n", "        check: 08D7B4\n")
		add("    source: components\n", "    check: ABCDEF\n")
	}
	if kind == Injection {
		add("kbpk: TEST-TMK", "\n        version: D")
	}
	add("  - do: compare\n", "    by: leader\n")
	add("  - do: keep\n", "    by: leader\n    output: store\n")
	add("  - do: load\n", "    output: device:TERM0001\n")
	return text
}
