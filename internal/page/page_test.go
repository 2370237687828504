package page

// The shell holds what every page promises.

import (
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"poskey/internal/i18n"
)

// TestColoursCanBeRead holds text against its ground as WCAG 2 measures it: 4.5 at least, light and dark.
func TestColoursCanBeRead(t *testing.T) {
	grounds := map[string][]string{"ink": {"paper", "shade"}, "quiet": {"paper", "shade"}, "good": {"paper", "good-shade"}, "bad": {"paper", "bad-shade"},
		"may": {"paper", "may-shade"}}
	themes := strings.Split(shell, ":root {")[1:]
	if len(themes) != 2 {
		t.Fatalf("the page has %d themes", len(themes))
	}
	for i, css := range themes {
		css, _, _ = strings.Cut(css, "}")
		colours := map[string]float64{}
		for _, m := range regexp.MustCompile(`--([a-z-]+):#([0-9a-f]{3,6})`).FindAllStringSubmatch(css, -1) {
			colours[m[1]] = luminance(t, m[2])
		}
		for ink, all := range grounds {
			for _, ground := range all {
				a, b := colours[ink]+0.05, colours[ground]+0.05
				if contrast := max(a, b) / min(a, b); contrast < 4.5 {
					t.Errorf("theme %d: %s on %s has a contrast of %.1f", i+1, ink, ground, contrast)
				}
			}
		}
	}
}

func luminance(t *testing.T, digits string) float64 {
	t.Helper()
	if len(digits) == 3 {
		digits = string([]byte{digits[0], digits[0], digits[1], digits[1], digits[2], digits[2]})
	}
	sum := 0.0
	for i, weight := range []float64{0.2126, 0.7152, 0.0722} {
		v, err := strconv.ParseUint(digits[2*i:2*i+2], 16, 8)
		if err != nil {
			t.Fatal(err)
		}
		c := float64(v) / 255
		if c <= 0.04045 {
			sum += weight * c / 12.92
		} else {
			sum += weight * math.Pow((c+0.055)/1.055, 2.4)
		}
	}
	return sum
}

func TestAPageLetsNothingIn(t *testing.T) {
	p, err := New("test", `{{define "style"}}.x { color:red; }{{end}}{{define "body"}}<h1>{{.}}</h1>{{end}}`)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	const hostile = `</title><script>alert(1)</script>"'`
	if err := p.Write(&b, Frame{Lang: i18n.Chinese, Title: hostile, Foot: []string{hostile}}, hostile); err != nil {
		t.Fatal(err)
	}
	out := b.String()
	for _, want := range []string{`<html lang="zh-CN">`, "default-src 'none'", "base-uri 'none'", "form-action 'none'", ".x { color:red; }"} {
		if !strings.Contains(out, want) {
			t.Errorf("the page lacks %s", want)
		}
	}
	for _, bad := range []string{"<script", "url(", "@import", "http:", "https:", "ZgotmplZ"} {
		if strings.Contains(out, bad) {
			t.Errorf("the page holds %s", bad)
		}
	}
}

func TestASourceThatIsNoTemplateIsABug(t *testing.T) {
	if _, err := New("test", "{{define"); err == nil {
		t.Error("half a template was taken")
	}
}

func TestABarShowsEachPartAndStaysInItsFrame(t *testing.T) {
	b := NewBar("a", "title", 340, 16, []Portion{{"one", 100000, Full}, {"none", 0, Open}, {"two", 1, Striped}, {"three", 1, Crossed}, {"four", 7, Half}})
	if len(b.Areas) != 4 || len(b.Portions) != 4 || len(b.Keys) != 4 {
		t.Fatalf("the bar has %d areas", len(b.Areas))
	}
	at := 0
	for i, a := range b.Areas {
		if a.X < at || a.W < 6 || a.X+a.W > b.W {
			t.Errorf("area %d is at %d, %d wide", i, a.X, a.W)
		}
		at = a.X + a.W
		for _, n := range regexp.MustCompile(`[ML](-?[0-9]+) (-?[0-9]+)`).FindAllStringSubmatch(a.Lines, -1) {
			x, _ := strconv.Atoi(n[1])
			y, _ := strconv.Atoi(n[2])
			if x < a.X || x > a.X+a.W || y < a.Y || y > a.Y+a.H {
				t.Errorf("area %d: a line goes to %d,%d", i, x, y)
			}
		}
	}
	if b.Desc != "one: 100000; two: 1; three: 1; four: 7" {
		t.Errorf("it is told as %q", b.Desc)
	}
	if empty := NewBar("b", "", 340, 16, nil); len(empty.Areas) != 0 {
		t.Error("nothing has areas")
	}
}

func TestALineHidesWhatMayBeAKey(t *testing.T) {
	for in, want := range map[string]string{
		"0123456789ABCDEF":  "[…]",
		"check 8D0A74":      "check 8D0A74",
		"a\u202eb\nc":       "a b c",
		"serial 1234567890": "serial 1234567890",
	} {
		if got := Line(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
	if got := Quoted(strings.Repeat("W", 500), 40); len(got) > 50 || !strings.HasSuffix(got, "…") {
		t.Errorf("a long word is %q", got)
	}
	if Sentence("poskey says") != "poskey says" || Sentence("it holds") != "It holds" || Sentence("") != "" {
		t.Error("sentences begin wrongly")
	}
}

func TestRowsFit(t *testing.T) {
	for _, s := range []string{strings.Repeat("W", 90), "密钥校验值不一致，请检查终端的主密钥和工作密钥", "a few words that break", ""} {
		rows := Rows(s, 120, 12, 3)
		if len(rows) > 3 || slices.ContainsFunc(rows, func(r string) bool { return Measure(r, 12) > 120 }) {
			t.Errorf("%q becomes %q", s, rows)
		}
	}
	if MeasureMono("AB", 10) <= 0 {
		t.Error("letters have no width")
	}
}
