// Package render writes answers: one JSON document, or a page for people. It is the only user of tablewriter.
//
// A command hands over its document (a struct with json tags, snake_case) and a function that lays the same facts out on
// a [Page]. JSON is never translated; a page speaks the reader's language.
package render

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/olekukonko/tablewriter"
	"github.com/olekukonko/tablewriter/pkg/twwidth"
	"github.com/olekukonko/tablewriter/renderer"
	"github.com/olekukonko/tablewriter/tw"

	"poskey/internal/fault"
	"poskey/internal/i18n"
	"poskey/internal/text"
)

// Format is what -o says.
type Format string

// The formats.
const (
	Table Format = "table"
	JSON  Format = "json"
)

// ParseFormat reads the value of -o.
func ParseFormat(s string) (Format, error) {
	switch f := Format(strings.ToLower(s)); f {
	case Table, JSON:
		return f, nil
	}
	return "", fault.New(fault.Usage, "unknown output format %q; known: table json", text.Redact(s))
}

// Renderer writes to stdout (answers) and stderr (talk).
type Renderer struct {
	Out, Err io.Writer
	Format   Format
	Say      *i18n.Printer
	Color    bool // for Out
	ErrColor bool // for Err
	Quiet    bool
	Width    int // columns for long sentences; 0 does not wrap

	// Before is asked before an answer is written, where it is set: what is not recorded must not be shown.
	Before func() error
}

// Answer writes the answer of a command: doc as "poskey.<name>/v1" or the page.
func (r *Renderer) Answer(name string, doc any, lay func(*Page)) error {
	if r.Before != nil {
		if err := r.Before(); err != nil {
			return err
		}
	}
	if r.Format == JSON {
		line, err := Document(name, doc)
		if err != nil {
			return err
		}
		return r.write(append(line, '\n'))
	}
	p := &Page{r: r}
	lay(p)
	return r.write(trimLines(p.buf.Bytes()))
}

// trimLines takes the blanks off the ends of lines that aligning leaves.
func trimLines(page []byte) []byte {
	out := make([]byte, 0, len(page))
	for line := range bytes.Lines(page) {
		line = bytes.TrimRight(line, " \n")
		bare := line
		for bytes.HasSuffix(bare, []byte(reset)) { // blanks may stand before the end of a colour
			bare = bytes.TrimRight(bytes.TrimSuffix(bare, []byte(reset)), " ")
		}
		out = append(out, bare...)
		if len(bare) < len(line) {
			out = append(out, reset...)
		}
		out = append(out, '\n')
	}
	return out
}

func (r *Renderer) write(b []byte) error {
	if _, err := r.Out.Write(b); err != nil {
		return fault.WrapAs(fault.Failure, err, "write the answer")
	}
	return nil
}

// Document marshals doc with its schema in front. Characters of HTML stay themselves.
func Document(name string, doc any) ([]byte, error) {
	var l Lines
	if err := l.Add(name, doc); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(l.Bytes(), []byte{'\n'}), nil
}

// Lines is documents below each other, a line each: those of a batch, where it counts what one of them costs. It must not
// be copied.
type Lines struct {
	bytes.Buffer
	encoder *json.Encoder
}

// Add adds a document as [Document] makes it, with the end of the line. With an error nothing is added.
func (l *Lines) Add(name string, doc any) error {
	before := l.Len()
	_, _ = l.WriteString(`{"schema":"poskey.`)
	_, _ = l.WriteString(name)
	_, _ = l.WriteString(`/v1"`)
	at := l.Len()
	if err := l.encode(doc); err != nil {
		l.Truncate(before)
		return err
	}
	if l.Len()-at == len("{}\n") {
		l.Truncate(at)
		_, _ = l.WriteString("}\n")
		return nil
	}
	l.Bytes()[at] = ',' // where the object of its own began
	return nil
}

func (l *Lines) encode(doc any) error {
	if l.encoder == nil {
		l.encoder = json.NewEncoder(&l.Buffer)
		l.encoder.SetEscapeHTML(false)
	}
	return fault.WrapAs(fault.Failure, l.encoder.Encode(doc), "write the answer as JSON")
}

// Note says something beside the answer: to stderr, not in JSON mode's document, not under -q.
func (r *Renderer) Note(t text.Text) {
	if !r.Quiet && r.Format != JSON {
		_, _ = fmt.Fprintf(r.Err, "%s\n", r.Say.Text(t))
	}
}

// Warn says a warning: to stderr, also under -q and with -o json.
func (r *Renderer) Warn(t text.Text) {
	word := r.Say.T("warning")
	if r.ErrColor {
		word = yellow + word + reset
	}
	_, _ = fmt.Fprintf(r.Err, "poskey: %s: %s\n", word, r.Say.Text(t))
}

const (
	red    = "\x1b[31m"
	green  = "\x1b[32m"
	yellow = "\x1b[33m"
	bold   = "\x1b[1m"
	reset  = "\x1b[0m"
)

// Page is an answer for people, laid out from top to bottom.
type Page struct {
	r   *Renderer
	buf bytes.Buffer
}

// T renders a text in the reader's language.
func (p *Page) T(t text.Text) string { return p.r.Say.Text(t) }

