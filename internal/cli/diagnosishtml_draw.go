package cli

// The drawing of a chain: boxes below each other, the protected ones indented under what protects them, so that it is
// as wide as a phone. Sizes are those of the drawing, not of the screen.

import (
	"fmt"
	"strings"

	"poskey/internal/page"
	"poskey/internal/text"
	"poskey/pkg/diagnose"
)

const (
	drawWide   = 340
	drawIndent = 24
	drawGap    = 12
	drawPad    = 9
	drawIcon   = 24 // room for the sign of the state
	drawRail   = 8  // from a box's edge to the line down
	titleSize  = 13.5
	lineSize   = 12.0
	titleStep  = 18
	lineStep   = 16

	mostFlags   = 2 // of one box; further findings are there by their numbers
	mostFlagged = 5 // so many findings have a flag at all
)

// drawing is a chain with all its places worked out.
type drawing struct {
	ID     int
	Title  string
	Desc   string
	Width  int
	Height int
	Lines  []drawnLine
	Boxes  []drawnBox
}

// drawnLine is a line from a box to another; broken ones have a gap at X, Y.
type drawnLine struct {
	Path   string
	Broken bool
	X, Y   int
}

type drawnBox struct {
	X, Y, W, H int
	State      string // class: unseen, holds, breaks, may
	IconX      int
	IconY      int
	Texts      []drawnText
	Flags      []drawnFlag
}

type drawnText struct {
	X, Y  int
	Class string // t: title, q: quiet, v: value
	Text  string
}

// drawnFlag marks a finding in a box.
type drawnFlag struct {
	X, Y, W, H int
	May        bool
	Texts      []drawnText
}

// draftsman draws one chain.
type draftsman struct {
	say  func(text.Text) string
	d    drawing
	y    int
	desc []string
}

func (p *diagnosisPrinter) draw(all []keyChain) []drawing {
	var out []drawing
	for i, c := range all {
		m := &draftsman{say: p.say, y: 2}
		m.link(c.root, 0)
		m.d.ID, m.d.Title, m.d.Width, m.d.Height = i+1, p.say(c.title), drawWide, m.y-drawGap+2
		m.d.Desc = strings.Join(m.desc, "; ")
		out = append(out, m.d)
	}
	return out
}

// link draws a link and all that hangs on it, and gives the height at which a line to it arrives.
func (m *draftsman) link(l *chainLink, depth int) int {
	x := 1 + depth*drawIndent
	first := 0
	for i, o := range l.over {
		at := m.link(o, depth+1)
		m.branch(x+drawRail, at, o.broken())
		if i == 0 {
			first = at
		}
	}
	if len(l.over) > 0 {
		m.d.Lines = append(m.d.Lines, drawnLine{Path: fmt.Sprintf("M%d %dV%d", x+drawRail, first, m.y)})
	}
	box := m.box(l, x)
	m.desc = append(m.desc, m.spoken(l))
	end, last := m.y-drawGap, 0
	for _, u := range l.under {
		last = m.link(u, depth+1)
		m.branch(x+drawRail, last, u.broken())
	}
	if last > 0 {
		m.d.Lines = append(m.d.Lines, drawnLine{Path: fmt.Sprintf("M%d %dV%d", x+drawRail, end, last)})
	}
	return box.Y + drawPad + titleStep/2
}

// branch is the line from the rail to a box; a broken one has a gap.
func (m *draftsman) branch(rail, y int, broken bool) {
	to := rail + drawIndent - drawRail
	if !broken {
		m.d.Lines = append(m.d.Lines, drawnLine{Path: fmt.Sprintf("M%d %dH%d", rail, y, to)})
		return
	}
	m.d.Lines = append(m.d.Lines, drawnLine{Broken: true, X: rail + 6, Y: y,
		Path: fmt.Sprintf("M%d %dH%dM%d %dH%d", rail, y, rail+3, rail+9, y, to)})
}

// broken reports whether the way to a link is drawn broken: where values differ, and where the first finding is.
func (l *chainLink) broken() bool {
	for _, k := range l.marks {
		if k.number == 1 && k.worth != diagnose.Possible {
			return true
		}
	}
	return l.state == linkBreaks
}

