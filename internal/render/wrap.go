package render

// Sentences for narrow terminals, in columns: a Chinese character takes two.

import (
	"strings"

	"github.com/olekukonko/tablewriter/pkg/twwidth"
)

// narrowest is the least width that lines are broken for.
const narrowest = 20

// Wrap breaks a text into lines of at most width columns, between words and after Chinese characters. Line ends of the text
// stay; words that are longer than a line stay whole. 0 breaks nothing.
func Wrap(s string, width int) []string {
	if width > 0 {
		width = max(width, narrowest)
	}
	var lines []string
	for line := range strings.SplitSeq(s, "\n") {
		for piece := range strings.SplitSeq(wrap(line, width), "\n") {
			lines = append(lines, strings.TrimRight(piece, " "))
		}
	}
	return lines
}

// Columns is how wide a text is on a terminal.
func Columns(s string) int { return twwidth.Width(s) }
