package minutes

// The sheet of one component, for a line printer.

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"time"

	"poskey/internal/fault"
	"poskey/internal/secret"
	"poskey/pkg/ceremony"
	"poskey/pkg/ceremony/transcript"
	"poskey/pkg/component"
)

// sheetForm is the version of the layout.
const sheetForm = "poskey component form 1"

// The page of a line printer. A page is 66 lines; two are left free, so that the form feed does not throw an empty
// page.
const (
	sheetLines   = 64
	sheetColumns = 80
	labelColumn  = 15
	markColumn   = 61
	barIn        = " " + string(component.Bar) + " "
)

// sheetMark is what stands on every line that a reader could mistake.
func sheetMark(a ceremony.SheetAbout) string {
	switch {
	case a.Rehearsal:
		return transcript.MarkRehearsal
	case a.Test:
		return transcript.MarkTest
	}
	return "PRODUCTION"
}

// Sheet writes the sheet of one component as plain text for a local printer, 66 lines of 80 columns in ASCII, with a
// form feed. It contains the canonical sheet of pkg/component between bars, so that component.ParseSheet reads the page
// back. Characters that are not ASCII are shown by their numbers, <5F20>. Errors: usage for a part that has no sheet;
// those of the writer.
func Sheet(w io.Writer, p *component.Part, about ceremony.SheetAbout) error {
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
	s := sheet{page, p, about, 0}
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
	about ceremony.SheetAbout
	lines int
}

func (s *sheet) line(words string) {
	s.print(words + "\r\n")
	s.lines++
}

// ruler fills a line, with the mark in it over and over.
func (s *sheet) ruler(fill string) {
	unit := strings.Repeat(fill, 4) + " " + sheetMark(s.about) + " "
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
	if s.about.Test || s.about.Rehearsal {
		mark = barIn + sheetMark(s.about)
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
		case r == component.Bar:
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
	p, a := s.p, s.about
	s.ruler("=")
	s.line(fmt.Sprintf("COMPONENT %d OF %d    FOR THE EYES OF ITS CUSTODIAN ALONE", p.Index, p.Of))
	s.ruler("=")
	s.field("organisation", a.Organisation)
	s.field("place", a.Place)
	s.long("ceremony", 1, a.Ceremony)
	s.long("date and time", 1, printedTime(a.Time))
	s.field("key", joined(" = ", a.KeyID, a.Label))
	s.field("purpose", a.Purpose)
	s.field("algorithm", fmt.Sprintf("%s, %d bytes, %s, %d of %d needed", p.Algorithm, p.Value.Len(), p.Scheme,
		p.Threshold, p.Of))
	s.field("generator", a.Generator)
	s.field("custodian", a.Custodian)
	s.field("backup", a.Backup)
	s.field("witness", a.Witness)
	s.long("bag, inner", 1, a.Bag)
	s.long("bag, outer", 1, a.Outer)
	s.field("channel", a.Channel)
	s.field("serial told by", a.SerialBy)
	s.long("script, words", 4, a.Fingerprint)
	s.long("script, SHA-256", 2, a.Script)
}

// printedTime is a time on paper; none is a line to write on.
func printedTime(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
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
		s.line(sheetMark(s.about))
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
