package errorcode

import (
	"slices"
	"strings"

	"poskey/internal/fault"
	"poskey/internal/text"
)

// mostAsked bounds a question, in characters.
const mostAsked = 4096

// Look says what a code, a symbol or a text may mean. A vendor or table that the dictionary does not have is
// fault.NotFound with the known ones; an empty question is fault.Usage; one of more than 4096 characters is
// fault.TooLarge; nothing found is an answer without readings.
func (d *Dictionary) Look(q Query) (Answer, error) {
	s, err := d.scopeOf(q)
	if err != nil {
		return Answer{}, err
	}
	f := fold(q.Text)
	asked := strings.TrimSpace(string(f.runes))
	switch {
	case asked == "":
		return Answer{}, fault.New(fault.Usage, "a code, a symbol or a text is needed")
	case f.end > mostAsked:
		return Answer{}, fault.New(fault.TooLarge, "the text has %d characters; at most %d are read", f.end, mostAsked)
	}
	l := &look{d: d, f: f, asked: Plain(q.Text), c: &context{scope: s, keyWords: speaksOfKeys(f), hsm: speaksOfHSM(f)}}
	if !s.narrow {
		l.c.named = d.vendorsIn(f)
	}
	l.run()
	if len(l.found) == 0 && q.Table == "" {
		l.cousins()
	}
	return l.answer(q), nil
}

// look is one question on its way.
type look struct {
	d       *Dictionary
	f       *folded
	asked   string
	c       *context
	forms   []Form
	found   []ranked
	leftOut bool // a response code was kept back
	numeric bool // the question is a number
}

func (l *look) run() {
	l.found, l.forms, l.leftOut = nil, nil, false
	if codes := l.whole(); len(codes) > 0 {
		l.numeric = true
		for _, code := range codes {
			l.code(&token{code: code, start: 0, end: l.f.end}, "")
		}
		if len(l.found) > 0 {
			l.found = sorted(l.found, l.c.keyWords)
			return
		}
	}
	byWords := l.d.search(l.asked, l.c)
	if !l.oneWord() || len(byWords) == 0 {
		l.sentence(byWords)
	}
	if !slices.ContainsFunc(l.found, func(r ranked) bool { return r.Via.How != ByScreen }) {
		l.words(byWords)
	} else {
		l.words(slices.DeleteFunc(byWords, func(r ranked) bool { return !r.exact }))
	}
	l.found = sorted(l.found, l.c.keyWords)
}

// code adds the forms and readings of a code.
func (l *look) code(t *token, how How) {
	here := *l.c
	here.response, here.tail = t.response, t.tail
	forms := l.d.forms(t.code)
	if l.c.scope.narrow {
		forms = append(forms, l.d.tails(t.code, l.c.scope)...)
	}
	for _, f := range forms {
		led := slices.ContainsFunc(f.rows, func(i int32) bool { return l.c.scope.has(&l.d.rows[i]) })
		if led || f.family == none && f.How != LastDigits && f.How != SignLost {
			l.form(f.Form)
		}
	}
	found, leftOut := l.d.rank(t, &here)
	found = append(found, l.d.symbols(t, &here)...)
	for i := range found {
		if how != "" && found[i].Via.How == AsWritten {
			found[i].Via.How = how
			found[i].Via.Why = text.New("as a code with its text behind it")
		}
	}
	l.found = append(l.found, found...)
	l.leftOut = l.leftOut || leftOut
}

// form adds a form once.
func (l *look) form(f Form) {
	if !slices.ContainsFunc(l.forms, func(o Form) bool { return o.How == f.How && o.Code == f.Code }) {
		l.forms = append(l.forms, f)
	}
}