// Line writes one sentence.
func (p *Page) Line(t text.Text) { p.buf.WriteString(p.T(t) + "\n") }

// Blank leaves a line free.
func (p *Page) Blank() { p.buf.WriteByte('\n') }

// Raw writes a line that is the same in every language, such as a key block.
func (p *Page) Raw(s string) { p.buf.WriteString(s + "\n") }

// Heading writes a line that stands out.
func (p *Page) Heading(t text.Text) { p.buf.WriteString(p.paint(bold, p.T(t)) + "\n") }

// Good and Bad write a verdict.
func (p *Page) Good(t text.Text) { p.buf.WriteString(p.paint(green, p.T(t)) + "\n") }

// Bad writes a verdict that is no.
func (p *Page) Bad(t text.Text) { p.buf.WriteString(p.paint(red, p.T(t)) + "\n") }

func (p *Page) paint(color, s string) string {
	if !p.r.Color {
		return s
	}
	return color + s + reset
}

// Fields writes names and values below each other, the values aligned.
func (p *Page) Fields(rows ...Field) {
	t := p.table()
	names := 0
	for _, row := range rows {
		if row.Value != "" {
			names = max(names, twwidth.Width(p.T(row.Name)))
		}
	}
	for _, row := range rows {
		if row.Value != "" {
			_ = t.Append([]string{p.T(row.Name), wrap(row.Value, p.r.Width-names-2*len(gap))})
		}
	}
	_ = t.Render()
}

// wrap breaks a sentence into lines of at most width columns, between words; 0 and less leave it whole. Words that are
// longer than a line, such as key blocks, stay whole, so that they can be copied.
func wrap(s string, width int) string {
	if width < narrowest {
		return s
	}
	return broken(s, width)
}

// broken is wrap for any width there is.
func broken(s string, width int) string {
	if twwidth.Width(s) <= width {
		return s
	}
	var out strings.Builder
	used := 0
	for word := range strings.SplitAfterSeq(s, " ") {
		for _, piece := range breakable(word) {
			w := twwidth.Width(piece)
			if used > 0 && used+w > width {
				out.WriteByte('\n')
				used = 0
			}
			out.WriteString(piece)
			used += w
		}
	}
	return out.String()
}

// breakable cuts a word after each Chinese character; other words stay whole.
func breakable(word string) []string {
	var pieces []string
	start := 0
	for i, c := range word {
		if c >= 0x2E80 && i > start {
			pieces = append(pieces, word[start:i])
			start = i
		}
	}
	return append(pieces, word[start:])
}

// Field is one row of Fields; an empty value leaves it out.
type Field struct {
	Name  text.Text
	Value string
}

// F makes a Field.
func F(name text.Text, value string) Field { return Field{name, value} }

// narrowestLast is the least room that the last column of a table breaks for.
const narrowestLast = 12

// Grid writes a table with a head. The last column is where sentences stand: it breaks at the edge of the terminal.
func (p *Page) Grid(head []text.Text, rows [][]string) {
	t := p.table()
	names := make([]string, len(head))
	for i, h := range head {
		names[i] = p.paint(bold, p.T(h))
	}
	t.Header(names)
	room := p.r.Width - beforeLast(names, rows)
	for _, row := range rows {
		if last := len(row) - 1; room >= narrowestLast && last >= 0 && last == len(head)-1 {
			row = append(slices.Clone(row[:last]), broken(row[last], room))
		}
		_ = t.Append(row)
	}
	_ = t.Render()
}

// beforeLast is how many columns of the terminal stand before the last column of a table.
func beforeLast(names []string, rows [][]string) (columns int) {
	for i := range len(names) - 1 {
		widest := twwidth.Width(names[i])
		for _, row := range rows {
			if i < len(row) {
				widest = max(widest, twwidth.Width(row[i]))
			}
		}
		columns += widest + len(gap)
	}
	return columns
}

// gap stands behind each cell of a table.
const gap = "  "

// table makes a table without lines: it pastes well and reads well in a log.
func (p *Page) table() *tablewriter.Table {
	return tablewriter.NewTable(&p.buf,
		tablewriter.WithRenderer(renderer.NewBlueprint(tw.Rendition{
			Borders:  tw.BorderNone,
			Settings: tw.Settings{Separators: tw.SeparatorsNone, Lines: tw.LinesNone},
		})),
		tablewriter.WithConfig(tablewriter.Config{
			Header: tw.CellConfig{
				Alignment:  tw.CellAlignment{Global: tw.AlignLeft},
				Formatting: tw.CellFormatting{AutoFormat: tw.Off, AutoWrap: tw.WrapNone},
				Padding:    tw.CellPadding{Global: tw.Padding{Left: "", Right: gap, Overwrite: true}},
			},
			Row: tw.CellConfig{
				Alignment:  tw.CellAlignment{Global: tw.AlignLeft},
				Formatting: tw.CellFormatting{AutoWrap: tw.WrapNone},
				Padding:    tw.CellPadding{Global: tw.Padding{Left: "", Right: gap, Overwrite: true}},
			},
			Behavior: tw.Behavior{TrimSpace: tw.Off},
		}),
	)
}
