package minutes

// The sheet of one component, for a line printer.

import (
	"bytes"
	"fmt"
	"io"
	"strings"

	"poskey/internal/fault"
	"poskey/internal/secret"
	"poskey/pkg/component"
)

// SheetInfo is what stands on a sheet beside the component. What is empty is a line to write on.
type SheetInfo struct {
	Test         bool // printed on every line that a reader could mistake
	Rehearsal    bool // the mark says so
	Organisation string
	Place        string
	Ceremony     string
	Fingerprint  string // of the script, words
	Script       string // SHA-256 of the script
	KeyID        string
	Label        string
	Purpose      string
	Custodian    string
	Backup       string
	Witness      string
	Bag, Outer   string
	Channel      string
	SerialBy     string // who sends the serial, apart from the bag
	Generator    string // make, model, serial, firmware of what drew it
	Time         string
}

// sheetForm is the version of the layout.
const sheetForm = "poskey component form 1"

// The page of a line printer. A page is 66 lines; two are left free, so that the form feed does not throw an empty
// page.
const (
	sheetLines   = 64
	sheetColumns = 80
	labelColumn  = 15
	markColumn   = 61
	barIn        = " | "
)

func (i SheetInfo) mark() string {
	switch {
	case i.Rehearsal:
		return markRehearsal
	case i.Test:
		return markTest
	}
	return "PRODUCTION"
}

// real: nothing of the line needs a mark.
func (i SheetInfo) real() bool { return !i.Test && !i.Rehearsal }

// Sheet writes the sheet of one component as plain text for a local printer, 66 lines of 80 columns in ASCII, with a
// form feed. It contains the canonical sheet of pkg/component, so that poskey reads it back: [ReadSheet]. Characters
// that are not ASCII are shown by their numbers, <5F20>. Errors: usage for a part that has no sheet; those of the
// writer.
func Sheet(w io.Writer, p *component.Part, i SheetInfo) error {
	if p == nil {
		return fault.New(fault.Usage, "there is no part to make a sheet of")
	}
	canonical := &column80{sec: secret.New(sheetLines * sheetColumns)}
	defer canonical.sec.Wipe()
	if err := p.WriteSheet(canonical); err != nil {
		return err
	}
	page := &column80{sec: secret.New(sheetLines*(sheetColumns+2) + 1)}
	defer page.sec.Wipe()
	s := sheet{page, p, i, 0}
	s.head()
	s.component(canonical.text())
	s.foot()
	if page.full || s.lines > sheetLines {
		return fault.New(fault.Bug, "the sheet has more than one page")
	}
	_, err := w.Write(page.text())
	return fault.Wrap(err, "print the sheet")
}

// column80 is text in locked memory.
type column80 struct {
	sec  *secret.Bytes
	n    int
	full bool
}

func (c *column80) text() []byte { return c.sec.Expose()[:c.n] }

func (c *column80) Write(b []byte) (int, error) {
	n := copy(c.sec.Expose()[c.n:], b)
	c.n += n
	if n < len(b) {
		c.full = true
		return n, io.ErrShortWrite
	}
	return n, nil
}

// print is for public words: fmt keeps buffers.
func (c *column80) print(s string) { _, _ = c.Write([]byte(s)) }

type sheet struct {
	*column80
	p     *component.Part
	i     SheetInfo
	lines int
}

func (s *sheet) line(words string) {
	s.print(words + "\r\n")
	s.lines++
}

// ruler fills a line, with the mark in it over and over.
func (s *sheet) ruler(fill string) {
	unit := strings.Repeat(fill, 4) + " " + s.i.mark() + " "
	line := strings.Repeat(unit, (sheetColumns-4)/len(unit))
	s.line(line + strings.Repeat(fill, sheetColumns-len(line)))
}

// field is a label with what belongs to it, or a line to write on.
func (s *sheet) field(label, value string) {
	s.long(label, 2, value)
}

// long takes so many lines; what is more is cut, and says so.
func (s *sheet) long(label string, most int, value string) {
	label = fmt.Sprintf("%-*s: ", labelColumn, label)
	room := sheetColumns - len(label)
	mark := ""
	if !s.i.real() {
		mark = barIn + s.i.mark()
		room -= len(mark)
	}
	lines := wrapped(ascii(value), room)
	if len(lines) == 0 {
		lines = []string{strings.Repeat("_", min(40, room))}
	}
	if len(lines) > most {
		lines = lines[:most]
		last := lines[most-1]
		lines[most-1] = last[:min(len(last), room-4)] + " ..."
	}
	for _, l := range lines {
		if mark != "" {
			l = fmt.Sprintf("%-*s%s", room, l, mark)
		}
		s.line(label + l)
		label = strings.Repeat(" ", len(label))
	}
}

