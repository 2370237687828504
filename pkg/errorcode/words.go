package errorcode

import (
	"bytes"
	"cmp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"poskey/internal/text"
)

// mostWords bounds the words of a question that are looked for, and mostByWords the rows found by them.
const (
	mostWords   = 16
	mostByWords = 25
)

// unitsOf takes a text apart: Latin words by their stem, and pairs of Chinese characters.
func unitsOf(s string) []string {
	var found []string
	var word []rune
	var han rune
	flush := func() {
		if w := string(word); len(w) >= 2 && !slices.Contains(stopWords(), w) {
			found = append(found, stem(w))
		}
		word = word[:0]
	}
	for _, r := range s {
		if r = unicode.ToLower(narrow(r)); isParticle(r) {
			continue
		}
		isHan := unicode.Is(unicode.Han, r)
		if !isWord(r) {
			flush()
		}
		if isWord(r) {
			word = append(word, r)
		}
		if isHan && han != 0 {
			found = append(found, string([]rune{han, r}))
		}
		han = 0
		if isHan {
			han = r
		}
		if len(found) >= mostWords {
			return found
		}
	}
	flush()
	return found
}

// isParticle: characters that come and go in a saying, as in 终端已锁定 and 终端被锁定了.
func isParticle(r rune) bool { return strings.ContainsRune("的了被已是在把请", r) }

func stopWords() []string {
	return []string{
		"the", "an", "is", "are", "was", "of", "on", "in", "at", "to", "for", "and", "or", "it", "by", "with", "my", "our",
		"terminal", "pos", "shows", "says", "please", "error", "code",
	}
}

// stem takes the commonest endings from an English word.
func stem(w string) string {
	for _, ending := range []string{"ing", "ed", "es", "s"} {
		if cut, ok := strings.CutSuffix(w, ending); ok && len(cut) >= 4 {
			return cut
		}
	}
	return w
}

// spelling is a row as words are looked for in it. It is used again for the next row: a search goes through all.
type spelling struct {
	symbol, en, zh []byte // letters and digits alone
	hay            []byte // all three, with a blank before every word
}

func (p *spelling) of(e *entry) *spelling {
	p.hay = p.hay[:0]
	p.symbol = p.spell(p.symbol[:0], e.symbol)
	p.en = p.spell(p.en[:0], e.meaning.EN)
	p.zh = p.spell(p.zh[:0], e.meaning.ZH)
	return p
}

// spell adds a part to the haystack and gives its letters and digits.
func (p *spelling) spell(into []byte, part string) []byte {
	p.hay = append(p.hay, ' ')
	small := false
	for _, r := range part {
		switch {
		case r <= unicode.MaxASCII:
			if isCapital := r >= 'A' && r <= 'Z'; isCapital {
				if small {
					p.hay = append(p.hay, ' ')
				}
				r += 'a' - 'A'
				small = false
			} else {
				small = isLatin(r)
			}
			if isWord(r) {
				into, p.hay = append(into, byte(r)), append(p.hay, byte(r))
			} else {
				p.hay = append(p.hay, ' ')
			}
			continue
		case unicode.IsLetter(r) || unicode.IsDigit(r):
			into = utf8.AppendRune(into, r)
			if !isParticle(r) {
				p.hay = utf8.AppendRune(p.hay, r)
			}
		default:
			p.hay = append(p.hay, ' ')
		}
		small = false
	}
	return into
}

// needles are units as bytes, Latin words with the blank before them.
func needles(units []string) [][]byte {
	all := make([][]byte, len(units))
	for i, u := range units {
		if isWord(rune(u[0])) {
			u = " " + u
		}
		all[i] = []byte(u)
	}
	return all
}

// share gives how much of some needles a row has, in percent.
func (p *spelling) share(needles [][]byte) int {
	if len(needles) == 0 {
		return 0
	}
	n := 0
	for _, needle := range needles {
		if bytes.Contains(p.hay, needle) {
			n++
		}
	}
	return 100 * n / len(needles)
}

// alike reports whether the words behind a code fit a row's meaning: half of them, or of their first phrase.
func alike(tail string, e *entry) bool {
	tail = strings.Trim(tail, " :=-([")
	if tail == "" {
		return false
	}
	p := new(spelling).of(e)
	if p.share(needles(unitsOf(tail))) >= 50 {
		return true
	}
	first, _, more := strings.Cut(tail, " ")
	units := unitsOf(first)
	return more && len(units) > 1 && p.share(needles(units)) >= 60
}

