package minutes

// The paper as a PDF: pages, their heads and feet, text where it belongs.

import (
	"io"
	"time"

	"codeberg.org/go-pdf/fpdf"
	"rsc.io/qr"

	"poskey/internal/fault"
	"poskey/internal/text"
)

// Measures of a page in mm; sizes of text in points.
const (
	pageWidth, pageHeight  = 210.0, 297.0
	left, right            = 17.0, 193.0
	top, bottom            = 25.0, 279.0
	inner                  = right - left
	mmPerPoint             = 25.4 / 72
	bodySize, smallSize    = 9.0, 7.5
	leading                = 1.38
	padX, padY             = 1.4, 1.0
	codeSide               = 30.0
	markAngle              = 52.0
	boldOfHan              = 0.03 // of the size: outlines drawn along, since the font has one weight
	markSize, markOpacity  = 96.0, 0.09
	headingGap, headingTie = 4.5, 16.0
	stepTie                = 34.0 // a bar of two or three lines, and what is below it
)

// style is how a text is set.
type style struct {
	Size  float64
	Bold  bool
	Mono  bool
	Color color
}

// color is red, green and blue, one byte each.
type color int

const (
	ink   color = 0x141820
	grey  color = 0x606670
	green color = 0x006838
	red   color = 0xB01018
	hair  color = 0xC8CCD2
	shade color = 0xF1F3F6
	white color = 0xFFFFFF
)

func (c color) parts() (r, g, b int) { return int(c >> 16 & 0xFF), int(c >> 8 & 0xFF), int(c & 0xFF) }

// colorOf is the color of a tone.
func colorOf(t tone) color {
	switch t {
	case good:
		return green
	case bad:
		return red
	case quiet:
		return grey
	}
	return ink
}

func (st style) line() float64 { return st.Size * mmPerPoint * leading }

// press prints a paper.
type press struct {
	*paper
	pdf   *fpdf.Fpdf
	faces *faces
	y     float64
}

// printPDF sets a paper and writes it.
func printPDF(w io.Writer, p *paper) error {
	f, err := loadFaces()
	if err != nil {
		return err
	}
	pdf := fpdf.New("P", "mm", "A4", "")
	pdf.SetCatalogSort(true)
	pdf.SetCreationDate(p.At.UTC())
	pdf.SetModificationDate(p.At.UTC())
	pdf.SetProducer("poskey", true)
	pdf.SetCreator("poskey", true)
	pdf.SetTitle(visible(p.Title), true)
	pdf.SetSubject(visible(p.Foot), true)
	pdf.SetLang(p.Language.Code)
	pdf.SetMargins(left, top, pageWidth-right)
	pdf.SetAutoPageBreak(false, 0)
	pdf.AddUTF8FontFromBytes(f.han.family, "", f.hanTTF)
	pdf.AddUTF8FontFromBytes(f.latin.family, "", f.latinTTF)
	pr := &press{paper: p, pdf: pdf, faces: f}
	pr.turn()
	for i, b := range p.Blocks {
		pr.set(b, i)
	}
	pr.number()
	return fault.WrapAs(fault.Failure, pdf.Output(w), "write the PDF")
}

// turn begins a page.
func (p *press) turn() {
	p.pdf.AddPage()
	p.y = top
	if p.Mark != "" {
		p.watermark()
	}
	st := style{Size: smallSize, Color: grey}
	room := inner
	if p.Mark != "" {
		mark := style{Size: 10, Bold: true, Color: white}
		w := p.faces.width(p.Mark, mark) + 6
		p.fill(red, right-w, 10, w, 6.5)
		p.put(right-w+3, 10, 6.5, p.Mark, mark)
		room -= w + 4
	}
	p.put(left, 11, 5, p.cut(p.Head, st, room), st)
	p.rule(left, 18.2, right, hair, 0.2)
}

// watermark goes under everything.
func (p *press) watermark() {
	st := style{Size: markSize, Bold: true, Color: red}
	w := p.faces.width(p.Mark, st)
	if most := 250.0; w > most {
		st.Size *= most / w
		w = most
	}
	p.pdf.SetAlpha(markOpacity, "Normal")
	p.pdf.TransformBegin()
	p.pdf.TransformRotate(markAngle, pageWidth/2, pageHeight/2)
	p.put(pageWidth/2-w/2, pageHeight/2-10, 20, p.Mark, st)
	p.pdf.TransformEnd()
	p.pdf.SetAlpha(1, "Normal")
}

