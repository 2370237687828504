package minutes

// Texts before they are set: what cannot be seen is shown, and lines are broken.

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// visible shows what a reader would not see: control characters, invisible ones, those that turn the direction of a
// line, and bytes that are no text. Line breaks and tabs become what they are on paper.
func visible(s string) string {
	plain := true
	for _, r := range s {
		plain = plain && r != utf8.RuneError && (unicode.IsPrint(r) || r == '\n')
	}
	if plain {
		return s
	}
	var b strings.Builder
	for i, r := range s {
		_, size := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			fmt.Fprintf(&b, "[%02X]", s[i])
		case r == '\n' || unicode.IsPrint(r):
			b.WriteRune(r)
		case r == '\t' || unicode.Is(unicode.Zs, r):
			b.WriteByte(' ')
		case r == '\r':
		default:
			b.WriteString(number(r))
		}
	}
	return b.String()
}

// number is a character by its number.
func number(r rune) string { return fmt.Sprintf("[U+%04X]", r) }

// settable replaces what no font has by its number.
func (f *faces) settable(s string, st style) string {
	s = visible(s)
	all := true
	for _, r := range s {
		all = all && (r == '\n' || f.pick(r, st) != nil)
	}
	if all {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		if r == '\n' || f.pick(r, st) != nil {
			b.WriteRune(r)
		} else {
			b.WriteString(number(r))
		}
	}
	return b.String()
}

// Punctuation that does not begin, and that does not end a line.
const (
	noBegin = "，。、；：！？）》」』】〕〉％…—·～,.;:!?)]}%’”"
	noEnd   = "（《「『【〔〈([{‘“"
)

// wide reports whether lines may be broken beside a character: Chinese, Japanese and full-width signs.
func wide(r rune) bool {
	return r >= 0x2E80 && r <= 0x9FFF || r >= 0xF900 && r <= 0xFAFF || r >= 0xFE30 && r <= 0xFE4F || r >= 0xFF00 &&
		r <= 0xFFEF
}

// mayBreak reports whether a line may end between two characters that have no blank between them.
func mayBreak(before, after rune) bool {
	if strings.ContainsRune(noBegin, after) || strings.ContainsRune(noEnd, before) {
		return false
	}
	return wide(before) || wide(after) || before == '/' && after != '/'
}

// pieces cuts a paragraph where a line may end. Blanks stay with the piece before them.
func pieces(s string) []string {
	var out []string
	from := 0
	last := rune(0)
	for i, r := range s {
		if i > 0 && (last == ' ' && r != ' ' || r != ' ' && last != ' ' && mayBreak(last, r)) {
			out, from = append(out, s[from:i]), i
		}
		last = r
	}
	if from < len(s) {
		out = append(out, s[from:])
	}
	return out
}

// lines breaks a text so that no line is wider than mm. What has no place to break, and is too long, is broken
// anywhere.
func (f *faces) lines(s string, st style, mm float64) []string {
	var out []string
	for paragraph := range strings.SplitSeq(f.settable(s, st), "\n") {
		out = append(out, f.paragraph(paragraph, st, mm)...)
	}
	for len(out) > 1 && out[len(out)-1] == "" {
		out = out[:len(out)-1]
	}
	return out
}

func (f *faces) paragraph(s string, st style, mm float64) []string {
	var out []string
	line, used := "", 0.0
	flush := func() {
		out = append(out, strings.TrimRight(line, " "))
		line, used = "", 0
	}
	for _, piece := range pieces(s) {
		w := f.width(strings.TrimRight(piece, " "), st)
		if line != "" && used+w > mm {
			flush()
		}
		if w > mm { // longer than a line
			for _, r := range piece {
				rw := f.width(string(r), st)
				if line != "" && used+rw > mm && r != ' ' {
					flush()
				}
				line, used = line+string(r), used+rw
			}
			continue
		}
		line, used = line+piece, used+f.width(piece, st)
	}
	if line != "" || len(out) == 0 {
		flush()
	}
	return out
}
