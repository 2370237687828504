package minutes

import (
	"bytes"
	"compress/zlib"
	"io"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"unicode"
	"unicode/utf16"
)

// run is text as it stands in a PDF: one font, one place.
type textRun struct {
	page       int
	x, y, size float64 // mm from the upper left corner; points
	font       string
	text       string
}

var (
	objectHead = regexp.MustCompile(`(?m)^(\d+) 0 obj\n`)
	fontRef    = regexp.MustCompile(`/(F[0-9a-f]+) (\d+) 0 R`)
	baseFont   = regexp.MustCompile(`/BaseFont /(\S+)`)
	contents   = regexp.MustCompile(`/Contents (\d+) 0 R`)
	setFont    = regexp.MustCompile(`^BT /(F[0-9a-f]+) ([\d.]+) Tf ET`)
	showText   = regexp.MustCompile(`(?s)BT (-?[\d.]+) (-?[\d.]+) Td \((.*)\) Tj ET`)
)

// readPDF is a small reader for what the press writes: objects one after the other, pages in order.
func readPDF(t *testing.T, raw []byte) []textRun {
	t.Helper()
	objects := map[string][]byte{}
	heads := objectHead.FindAllSubmatchIndex(raw, -1)
	for i, h := range heads {
		end := len(raw)
		if i+1 < len(heads) {
			end = heads[i+1][0]
		}
		objects[string(raw[h[2]:h[3]])] = raw[h[1]:end]
	}
	fonts := map[string]string{}
	for _, ref := range fontRef.FindAllSubmatch(raw, -1) {
		if name := baseFont.FindSubmatch(objects[string(ref[2])]); name != nil {
			fonts[string(ref[1])] = string(name[1])
		}
	}
	if len(fonts) < 2 {
		t.Fatalf("fonts: %v", fonts)
	}
	var out []textRun
	page := 0
	for _, h := range heads {
		body := objects[string(raw[h[2]:h[3]])]
		at := contents.FindSubmatch(body)
		if at == nil || !bytes.Contains(body, []byte("/Type /Page\n")) {
			continue
		}
		page++
		out = append(out, readPage(t, page, streamOf(t, objects[string(at[1])]), fonts)...)
	}
	if page == 0 || len(out) == 0 {
		t.Fatalf("no page, or nothing on the pages: %d pages, %d texts", page, len(out))
	}
	return out
}

func streamOf(t *testing.T, object []byte) []byte {
	t.Helper()
	_, rest, ok := bytes.Cut(object, []byte("stream\n"))
	body, _, ok2 := bytes.Cut(rest, []byte("\nendstream"))
	if !ok || !ok2 {
		t.Fatal("an object without a stream")
	}
	z, err := zlib.NewReader(bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func readPage(t *testing.T, page int, content []byte, fonts map[string]string) []textRun {
	t.Helper()
	var out []textRun
	font, size := "", 0.0
	// A line feed may be a byte of a text: a line is whole when it ends as a command does.
	pending := ""
	for line := range strings.SplitSeq(string(content), "\n") {
		if pending != "" {
			line = pending + "\n" + line
		}
		pending = ""
		if strings.Contains(line, " Td (") && !strings.Contains(line, ") Tj ET") {
			pending = line
			continue
		}
		if m := setFont.FindStringSubmatch(line); m != nil {
			font = m[1]
			size, _ = strconv.ParseFloat(m[2], 64)
		}
		m := showText.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		x, _ := strconv.ParseFloat(m[1], 64)
		y, _ := strconv.ParseFloat(m[2], 64)
		out = append(out, textRun{page, x * mmPerPoint, pageHeight - y*mmPerPoint, size, fonts[font], plainText(m[3], strings.HasPrefix(fonts[font], "utf8"))})
	}
	if pending != "" {
		t.Fatalf("page %d: a text does not end", page)
	}
	return out
}

func plainText(s string, wide bool) string {
	s = strings.NewReplacer(`\\`, `\`, `\(`, `(`, `\)`, `)`, `\r`, "\r").Replace(s)
	if wide {
		units := make([]uint16, len(s)/2)
		for i := range units {
			units[i] = uint16(s[2*i])<<8 | uint16(s[2*i+1])
		}
		return string(utf16.Decode(units))
	}
	var b strings.Builder
	high := []rune(windows1252)
	for _, c := range []byte(s) {
		if c >= 0x80 && c < 0xA0 {
			b.WriteRune(high[c-0x80])
		} else {
			b.WriteRune(rune(c))
		}
	}
	return b.String()
}

// squeezed is text without blanks: where lines are broken does not matter.
func squeezed(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) {
			return -1
		}
		return r
	}, s)
}

// said is all that runs say, squeezed.
func said(runs []textRun) string {
	var b strings.Builder
	for _, r := range runs {
		if r.size < 30 { // not what goes across the page
			b.WriteString(r.text)
		}
	}
	return squeezed(b.String())
}

func pagesOf(runs []textRun) int { return runs[len(runs)-1].page }

// someFaces are the fonts, read once: they do not change.
var someFaces = sync.OnceValues(loadFaces)

// mustFit fails where text leaves the page or its foot.
func mustFit(t *testing.T, runs []textRun) {
	t.Helper()
	f, err := someFaces()
	if err != nil {
		t.Fatal(err)
	}
	bad := 0
	for _, r := range runs {
		if r.size > 30 {
			continue
		}
		st := style{Size: r.size, Mono: strings.HasPrefix(r.font, "Courier"), Bold: strings.HasSuffix(r.font, "Bold")}
		widest := f.width(r.text, st)
		if r.x < left-0.1 || r.x+widest > right+0.5 || r.y < 8 || r.y > 292 {
			bad++
			if bad < 5 {
				t.Errorf("page %d: %.60q at %.1f, %.1f mm, %.1f wide", r.page, r.text, r.x, r.y, widest)
			}
		}
	}
}

// pageText is what is shown of a page in HTML, squeezed.
func pageText(raw []byte) string {
	s := regexp.MustCompile(`(?s)<(style|title)>.*?</(style|title)>`).ReplaceAllString(string(raw), "")
	s = regexp.MustCompile(`<[^>]*>`).ReplaceAllString(s, "")
	return squeezed(strings.NewReplacer("&#39;", "'", "&#34;", `"`, "&lt;", "<", "&gt;", ">", "&#43;", "+", "&amp;", "&").Replace(s))
}
