package minutes

// The fonts of the paper: which has a character, and how wide it is.

import (
	"bytes"
	"compress/gzip"
	_ "embed" // the fonts
	"encoding/binary"
	"io"

	"codeberg.org/go-pdf/fpdf"

	"poskey/internal/fault"
)

//go:embed fonts/han.ttf.gz
var hanFont []byte

//go:embed fonts/latin.ttf.gz
var latinFont []byte

// face is a font by the name under which the PDF knows it.
type face struct {
	family, style string
	embedded      bool          // text goes in as Unicode
	widths        map[rune]int  // thousandths of the size; runes that are not there have no glyph
	codes         map[rune]byte // of a core font
}

// faces are the fonts of one document.
type faces struct {
	sans, bold, mono, monoBold, latin, han *face
	hanTTF, latinTTF                       []byte
}

func loadFaces() (*faces, error) {
	f := &faces{}
	var err error
	if f.han, f.hanTTF, err = loadTrueType("han", hanFont); err != nil {
		return nil, err
	}
	if f.latin, f.latinTTF, err = loadTrueType("latin", latinFont); err != nil {
		return nil, err
	}
	ruler := fpdf.New("P", "mm", "A4", "") // without pages: it measures and writes nothing
	f.sans = coreFace(ruler, "Helvetica", "")
	f.bold = coreFace(ruler, "Helvetica", "B")
	f.mono = coreFace(ruler, "Courier", "")
	f.monoBold = coreFace(ruler, "Courier", "B")
	return f, fault.WrapAs(fault.Bug, ruler.Error(), "the fonts of the paper")
}

// windows1252 are the characters of a core font from 0x80 to 0x9F; 0 is none.
const windows1252 = "€\x00‚ƒ„…†‡ˆ‰Š‹Œ\x00Ž\x00\x00‘’“”•–—˜™š›œ\x00žŸ"

func coreFace(ruler *fpdf.Fpdf, family, style string) *face {
	f := &face{family: family, style: style, widths: map[rune]int{}, codes: map[rune]byte{}}
	ruler.SetFont(family, style, 10)
	add := func(r rune, code int) {
		f.codes[r] = byte(code)
		f.widths[r] = ruler.GetStringSymbolWidth(string([]byte{byte(code)}))
	}
	for code := 0x20; code < 0x7F; code++ {
		add(rune(code), code)
	}
	code := 0x80
	for _, r := range windows1252 {
		if r != 0 {
			add(r, code)
		}
		code++
	}
	for code := 0xA1; code <= 0xFF; code++ {
		add(rune(code), code)
	}
	delete(f.codes, 0xAD) // the soft hyphen
	delete(f.widths, 0xAD)
	return f
}

func loadTrueType(name string, packed []byte) (*face, []byte, error) {
	z, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, nil, fault.WrapAs(fault.Bug, err, "font %s", name)
	}
	ttf, err := io.ReadAll(z)
	if err != nil {
		return nil, nil, fault.WrapAs(fault.Bug, err, "font %s", name)
	}
	widths, ok := trueTypeWidths(ttf)
	if !ok || len(widths) == 0 {
		return nil, nil, fault.New(fault.Bug, "font %s is not as it was built in", name)
	}
	return &face{family: name, embedded: true, widths: widths}, ttf, nil
}

// trueTypeWidths reads which characters of the basic plane a font has, and their widths (OpenType: cmap format 4,
// hhea, hmtx).
func trueTypeWidths(ttf []byte) (widths map[rune]int, ok bool) {
	defer func() {
		if recover() != nil { // a slice out of range: the font is not whole
			widths, ok = nil, false
		}
	}()
	u16 := func(b []byte, at int) int { return int(binary.BigEndian.Uint16(b[at:])) }
	tables := map[string][]byte{}
	for i := range u16(ttf, 4) {
		row := ttf[12+16*i:]
		from, size := binary.BigEndian.Uint32(row[8:]), binary.BigEndian.Uint32(row[12:])
		tables[string(row[:4])] = ttf[from : from+size]
	}
	em, metrics := u16(tables["head"], 18), u16(tables["hhea"], 34)
	widths = map[rune]int{}
	for r, glyph := range basicPlane(tables["cmap"]) {
		widths[r] = u16(tables["hmtx"], 4*min(glyph, metrics-1)) * 1000 / em
	}
	return widths, true
}

// basicPlane reads the table of characters to glyphs.
func basicPlane(cmap []byte) map[rune]int {
	u16 := func(at int) int { return int(binary.BigEndian.Uint16(cmap[at:])) }
	glyphs := map[rune]int{}
	for i := range u16(2) {
		at := int(binary.BigEndian.Uint32(cmap[4+8*i+4:]))
		if u16(4+8*i) != 3 || u16(at) != 4 {
			continue
		}
		segments := u16(at+6) / 2
		ends, starts := at+14, at+16+2*segments
		for s := range segments {
			end, start := u16(ends+2*s), u16(starts+2*s)
			delta, offset := u16(starts+2*segments+2*s), u16(starts+4*segments+2*s)
			for c := start; c <= end && c != 0xFFFF; c++ {
				glyph := c
				if offset != 0 {
					if glyph = u16(starts + 4*segments + 2*s + offset + 2*(c-start)); glyph == 0 {
						continue
					}
				}
				if glyph = (glyph + delta) & 0xFFFF; glyph != 0 {
					glyphs[rune(c)] = glyph
				}
			}
		}
	}
	return glyphs
}

// pick chooses the font for a character; nil when none has it. A blank belongs to the text around it and has the width
// of the core font's.
func (f *faces) pick(r rune, st style) *face {
	first := f.sans
	switch {
	case st.Mono && st.Bold:
		first = f.monoBold
	case st.Mono:
		first = f.mono
	case st.Bold:
		first = f.bold
	}
	for _, c := range []*face{first, f.han, f.latin} {
		if _, ok := c.widths[r]; ok {
			return c
		}
	}
	return nil
}

// width of a text in mm.
func (f *faces) width(s string, st style) float64 {
	sum := 0
	for _, r := range s {
		if c := f.pick(r, st); c != nil {
			sum += c.widths[r]
		}
	}
	return float64(sum) * st.Size / 1000 * mmPerPoint
}

// encode gives a text as the font takes it.
func (c *face) encode(s string) string {
	if c.embedded {
		return s
	}
	out := make([]byte, 0, len(s))
	for _, r := range s {
		out = append(out, c.codes[r])
	}
	return string(out)
}
