package diagnose

// A sieve holds nothing back that its pattern would find.

import (
	"encoding/json"
	"os"
	"reflect"
	"strings"
	"testing"
	"unicode"
)

// sievesIn lists all sieves that something has, by the names of the fields that they are in.
func sievesIn(t *testing.T, has ...any) map[string]*sieve {
	t.Helper()
	all := map[string]*sieve{}
	for _, x := range has {
		v := reflect.ValueOf(x).Elem()
		for i := range v.NumField() {
			if v.Field(i).Type() == reflect.TypeFor[*sieve]() {
				all[v.Type().Name()+"."+v.Type().Field(i).Name] = (*sieve)(v.Field(i).UnsafePointer())
			}
		}
	}
	return all
}

// linesToSift are the texts and the lines of the logs that other tests read, and some of them in other letters.
func linesToSift(t *testing.T) []string {
	t.Helper()
	var all []string
	for _, name := range []string{"said", "heldout"} {
		raw, err := os.ReadFile("testdata/" + name + ".json")
		if err != nil {
			t.Fatal(err)
		}
		var said []struct{ Text string }
		if err := json.Unmarshal(raw, &said); err != nil {
			t.Fatal(err)
		}
		for _, s := range said {
			all = append(all, s.Text)
		}
	}
	raw, err := os.ReadFile("testdata/logs.txt")
	if err != nil {
		t.Fatal(err)
	}
	all = append(all, strings.Split(string(raw), "\n")...)
	all = append(all, "temperature 81.5 exceeds limit 70", "kcv 8D0A74 but 8D0A75", "KCV 8D0A74 here, 8D0A75 there",
		"retry passed", "none was detected", "drill", "expected 8D0A74 was 8D0A75", "valid until 2026-12-31")
	for i, s := range all {
		switch i % 8 {
		case 0:
			all = append(all, strings.ToUpper(s))
		case 1:
			all = append(all, strings.Map(oddCase, s))
		}
	}
	return all
}

// oddCase writes s and k as the letters that are the same to a pattern that knows no case.
func oddCase(r rune) rune {
	switch r {
	case 's':
		return 'ſ'
	case 'k':
		return '\u212A'
	}
	return r
}

func TestASieveHoldsNothingBack(t *testing.T) {
	lines := linesToSift(t)
	words := newLogWords()
	ears, err := NewEars()
	if err != nil {
		t.Fatal(err)
	}
	all := sievesIn(t, ears.calm, ears, words, words.labels)
	for i, s := range ears.values {
		all["values"+string(rune('0'+i))] = s
	}
	if len(all) < 20 {
		t.Fatalf("%d sieves", len(all))
	}
	for name, s := range all {
		found, held := false, 0
		for _, line := range lines {
			if s.may(sift(line)) {
				found = found || s.re.MatchString(line)
				continue
			}
			if held++; s.re.MatchString(line) {
				t.Errorf("%s does not let %q through", name, line)
			}
		}
		if !found {
			t.Errorf("%s: no line matches, so that nothing is shown of it", name)
		}
		if held < len(lines)/3 {
			t.Errorf("%s holds %d of %d lines back: it is no use", name, held, len(lines))
		}
	}
}

func TestWhatAPatternNeedsIsTakenOutOfIt(t *testing.T) {
	for _, c := range []struct {
		expr string
		in   string
		may  bool
	}{
		{`(?i)tamper|attack`, "ATTACKED", true},
		{`(?i)tamper|attack`, "at tack", false},
		{`no +(?:key|pin)s?`, "no  pins", true},
		{`no +(?:key|pin)s?`, "nokey pins", false}, // the first blank belongs to the word
		{`(?:key )?error`, "an error", true},
		{`(?:key|error)?`, "", true},
		{`(?:wrong|[a-z]+) key`, "no key", true},
		{`(?:wrong|[a-z]+) key`, "key", false},
		{`.*`, "", true},
		{`(?:ab){2,3}c`, "ababc", true},
		{`(?:ab){2,3}c`, "ccc", false},
		{`(?i)密钥.*错`, "密钥是错的", true},
		{`(?i)密钥.*错`, "密钥", false},
		{`(?i)straße`, "STRAẞE", true},
	} {
		s := newSieve(c.expr)
		if got := s.may(sift(c.in)); got != c.may || s.re.MatchString(c.in) && !got {
			t.Errorf("%s may match %q: %v", c.expr, c.in, got)
		}
	}
}

func TestWideScriptsHaveNoCases(t *testing.T) {
	for r := rune(firstWide); r <= lastWide; r++ {
		if unicode.SimpleFold(r) != r {
			t.Fatalf("%U has another case", r)
		}
	}
}

func FuzzSieve(f *testing.F) {
	f.Add("(?i)no +(key|pin)s?", "NO KEYS")
	f.Add(`\b(?:no|not|0)\s+(?:error|failed){1,2}|没有.{0,5}错`, "no error")
	f.Fuzz(func(t *testing.T, expr, line string) {
		s, err := sieveOf(expr)
		if err == nil && s.re.MatchString(line) && !s.may(sift(line)) {
			t.Errorf("%q does not let %q through", expr, line)
		}
	})
}