// wrapped breaks ASCII at blanks; longer words are broken anywhere.
func wrapped(v string, room int) []string {
	var out []string
	line := ""
	for _, word := range strings.Fields(v) {
		if line != "" && len(line)+1+len(word) > room {
			out, line = append(out, line), ""
		}
		for len(word) > room {
			out, word = append(out, word[:room]), word[room:]
		}
		line = joined(" ", line, word)
	}
	if line != "" {
		out = append(out, line)
	}
	return out
}

// ascii shows other characters by their numbers. Bars are kept for the component.
func ascii(v string) string {
	var b strings.Builder
	for _, r := range v {
		switch {
		case r == '\n' || r == '\t' || r == '\r':
			b.WriteByte(' ')
		case r == '|':
			b.WriteByte('/')
		case r >= ' ' && r <= '~':
			b.WriteRune(r)
		default:
			fmt.Fprintf(&b, "<%04X>", r)
		}
	}
	return b.String()
}

func (s *sheet) head() {
	p, i := s.p, s.i
	s.ruler("=")
	s.line(fmt.Sprintf("COMPONENT %d OF %d    FOR THE EYES OF ITS CUSTODIAN ALONE", p.Index, p.Of))
	s.ruler("=")
	s.field("organisation", i.Organisation)
	s.field("place", i.Place)
	s.long("ceremony", 1, i.Ceremony)
	s.long("date and time", 1, i.Time)
	s.field("key", joined(" = ", i.KeyID, i.Label))
	s.field("purpose", i.Purpose)
	s.field("algorithm", fmt.Sprintf("%s, %d bytes, %s, %d of %d needed", p.Algorithm, p.Value.Len(), p.Scheme,
		p.Threshold, p.Of))
	s.field("generator", i.Generator)
	s.field("custodian", i.Custodian)
	s.field("backup", i.Backup)
	s.field("witness", i.Witness)
	s.long("bag, inner", 1, i.Bag)
	s.long("bag, outer", 1, i.Outer)
	s.field("channel", i.Channel)
	s.field("serial told by", i.SerialBy)
	s.long("script, words", 4, i.Fingerprint)
	s.long("script, SHA-256", 2, i.Script)
}

// component writes the canonical sheet between bars.
func (s *sheet) component(canonical []byte) {
	s.ruler("-")
	row := 0
	for line := range bytes.Lines(canonical) {
		line = bytes.TrimRight(line, "\n")
		letter := " "
		if bytes.HasPrefix(line, []byte("row ")) {
			letter = string(rune('A' + row))
			row++
		}
		s.print(" " + letter + barIn)
		_, _ = s.Write(line)
		used := 2 + len(barIn) + len(line)
		s.print(strings.Repeat(" ", max(0, markColumn-used)) + barIn)
		s.line(s.i.mark())
	}
	s.ruler("-")
}

func (s *sheet) foot() {
	for _, l := range []string{
		"Type the rows as they stand, each with its check. Whoever sees another component",
		"of this key may never hold this one. Say nothing of it aloud, copy nothing.",
		"",
		fmt.Sprintf("custodian ____________________  witness ____________________  date %s", strings.Repeat("_", 11)),
	} {
		s.line(l)
	}
	for s.lines < sheetLines-2 {
		s.line("")
	}
	s.line(fmt.Sprintf("%-58s%22s", sheetForm+"    set "+s.p.Set, "page 1 of 1"))
	s.ruler("=")
	s.print("\f")
}

// ReadSheet reads a page that [Sheet] printed, or a bare canonical sheet, and gives its part. Errors: those of
// component.ParseSheet, which speak of lines of the component, not of the page.
func ReadSheet(page []byte) (*component.Part, error) {
	inner := secret.New(len(page) + 1)
	defer inner.Wipe()
	out, found := inner.Expose()[:0], false
	for line := range bytes.Lines(page) {
		_, rest, ok := bytes.Cut(line, []byte(barIn[:2]))
		if !ok {
			continue
		}
		rest = bytes.TrimLeft(rest, " \t")
		begins := component.IsSheet(rest)
		if begins && found {
			return nil, fault.New(fault.MalformedSheet, "there are several sheets; give one at a time")
		}
		if found = found || begins; !found {
			continue
		}
		if at := bytes.LastIndexByte(rest, '|'); at >= 0 {
			rest = rest[:at]
		}
		out = append(append(out, bytes.TrimRight(rest, " \t\r\n")...), '\n')
	}
	if !found {
		return component.ParseSheet(page)
	}
	return component.ParseSheet(out)
}
