// Package i18n turns texts into the reader's language. English is the source: the formats stand in the code. Chinese is
// the catalogue zh.po, whose msgids are those formats; a test collects all formats of the module and fails when one
// has no translation or a translation takes other arguments.
package i18n

import (
	_ "embed"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"

	"poskey/internal/fault"
	"poskey/internal/text"
)

//go:embed zh.po
var zhCatalogue string

// Lang is a language that poskey speaks.
type Lang string

// The languages.
const (
	English Lang = "en"
	Chinese Lang = "zh"
)

// Parse reads what a user wrote after --lang.
func Parse(s string) (Lang, error) {
	switch l := Lang(strings.ToLower(s)); l {
	case English, Chinese:
		return l, nil
	}
	return "", fault.New(fault.Usage, "unknown language %q; known: en zh", text.Redact(s))
}

// FromEnv picks the language by POSKEY_LANG, then the locale as POSIX orders it. Anything not Chinese is English.
func FromEnv(getenv func(string) string) Lang {
	for _, name := range []string{"POSKEY_LANG", "LC_ALL", "LC_MESSAGES", "LANG"} {
		if v := getenv(name); v != "" {
			if strings.HasPrefix(strings.ToLower(v), "zh") {
				return Chinese
			}
			return English
		}
	}
	return English
}

// Printer speaks one language.
type Printer struct {
	lang    Lang
	entries map[string]string // nil for English

	shapesOnce sync.Once
	shapes     []shape // of the entries; made for the first stored sentence
}

// New makes a printer. The catalogue is read only for a language that needs it.
func New(lang Lang) *Printer {
	p := &Printer{lang: lang}
	if lang == Chinese {
		p.entries, _ = ParsePO(zhCatalogue) // a test proves that it parses
	}
	return p
}

// Lang gives the language.
func (p *Printer) Lang() Lang { return p.lang }

// Text renders a text; texts and errors among its arguments are rendered too.
func (p *Printer) Text(t text.Text) string {
	format := t.Format
	if translated, ok := p.entries[format]; ok {
		format = translated
	}
	args := make([]any, len(t.Args))
	for i, a := range t.Args {
		args[i] = p.argument(a)
	}
	return fmt.Sprintf(format, args...)
}

// T renders a format with its arguments.
func (p *Printer) T(format string, args ...any) string { return p.Text(text.New(format, args...)) }

func (p *Printer) argument(a any) any {
	switch v := a.(type) {
	case text.Text:
		return p.Text(v)
	case text.Words:
		if p.lang == Chinese {
			return v.ZH
		}
		return v.EN
	case error:
		return p.Error(v)
	case text.Stored:
		return p.stored(string(v))
	}
	return a
}

// Error renders an error, outermost place first. Errors of the system stay in its words.
func (p *Printer) Error(err error) string {
	var f *fault.Error
	if !errors.As(err, &f) {
		return err.Error()
	}
	if f.Err == nil {
		return p.Text(f.Text)
	}
	return p.Text(f.Text) + p.colon() + p.Error(f.Err)
}

func (p *Printer) colon() string {
	if p.lang == Chinese {
		return "："
	}
	return ": "
}

// ParsePO reads the part of the PO format that the catalogue uses: comments, msgid and msgstr of one line each. It answers
// with an error that names the line.
func ParsePO(catalogue string) (map[string]string, error) {
	entries := map[string]string{}
	id, have := "", false
	n := 0
	for line := range strings.Lines(catalogue) {
		n++
		line = strings.TrimSpace(line)
		switch {
		case line == "" || strings.HasPrefix(line, "#"):
		case strings.HasPrefix(line, "msgid "):
			s, err := strconv.Unquote(line[len("msgid "):])
			if err != nil || have {
				return nil, fault.New(fault.Malformed, "catalogue line %d: bad msgid", n)
			}
			id, have = s, true
		case strings.HasPrefix(line, "msgstr "):
			s, err := strconv.Unquote(line[len("msgstr "):])
			if _, twice := entries[id]; err != nil || !have || twice {
				return nil, fault.New(fault.Malformed, "catalogue line %d: bad or repeated msgstr", n)
			}
			entries[id], have = s, false
		default:
			return nil, fault.New(fault.Malformed, "catalogue line %d: neither msgid nor msgstr", n)
		}
	}
	if have {
		return nil, fault.New(fault.Malformed, "catalogue line %d: bad msgid", n) // the file ends behind it
	}
	return entries, nil
}

// ZH gives the Chinese catalogue as text, for the tests that hold it against the code.
func ZH() string { return zhCatalogue }
