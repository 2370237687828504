package errorcode

import (
	"slices"
	"strings"
	"unicode"

	"poskey/internal/text"
)

// folded is a text as the dictionary reads it: lower case, one width, one minus, one blank, nothing invisible,
// Chinese in simplified characters.
type folded struct {
	runes []rune
	at    []int     // where each rune stands in the text as it was written, in runes
	upper []bool    // the rune was a capital
	end   int       // runes of the text as it was written
	seen  [4]uint64 // the runes that are in it, by their last eight bits
}

func fold(s string) *folded {
	f := &folded{}
	for _, r := range Plain(s) {
		here := f.end
		f.end++
		r = narrow(r)
		if r == 0 {
			continue
		}
		low := unicode.ToLower(r)
		f.runes = append(f.runes, low)
		f.seen[low>>6&3] |= 1 << (low & 63)
		f.at = append(f.at, here)
		f.upper = append(f.upper, low != r)
	}
	return f
}

// narrow gives the plain form of a character; 0 is to leave it out.
func narrow(r rune) rune {
	switch r {
	case '−', '–', '—', '‐', '‑', '‒', '―', '﹣', '﹘', '➖', '⁻', '－':
		return '-'
	case '，', '、', '；':
		return ';'
	case '。':
		return '.'
	case '\u00AD', '\uFEFF', '\u2060':
		return 0
	}
	switch {
	case r >= 0x200B && r <= 0x200F:
		return 0
	case r >= 0xFF01 && r <= 0xFF5E:
		return r - 0xFF01 + '!'
	case unicode.IsSpace(r), r == 0x3000:
		return ' '
	}
	return r
}

// cut gives the part of the text from start to before end.
func (f *folded) cut(start, end int) string { return string(f.runes[start:end]) }

// place turns a part of the folded text into its place in the text as it was written.
func (f *folded) place(start, end int) (int, int) {
	if start >= end {
		return f.end, f.end
	}
	return f.at[start], f.at[end-1] + 1
}

// rune gives the rune at n, or 0 outside of the text.
func (f *folded) rune(n int) rune {
	if n < 0 || n >= len(f.runes) {
		return 0
	}
	return f.runes[n]
}

// hasWord reports whether a word stands in the text; Latin words stand between other characters.
func (f *folded) hasWord(word string) bool {
	word = lower(word)
	for _, r := range word {
		if f.seen[r>>6&3]&(1<<(r&63)) == 0 {
			return false
		}
	}
	w := []rune(word)
	for n := 0; n+len(w) <= len(f.runes); n++ {
		if f.runes[n] == w[0] && slices.Equal(f.runes[n:n+len(w)], w) && f.alone(n, n+len(w)) {
			return true
		}
	}
	return false
}

// alone reports whether no Latin letter or digit goes on beyond a part that begins or ends with one.
func (f *folded) alone(start, end int) bool {
	before := isWord(f.runes[start]) && isWord(f.rune(start-1))
	after := isWord(f.runes[end-1]) && isWord(f.rune(end))
	return !before && !after
}

func isDigit(r rune) bool { return r >= '0' && r <= '9' }

func isLatin(r rune) bool { return r >= 'a' && r <= 'z' }

func isWord(r rune) bool { return isDigit(r) || isLatin(r) }

func isHex(r rune) bool { return isDigit(r) || r >= 'a' && r <= 'f' }

// all reports whether a text has something in it and all of it is so.
func all(s string, is func(rune) bool) bool {
	return s != "" && strings.IndexFunc(s, func(r rune) bool { return !is(r) }) < 0
}

func lower(s string) string { return strings.ToLower(s) }

// squash folds a text and keeps its letters and digits alone.
func squash(s string) string {
	var b strings.Builder
	for _, r := range s {
		if r = unicode.ToLower(narrow(r)); unicode.IsLetter(r) || unicode.IsDigit(r) {
			b.WriteRune(r)
		}
	}
	return b.String()
}

// shown is a user's word for an answer: one line, short, and never what may be a key.
func shown(s string) string {
	plain := strings.TrimSpace(string(fold(s).runes)) // a key in full-width digits is a key
	if safe := text.Redact(plain); safe != plain {
		return safe
	}
	return text.OneLine(strings.TrimSpace(s), 200)
}