// sought is a text that is looked for.
type sought struct {
	whole []byte // its letters and digits
	words [][]byte
	name  bool // it can only be a name
}

// match is a row that a text leads to. It is a reading when it is good enough.
type match struct {
	weighed
	row   int32
	how   How
	exact bool
}

// search looks for a text among symbols and meanings.
func (d *Dictionary) search(s string, c *context) []ranked {
	units := unitsOf(s)
	want := &sought{[]byte(squash(s)), needles(units), strings.ContainsRune(s, '_')}
	if utf8.RuneCount(want.whole) < 2 || len(units) == 0 && len(want.whole) < 3 {
		return nil
	}
	matches := d.matches(want, c)
	t := &token{start: 0, end: utf8.RuneCountInString(s)}
	code, why := shown(s), text.New("as words of a name or a meaning")
	found := make([]ranked, len(matches))
	for i, m := range matches {
		found[i] = d.reading(m.row, Form{How: m.how, Code: code, Why: why}, m.weighed, t, c)
		found[i].exact = m.exact
	}
	return found
}

// matches lists the best rows for a text; poor ones only when there is nothing else.
func (d *Dictionary) matches(want *sought, c *context) []match {
	var all []match
	p := &spelling{}
	for i := range d.rows {
		e := &d.rows[i]
		if !c.scope.has(e) {
			continue
		}
		m, ok := p.of(e).match(e, want)
		if !ok {
			continue
		}
		m.row, m.exact = int32(i), m.class <= exactly && (c.scope.narrow || !endsInCode(e))
		m.class = m.class*1000 + 999
		if e.family != none {
			m.class += d.place(e.family, e) - 999
		}
		all = append(all, m)
	}
	slices.SortStableFunc(all, func(a, b match) int {
		return cmp.Or(weightOrder(a.weight)-weightOrder(b.weight), cmp.Compare(a.class, b.class))
	})
	if len(all) > 0 && all[0].weight != Low {
		all = slices.DeleteFunc(all, func(m match) bool { return m.weight == Low })
	}
	return all[:min(len(all), mostByWords)]
}

// exactly is the class of rows whose name or meaning is the text; names go before meanings.
const exactly = -9

// endsInCode reports whether a row is a screen text that says nothing beside a code.
func endsInCode(e *entry) bool {
	return e.table == "screen text" && isDigit(rune(e.symbol[len(e.symbol)-1]))
}

// match weighs a row by a text.
func (p *spelling) match(e *entry, want *sought) (match, bool) {
	by := func(how How, weight Weight, class int, why text.Text) (match, bool) {
		return match{weighed: weighed{weight, class, why}, how: how}, true
	}
	is := func(part []byte) bool { return bytes.Equal(part, want.whole) }
	has := func(part []byte) bool { return bytes.Contains(part, want.whole) }
	begins := func(part []byte) bool { return bytes.HasPrefix(part, want.whole) }
	longer := len(p.symbol) - len(want.whole)
	switch {
	case is(p.symbol) && e.table == "screen text":
		return by(ByScreen, High, exactly-1, text.New("terminals show this text"))
	case is(p.symbol):
		return by(BySymbol, High, exactly-1, text.New("the table has this name"))
	case want.name && has(p.symbol):
		return by(BySymbol, High, longer, text.New("the text is a part of its name"))
	case want.name:
	case is(p.en) || is(p.zh):
		return by(ByMeaning, High, exactly, text.New("its meaning is this text"))
	case begins(p.en) || begins(p.zh):
		return by(ByMeaning, High, 1, text.New("its meaning begins with this text"))
	case len(want.whole) >= 3 && has(p.symbol):
		return by(BySymbol, Medium, longer, text.New("the text is a part of its name"))
	case has(p.en) || has(p.zh):
		return by(ByMeaning, Medium, 100, text.New("the text is a part of its meaning"))
	}
	if len(want.words) < 2 {
		return match{}, false
	}
	switch part := p.share(want.words); {
	case part == 100:
		return by(ByMeaning, Medium, 200, text.New("all words of the text are in its name or meaning"))
	case part >= 60:
		return by(ByMeaning, Low, 300-part, text.New("%d %% of the words are in its name or meaning", part))
	}
	return match{}, false
}