// whole reads the whole question as one code, in one way or two: 4 195 is a number with a blank, or 4/195.
func (l *look) whole() []string {
	s := strings.TrimSpace(string(l.f.runes))
	s = strings.Trim(s, "\"'“”‘’「」【】()[]<>#:;,.!?！？ ")
	if s == "" || strings.ContainsFunc(s, func(r rune) bool { return !isWord(r) && !strings.ContainsRune(" -/,.:", r) }) {
		return nil
	}
	var codes []string
	if joined, ok := joined(s); ok {
		codes = append(codes, joined)
	}
	parts := strings.FieldsFunc(s, func(r rune) bool { return strings.ContainsRune(" -/,.:", r) })
	if len(parts) == 2 && len(parts[0]) <= 2 && len(parts[1]) <= 3 && !strings.HasPrefix(s, "-") {
		code := parts[0] + "/" + parts[1]
		if strings.ContainsRune(s, '/') || len(l.d.forms(code)[0].rows) > 0 {
			codes = append(codes, code)
		}
	}
	return codes
}

// joined takes the blanks out of a code: - 314, 65 223, 65,223, 0x FE C6, FE C6.
func joined(s string) (string, bool) {
	s, minus := strings.CutPrefix(s, "-")
	s, prefixed := strings.CutPrefix(strings.TrimSpace(s), "0x")
	groups := strings.FieldsFunc(s, func(r rune) bool { return r == ' ' || r == ',' })
	if len(groups) == 0 {
		return "", false
	}
	for i, g := range groups {
		thousands := !prefixed && all(g, isDigit) && len(g) == 3 && len(groups[0]) <= 3 && all(groups[0], isDigit)
		bytes := all(g, isHex) && len(g) == 2 && len(groups[0]) == 2
		if len(groups) > 1 && i > 0 && !thousands && !bytes || strings.ContainsAny(g, "-/.:") {
			return "", false
		}
	}
	code := strings.Join(groups, "")
	switch {
	case prefixed && all(code, isHex):
		code = "0x" + code
	case prefixed, !all(code, isDigit) && (!all(code, isHex) && len(code) > 4 || minus):
		return "", false
	}
	if minus {
		code = "-" + code
	}
	return code, true
}

// oneWord reports whether the question is a single name.
func (l *look) oneWord() bool {
	s := strings.TrimSpace(string(l.f.runes))
	return all(s, func(r rune) bool { return isWord(r) || r == '_' }) && strings.IndexFunc(s, isLatin) >= 0
}

// sentence takes the codes and screen texts out of a text; announced ones first, then a code at its beginning,
// then any, unless the text is as good as a meaning.
func (l *look) sentence(byWords []ranked) {
	l.found = append(l.found, l.d.screen(l.f, l.c)...)
	for _, r := range l.found {
		l.form(r.Via)
	}
	if l.each(l.d.tokens(l.f, false)) || l.leading() {
		return
	}
	if len(l.found) == 0 && (len(byWords) == 0 || byWords[0].Weight != High) {
		l.each(l.d.tokens(l.f, true))
	}
}

func (l *look) each(tokens []token) bool {
	before := len(l.found)
	for i := range tokens {
		var how How
		if strings.TrimSpace(tokens[i].tail) != "" && l.startsAt(&tokens[i]) {
			how = WithText
		}
		l.code(&tokens[i], how)
	}
	return len(l.found) > before
}

// startsAt reports whether nothing but blanks stands before a token.
func (l *look) startsAt(t *token) bool {
	first := slices.IndexFunc(l.f.runes, func(r rune) bool { return r != ' ' })
	return first >= 0 && l.f.at[first] == t.start
}

// leading reads a code at the beginning with its text behind it.
func (l *look) leading() bool {
	f := l.f
	i := 0
	for f.rune(i) == ' ' {
		i++
	}
	start := i
	if f.rune(i) == '-' {
		i++
	}
	j := f.runEnd(i)
	fd := &finder{d: l.d, f: f, loose: true}
	if j == i || fd.inside(i, j) || fd.counted(j) {
		return false
	}
	if isCode(f.cut(i, j)) && strings.TrimSpace(f.tail(j)) != "" {
		before := len(l.found)
		l.code(fd.token(start, j, f.cut(start, j)), WithText)
		return len(l.found) > before
	}
	return start == i && l.glued(fd, i)
}

