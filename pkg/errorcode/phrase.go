package errorcode

import (
	"slices"
	"strings"
	"unicode"

	"poskey/internal/text"
)

// phrase is a text that terminals show, and the row that has it.
type phrase struct {
	row  int32
	text string // squashed
	loud bool   // a single word: it counts in capitals alone
	code bool   // it ends with a number that is a code by itself
}

// collectPhrases lists the screen texts, and the words that terminals put beside UnionPay's response codes about
// keys.
func (d *Dictionary) collectPhrases() []phrase {
	var all []phrase
	for i := range d.rows {
		e := &d.rows[i]
		switch {
		case e.table == "screen text":
			for part := range strings.SplitSeq(e.symbol, " / ") {
				s := squash(part)
				loud := isASCII(part) && !strings.ContainsRune(part, ' ')
				all = append(all, phrase{int32(i), s, loud, endsInCode(e)})
			}
		case e.vendor == "unionpay" && e.key:
			first := e.meaning.ZH
			if cut := strings.IndexAny(first, "，（；"); cut >= 0 {
				first = first[:cut]
			}
			if s := squash(first); len([]rune(s)) >= 5 {
				all = append(all, phrase{row: int32(i), text: s})
			}
		}
	}
	return all
}

func isASCII(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r > unicode.MaxASCII }) < 0
}

// hit is a phrase in a text.
type hit struct {
	phrase
	from, to int // in the folded text
}

// hits finds the phrases in a text; a phrase inside a longer one does not count.
func (d *Dictionary) hits(f *folded) []hit {
	var b strings.Builder
	var at []int // of each byte of the squashed text
	for n, r := range f.runes {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			size, _ := b.WriteRune(r)
			for range size {
				at = append(at, n)
			}
		}
	}
	squashed := b.String()
	fd := &finder{d: d, f: f}
	var found []hit
	for _, p := range d.phrases {
		for from := 0; len(found) < mostTokens; {
			n := strings.Index(squashed[from:], p.text)
			if n < 0 {
				break
			}
			h := hit{p, at[from+n], at[from+n+len(p.text)-1] + 1}
			from += n + len(p.text)
			if f.alone(h.from, h.to) && (!p.loud || f.capitals(h.from, h.to)) && (!p.code || !fd.counted(h.to)) {
				found = append(found, h)
			}
		}
	}
	return slices.DeleteFunc(slices.Clone(found), func(h hit) bool {
		return slices.ContainsFunc(found, func(o hit) bool {
			return o.from <= h.from && o.to >= h.to && o.to-o.from > h.to-h.from
		})
	})
}

// screen gives the readings of the phrases in a text.
func (d *Dictionary) screen(f *folded, c *context) []ranked {
	var found []ranked
	for _, h := range d.hits(f) {
		e := &d.rows[h.row]
		if !c.scope.has(e) {
			continue
		}
		start, end := f.place(h.from, h.to)
		via := Form{How: ByScreen, Code: f.cut(h.from, h.to), Why: text.New("as a text on a screen")}
		w := weighed{High, -2, text.New("terminals show this text")}
		if h.code && !c.scope.narrow {
			w = weighed{Low, 50, text.New("the text itself has no published meaning; its number has")}
		}
		r := d.reading(h.row, via, w, &token{start: start, end: end}, c)
		r.late = h.code
		found = append(found, r)
	}
	return found
}
