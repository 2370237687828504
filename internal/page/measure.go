package page

// How wide words are in a drawing: it is worked out before anybody knows the fonts of the browser.

import (
	"strings"
	"unicode/utf8"

	"poskey/internal/render"
)

// Measure is the width of a line in a wide font.
func Measure(s string, size float64) float64 {
	sum := 0.0
	for _, r := range s {
		switch {
		case render.Columns(string(r)) > 1:
			sum += 1
		case strings.ContainsRune("MW@%mw", r):
			sum += 0.98
		case strings.ContainsRune("ijlI.,:;'|! ()[]/-ft", r):
			sum += 0.38
		case r >= 'A' && r <= 'Z':
			sum += 0.72
		default:
			sum += 0.62
		}
	}
	return sum * size
}

// MeasureMono is the width of a line of letters of equal width.
func MeasureMono(s string, size float64) float64 { return float64(render.Columns(s)) * size * 0.61 }

// Rows breaks a text into at most so many lines.
func Rows(s string, wide, size float64, most int) []string {
	fit := func(all []string) bool {
		for _, line := range all {
			if Measure(line, size) > wide {
				return false
			}
		}
		return true
	}
	columns := int(wide / size * 2)
	rows := render.Wrap(s, columns)
	for ; columns > 20 && !fit(rows); columns-- { // no line is broken for less than 20 columns
		rows = render.Wrap(s, columns)
	}
	var out []string
	for _, line := range rows {
		for Measure(line, size) > wide { // a word without a place to break
			head := Cut(line, wide, size)
			out, line = append(out, head), line[len(head):]
		}
		out = append(out, line)
	}
	if len(out) > most {
		out = out[:most]
		out[most-1] = Cut(out[most-1], wide-size, size) + "…"
	}
	return out
}

// Cut is the head of a line that fits; one character at least.
func Cut(s string, wide, size float64) string {
	end := 0
	for i, r := range s {
		n := i + utf8.RuneLen(r)
		if end > 0 && Measure(s[:n], size) > wide {
			return s[:end]
		}
		end = n
	}
	return s
}