// isCode reports whether a run may be a code: a number, or up to three characters with a digit.
func isCode(run string) bool {
	return len(run) <= 5 && all(run, isDigit) || len(run) <= 3 && strings.ContainsAny(run, "0123456789") ||
		strings.HasPrefix(run, "0x")
}

// glued reads a response code that its text follows at once: 99PIN格式错. The text has to fit.
func (l *look) glued(fd *finder, i int) bool {
	for _, size := range []int{3, 2} {
		if i+size >= len(l.f.runes) || !isCode(l.f.cut(i, i+size)) {
			continue
		}
		t := fd.token(i, i+size, l.f.cut(i, i+size))
		if slices.ContainsFunc(l.d.withCode(t.code), func(row int32) bool { return alike(t.tail, &l.d.rows[row]) }) {
			l.code(t, WithText)
			return true
		}
	}
	return false
}

// words adds what the question's words found among symbols and meanings.
func (l *look) words(found []ranked) {
	if len(found) > 0 {
		l.form(found[0].Via)
	}
	l.found = append(l.found, found...)
}

// cousins asks the other SDKs of the same numbering when the tables of a vendor lack an ordinal.
func (l *look) cousins() {
	family := l.d.families[0]
	if !slices.ContainsFunc(l.c.scope.vendors, func(v string) bool { return slices.Contains(family.Vendors, v) }) {
		return
	}
	own := l.c.scope
	others := &scope{narrow: true, tables: make([]bool, len(l.d.tables))}
	for n, t := range l.d.tables {
		others.tables[n] = slices.Contains(family.Vendors, t.Vendor) && !slices.Contains(own.vendors, t.Vendor)
	}
	l.c.scope = others
	l.run()
	l.c.scope = own
	for i := range l.found {
		l.found[i].Weight = Medium
		l.found[i].Why = text.New("its own tables have no such code; another SDK of the same numbering has it")
	}
}

// answer cuts the readings to the limit and says what would decide.
func (l *look) answer(q Query) Answer {
	a := Answer{Query: shown(q.Text), Forms: l.forms, Readings: plain(l.found), Asks: l.asks()}
	if q.Limit > 0 && len(a.Readings) > q.Limit {
		a.More = len(a.Readings) - q.Limit
		a.Readings = a.Readings[:q.Limit]
	}
	return a
}

// asks says what would decide between the readings, or what is missing.
func (l *look) asks() []text.Text {
	var asks []text.Text
	var vendors, networks []string
	for _, r := range l.found {
		of := &vendors
		if l.d.rows[r.row].de39 {
			of = &networks
		}
		if r.Vendor != "generic-cn" && !slices.Contains(*of, r.Vendor) {
			*of = append(*of, r.Vendor)
		}
	}
	if len(vendors) > 1 && !l.c.scope.narrow || len(vendors) > 0 && len(networks) > 0 && !l.c.scope.narrow {
		asks = append(asks, text.New("who made the terminal or the HSM, and which model? these have a code that fits: %s",
			strings.Join(vendors, ", ")))
	}
	if len(networks) > 1 || len(networks) == 1 && len(vendors) > 0 && !l.c.scope.narrow {
		asks = append(asks, text.New("which network or host answered? response codes differ: %s",
			strings.Join(networks, ", ")))
	}
	if l.leftOut {
		asks = append(asks, text.New("what do the words around the number say? behind 应答码, 返回码 or \"response code\" "+
			"it is an answer of the host and not about keys"))
	}
	if len(l.found) == 0 && l.numeric && l.symbolsOnly() {
		asks = append(asks, text.New("the numbers of this vendor are not public; its table has names alone"))
	}
	return asks
}

// symbolsOnly reports whether the tables that were named have no code at all.
func (l *look) symbolsOnly() bool {
	coded := func(e entry) bool { return l.c.scope.has(&e) && e.code != "" }
	return l.c.scope.narrow && !slices.ContainsFunc(l.d.rows, coded)
}
