package cli

// Pages for browsers go into new files of their owner.

import (
	"bytes"
	"io"
	"time"

	"poskey/internal/fault"
	"poskey/internal/i18n"
	"poskey/internal/page"
	"poskey/internal/source"
	"poskey/internal/text"
)

// writePage makes a page and writes it into a new file that only its owner can read, when it is whole.
func writePage(path string, lay func(io.Writer) error) error {
	var made bytes.Buffer
	if err := lay(&made); err != nil {
		return err
	}
	return source.Fill(path, func(w io.Writer) error {
		_, err := w.Write(made.Bytes())
		return fault.WrapAs(fault.Failure, err, "write %s", text.Redact(path))
	})
}

// pagePrinter says what stands on a page.
type pagePrinter struct{ in *i18n.Printer }

// say is a text in the page's language, in characters that can be seen, without anything that looks like a key.
func (p *pagePrinter) say(t text.Text) string {
	if t.IsZero() {
		return ""
	}
	return page.Line(p.in.Text(t))
}

// head is a text that stands by itself.
func (p *pagePrinter) head(t text.Text) string { return page.Sentence(p.say(t)) }

// frame is what stands around a page: its foot says when it was made, by which version, and what it does not hold.
func (p *pagePrinter) frame(title, version string, at time.Time) page.Frame {
	return page.Frame{Lang: p.in.Lang(), Title: title, Foot: []string{
		p.head(text.New("made %s", at.UTC().Format("2006-01-02 15:04 UTC"))),
		p.say(text.New("poskey, version %s", version)),
		p.say(text.New("This page holds no key: check values and other public values alone.")),
	}}
}