func (m *draftsman) box(l *chainLink, x int) drawnBox {
	b := drawnBox{X: x, Y: m.y, W: drawWide - 1 - x, State: l.look(),
		IconX: x + drawPad + 7, IconY: m.y + drawPad + titleStep/2}
	left, wide := x+drawPad+drawIcon, drawWide-1-x-2*drawPad-drawIcon
	y := m.y + drawPad
	put := func(class, s string, size float64, step int) {
		for _, line := range page.Rows(s, float64(wide), size, 4) {
			b.Texts = append(b.Texts, drawnText{left, y + step - 4, class, line})
			y += step
		}
	}
	put("t", m.say(l.title), titleSize*1.12, titleStep)
	for _, t := range l.lines {
		put("q", m.say(t), lineSize, lineStep)
	}
	column := m.column(l.values, wide)
	for _, v := range l.values {
		y = m.value(&b, v, left, wide, column, y)
	}
	var also []string
	for i, k := range l.marks {
		if i >= mostFlags || k.number > mostFlagged {
			also = append(also, fmt.Sprint(k.number))
			continue
		}
		y = m.flag(&b, k, left, wide, y)
	}
	if len(also) > 0 {
		y += 3
		put("q", m.say(text.New("findings here too: %s", strings.Join(also, ", "))), lineSize, lineStep)
	}
	b.H = y - m.y + drawPad
	m.d.Boxes = append(m.d.Boxes, b)
	m.y += b.H + drawGap
	return b
}

// look is the class of a link: a finding that is only possible does not break a link.
func (l *chainLink) look() string {
	look := string(l.state)
	for _, k := range l.marks {
		if k.worth != diagnose.Possible {
			return string(linkBreaks)
		}
		look = "may"
	}
	if l.state == linkBreaks {
		return string(linkBreaks)
	}
	return look
}

// column is where the digits of a box begin: behind the longest name that leaves room for its digits.
func (m *draftsman) column(all []namedValue, wide int) int {
	column := 0
	for _, v := range all {
		name := int(page.Measure(m.say(v.name), lineSize)) + 8
		if name+int(page.MeasureMono(inGroups(v.value), lineSize)) <= wide {
			column = max(column, name)
		}
	}
	return column
}

// value puts a name and digits on one line where they fit, else below each other.
func (m *draftsman) value(b *drawnBox, v namedValue, left, wide, column, y int) int {
	name, digits := m.say(v.name), inGroups(v.value)
	b.Texts = append(b.Texts, drawnText{left, y + lineStep - 4, "q", page.Rows(name, float64(wide), lineSize, 1)[0]})
	if column < int(page.Measure(name, lineSize)) || column+int(page.MeasureMono(digits, lineSize)) > wide {
		y, column = y+lineStep, 0
	}
	b.Texts = append(b.Texts, drawnText{left + column, y + lineStep - 4, "v", digits})
	return y + lineStep
}

func (m *draftsman) flag(b *drawnBox, k foundMark, left, wide, y int) int {
	y += 4
	f := drawnFlag{X: left - 6, Y: y, W: wide + 8, May: k.worth == diagnose.Possible}
	at := y + 4
	for _, line := range page.Rows(m.say(text.New("%d: %s", k.number, breakText(k))), float64(wide-6), boldSize, 2) {
		f.Texts = append(f.Texts, drawnText{left, at + lineStep - 4, "b", line})
		at += lineStep
	}
	for _, line := range page.Rows(m.say(k.says), float64(wide-6), lineSize, 3) {
		f.Texts = append(f.Texts, drawnText{left, at + lineStep - 4, "f", line})
		at += lineStep
	}
	f.H = at - y + 4
	b.Flags = append(b.Flags, f)
	return y + f.H
}

// breakText says how sure the place is; the first finding is the one that breaks the chain.
func breakText(k foundMark) text.Text {
	switch {
	case k.number == 1 && k.worth == diagnose.Proven:
		return text.New("the chain breaks here")
	case k.number == 1 && k.worth == diagnose.Likely:
		return text.New("the chain probably breaks here")
	case k.number == 1:
		return text.New("the chain may break here")
	case k.worth == diagnose.Proven:
		return text.New("here too")
	case k.worth == diagnose.Likely:
		return text.New("probably here")
	}
	return text.New("perhaps here")
}

// spoken is a link for those who do not see the drawing.
func (m *draftsman) spoken(l *chainLink) string {
	parts := []string{m.say(l.title)}
	for _, t := range l.lines {
		parts = append(parts, m.say(t))
	}
	for _, v := range l.values {
		parts = append(parts, m.say(v.name)+" "+inGroups(v.value))
	}
	switch l.state {
	case linkHolds:
		parts = append(parts, m.say(text.New("holds")))
	case linkBreaks:
		parts = append(parts, m.say(text.New("does not hold")))
	}
	for _, k := range l.marks {
		parts = append(parts, m.say(text.New("finding %d: %s", k.number, breakText(k))))
	}
	return strings.Join(parts, ", ")
}

// boldSize is the size of a line that is as wide as a bold one.
const boldSize = lineSize * 1.15