// number writes the feet of all pages, once it is known how many there are.
func (p *press) number() {
	pages := p.pdf.PageNo()
	st := style{Size: smallSize, Color: grey}
	for n := 1; n <= pages; n++ {
		p.pdf.SetPage(n)
		p.rule(left, 284, right, hair, 0.2)
		s := p.Language.words(text.New("page %d of %d", n, pages))
		w := p.faces.width(s, st)
		p.put(right-w, 285, 5, s, st)
		p.put(left, 285, 5, p.cut(p.Foot, st, inner-w-4), st)
	}
}

// need turns the page unless so much is left of it.
func (p *press) need(mm float64) {
	if p.y+mm > bottom && p.y > top {
		p.turn()
	}
}

// cut shortens a text to a width.
func (p *press) cut(s string, st style, mm float64) string {
	s = p.faces.settable(s, st)
	if p.faces.width(s, st) <= mm {
		return s
	}
	used := p.faces.width("…", st)
	for i, r := range s {
		if used += p.faces.width(string(r), st); used > mm {
			return s[:i] + "…"
		}
	}
	return s
}

// put writes a line of text into a line of the height given, whose upper edge is at y.
func (p *press) put(x, y, high float64, s string, st style) {
	base := y + high/2 + st.Size*mmPerPoint*0.35
	p.pdf.SetTextColor(st.Color.parts())
	for len(s) > 0 {
		run, c := p.faces.run(s, st)
		s = s[len(run):]
		if c == nil {
			continue
		}
		p.pdf.SetFont(c.family, c.style, st.Size)
		fat := st.Bold && c.embedded
		if fat {
			p.pdf.SetDrawColor(st.Color.parts())
			p.pdf.SetLineWidth(st.Size * boldOfHan * mmPerPoint)
			p.pdf.SetTextRenderingMode(2)
		}
		p.pdf.Text(x, base, c.encode(run))
		if fat {
			p.pdf.SetTextRenderingMode(0)
		}
		x += p.faces.width(run, st)
	}
}

// run is the beginning of a text that one font sets.
func (f *faces) run(s string, st style) (string, *face) {
	var first *face
	for i, r := range s {
		c := f.pick(r, st)
		if i == 0 {
			first = c
			continue
		}
		if c != first {
			return s[:i], first
		}
	}
	return s, first
}

func (p *press) fill(c color, x, y, w, h float64) {
	p.pdf.SetFillColor(c.parts())
	p.pdf.Rect(x, y, w, h, "F")
}

func (p *press) rule(x, y, to float64, c color, width float64) {
	p.pdf.SetDrawColor(c.parts())
	p.pdf.SetLineWidth(width)
	p.pdf.Line(x, y, to, y)
}

func (p *press) frame(x, y, w, h float64, c color, width float64) {
	p.pdf.SetDrawColor(c.parts())
	p.pdf.SetLineWidth(width)
	p.pdf.Rect(x, y, w, h, "D")
}

// code draws a QR code as one black square beside the other.
func (p *press) code(s string, x, y, side float64) {
	c, err := qr.Encode(s, qr.M)
	if err != nil {
		p.pdf.SetError(fault.WrapAs(fault.Bug, err, "a QR code"))
		return
	}
	p.pdf.SetFillColor(0, 0, 0)
	unit := side / float64(c.Size)
	for row := range c.Size {
		for from := 0; from < c.Size; from++ {
			to := from
			for to < c.Size && c.Black(to, row) {
				to++
			}
			if to > from {
				p.pdf.Rect(x+float64(from)*unit, y+float64(row)*unit, float64(to-from)*unit, unit, "F")
				from = to
			}
		}
	}
}

// dated keeps the date of a paper from being the machine's: a record without a line has none.
func dated(at time.Time) time.Time {
	if at.IsZero() {
		return time.Unix(0, 0).UTC()
	}
	return at.UTC()
}
