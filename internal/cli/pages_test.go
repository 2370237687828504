package cli

// What every page holds to: whole, inert, and without keys.

import (
	"encoding/xml"
	"errors"
	"io"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// holdPage looks at a page as it was written: strict XML of elements that do nothing, with headings in order, and nothing
// in it that may be a key or comes from elsewhere.
func holdPage(t *testing.T, written string) {
	t.Helper()
	may := strings.Fields("html head meta title style body main header footer section article figure figcaption div span p h1 h2 h3 h4 " +
		"ul ol li var dl dt dd table thead tbody tr th td br b a code mark i svg desc g rect path text")
	ids, wanted, level := map[string]bool{}, []string{}, 0
	eachElement(t, written, func(e xml.StartElement) {
		if !slices.Contains(may, e.Name.Local) {
			t.Errorf("the page has an element %s", e.Name.Local)
		}
		for _, a := range e.Attr {
			switch name := a.Name.Local; {
			case name == "href" && strings.HasPrefix(a.Value, "#"):
				wanted = append(wanted, a.Value[1:])
			case strings.HasPrefix(name, "on"), name == "href", name == "src", name == "style":
				t.Errorf("the page has an attribute %s=%q", name, a.Value)
			case name == "id":
				if ids[a.Value] {
					t.Errorf("two elements have the id %s", a.Value)
				}
				ids[a.Value] = true
			case name == "aria-labelledby":
				wanted = append(wanted, strings.Fields(a.Value)...)
			}
		}
		if n := e.Name.Local; len(n) == 2 && n[0] == 'h' && n[1] >= '1' && n[1] <= '6' {
			if next := int(n[1] - '0'); next > level+1 {
				t.Errorf("heading %s stands under a heading of level %d", n, level)
			}
			level = int(n[1] - '0')
		}
	})
	for _, id := range wanted {
		if !ids[id] {
			t.Errorf("no element has the id %s", id)
		}
	}
	if strings.Count(written, "<h1>") != 1 || !strings.Contains(written, "default-src 'none'") {
		t.Error("the page has one title and a policy that lets nothing in")
	}
	holdsNoKey(t, written)
}

// eachElement reads a page as strict XML.
func eachElement(t *testing.T, written string, look func(xml.StartElement)) {
	t.Helper()
	d := xml.NewDecoder(strings.NewReader(written))
	n := 0
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("the page is not well formed: %v", err)
		}
		if e, ok := token.(xml.StartElement); ok {
			n++
			look(e)
		}
	}
	if n < 40 {
		t.Fatalf("the page has %d elements", n)
	}
}

func holdsNoKey(t *testing.T, written string) {
	t.Helper()
	long, tags := regexp.MustCompile(`[0-9A-Fa-f]{16}`), regexp.MustCompile(`<[^>]*>`)
	_, style, _ := strings.Cut(written, "<style>")
	style, _, _ = strings.Cut(style, "</style>")
	markup := strings.ToLower(style + strings.Join(tags.FindAllString(written, -1), "\n")) // addresses may stand in words alone
	for _, bad := range []string{"http:", "https:", "url(", "@import", "//", "<script", "javascript:", "zgotmplz"} {
		if strings.Contains(markup, bad) {
			t.Errorf("the page holds %q", bad)
		}
	}
	if strings.ContainsAny(written, "\u202e\u200b\x1b") {
		t.Error("the page holds characters that cannot be seen")
	}
	for _, form := range []string{written, tags.ReplaceAllString(written, "")} {
		if found := long.FindString(form); found != "" {
			t.Errorf("16 hex digits stand in a row: %s", found)
		}
	}
}
