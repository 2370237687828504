package render

// Sentences that are wider than a terminal: broken between words, their further lines under the beginning of the text.

import (
	"strings"

	"poskey/internal/text"
)

// Room is how many columns a line may have; 0 says that nobody counts them.
func (p *Page) Room() int { return p.r.Width }

// Paragraph writes a sentence behind what stands before it, such as a number.
func (p *Page) Paragraph(before string, t text.Text) { p.paragraph(before, t, "") }

// Headline is a Heading that breaks as a Paragraph does.
func (p *Page) Headline(before string, t text.Text) { p.paragraph(before, t, bold) }

func (p *Page) paragraph(before string, t text.Text, color string) {
	room := 0
	if p.r.Width > 0 {
		room = p.r.Width - Columns(before)
	}
	for i, line := range Wrap(p.T(t), room) {
		if i > 0 {
			before = strings.Repeat(" ", Columns(before))
		}
		if line = before + line; color != "" {
			line = p.paint(color, line)
		}
		p.buf.WriteString(line + "\n")
	}
}
