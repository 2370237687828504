package page

// The shell around every page.

import (
	_ "embed" // the shell
	"html/template"
	"io"

	"poskey/internal/fault"
	"poskey/internal/i18n"
)

//go:embed shell.html.tmpl
var shell string

// Template is a kind of page.
type Template struct {
	name string
	t    *template.Template
}

// New reads a kind of page: a source that defines "body", and "style" where it has one of its own. Error: bug.
func New(name, source string) (*Template, error) {
	t, err := template.New(name).Parse(shell)
	if err == nil {
		_, err = t.Parse(source)
	}
	if err != nil {
		return nil, fault.WrapAs(fault.Bug, err, "the page %s", name)
	}
	return &Template{name, t}, nil
}

// Frame is what stands around what a page says.
type Frame struct {
	Lang  i18n.Lang
	Title string   // of the window; it begins with the heading
	Foot  []string // a line each: when it was made, by which version, what it does not hold
}

// framed is what the shell sees.
type framed struct {
	Tag  string
	Body any
	Frame
}

// Write writes a page; body is what its template sees.
func (t *Template) Write(w io.Writer, f Frame, body any) error {
	return fault.WrapAs(fault.Bug, t.t.Execute(w, framed{LangTag(f.Lang), body, f}), "the page %s", t.name)
}

// LangTag is the language for a browser, which picks the shapes of Chinese characters by it.
func LangTag(l i18n.Lang) string {
	if l == i18n.Chinese {
		return "zh-CN"
	}
	return string(l)
}
