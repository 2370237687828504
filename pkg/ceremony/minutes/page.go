package minutes

// The paper as a page for a browser.

import (
	_ "embed" // the page
	"fmt"
	"html/template"
	"io"
	"strings"

	"rsc.io/qr"

	"poskey/internal/fault"
)

//go:embed page.html
var pageHTML string

// writeHTML writes a paper as a page.
func writeHTML(w io.Writer, p *paper) error {
	t, err := template.New("page").Funcs(template.FuncMap{
		"vis": visible, "class": cellClass, "shares": shares, "code": codeSVG,
		"label": func(t *table, i int) string {
			if t.Headed && i < len(t.Columns) {
				return visible(t.Columns[i].Title)
			}
			return ""
		},
	}).Parse(pageHTML)
	if err != nil {
		return fault.WrapAs(fault.Bug, err, "the page of the minutes")
	}
	var b strings.Builder
	if err := t.Execute(&b, p); err != nil {
		return fault.WrapAs(fault.Bug, err, "the page of the minutes")
	}
	_, err = io.WriteString(w, b.String())
	return fault.WrapAs(fault.Failure, err, "write the page of the minutes")
}

func cellClass(c cell) string {
	var out []string
	if c.Mono {
		out = append(out, "mono")
	}
	if c.Bold {
		out = append(out, "bold")
	}
	if c.Tone != plain {
		out = append(out, string(c.Tone))
	}
	if c.Write {
		out = append(out, "write")
	}
	if c.Struck {
		out = append(out, "struck")
	}
	return strings.Join(out, " ")
}

func shares(t *table) []string {
	sum := 0.0
	for _, c := range t.Columns {
		sum += c.Share
	}
	out := make([]string, len(t.Columns))
	for i, c := range t.Columns {
		out[i] = fmt.Sprintf("%.1f", 100*c.Share/sum)
	}
	return out
}

// codeSVG draws a QR code. What goes in is drawn, not written: nothing of it is markup.
func codeSVG(s string) (template.HTML, error) {
	c, err := qr.Encode(s, qr.M)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	side := c.Size + 8 // the quiet border
	fmt.Fprintf(&b,
		`<svg viewBox="0 0 %d %d" role="img" shape-rendering="crispEdges"><path fill="#fff" d="M0 0h%dv%dH0z"/><path d="`,
		side, side, side, side)
	for y := range c.Size {
		for x := range c.Size {
			if c.Black(x, y) {
				fmt.Fprintf(&b, "M%d %dh1v1h-1z", x+4, y+4)
			}
		}
	}
	b.WriteString(`"/></svg>`)
	return template.HTML(b.String()), nil //nolint:gosec // numbers alone
}
