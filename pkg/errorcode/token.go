package errorcode

import (
	"slices"
	"strings"
)

// mostTokens bounds how many codes are taken out of one text.
const mostTokens = 64

// token is a code in a text.
type token struct {
	code       string // folded, no blanks
	start, end int    // in the text as it was written
	response   bool   // the words before it speak of a response code
	tail       string // the words behind it
}

// finder takes codes out of a text.
type finder struct {
	d     *Dictionary
	f     *folded
	loose bool // somebody asks about the text: a code needs no word that announces it
	hsm   bool // the words speak of an HSM
	keys  bool // the words speak of keys or a PED
}

// tokens lists the codes in a text, in the order of their places.
func (d *Dictionary) tokens(f *folded, loose bool) []token {
	fd := &finder{d: d, f: f, loose: loose, hsm: speaksOfHSM(f), keys: speaksOfKeys(f)}
	var found []token
	for i := 0; i < len(f.runes) && len(found) < mostTokens; {
		if !isWord(f.runes[i]) {
			i++
			continue
		}
		j := f.runEnd(i)
		t, next := fd.at(i, j)
		if t != nil {
			found = append(found, *t)
		}
		i = max(j, next)
	}
	return found
}

// runEnd gives the end of a run of Latin letters, digits and underscores.
func (f *folded) runEnd(i int) int {
	for i < len(f.runes) && (isWord(f.runes[i]) || f.runes[i] == '_') {
		i++
	}
	return i
}

// at looks at the run from i to j; next is where to go on when it took more.
func (fd *finder) at(i, j int) (t *token, next int) {
	f := fd.f
	run := f.cut(i, j)
	if f.rune(j) == '/' && isWord(f.rune(j+1)) {
		k := f.runEnd(j + 1)
		return fd.compound(i, k), k
	}
	if len(run) > 64 || fd.inside(i, j) {
		return nil, j
	}
	switch {
	case strings.HasPrefix(run, "0x"):
		return fd.hex(i, j, run), j
	case all(run, isDigit):
		return fd.digits(i, j, run), j
	case len(run) == 2:
		return fd.pair(i, j, run), j
	}
	if t := fd.labelled(j, run); t != nil {
		return t, j
	}
	if t := fd.answer(i, j, run); t != nil {
		return t, j
	}
	return nil, j
}

// inside reports whether the run is a part of a date, a time, an amount, an address or a masked number.
func (fd *finder) inside(i, j int) bool {
	f := fd.f
	before, after := f.rune(i-1), f.rune(j)
	among := func(r rune, set string) bool { return r != 0 && strings.ContainsRune(set, r) }
	if among(before, "*+@$¥¥€£~\\/") || among(after, "*%@°℃\\/‰") {
		return true
	}
	joins := func(r rune) bool { return among(r, ".:,-'") }
	return joins(before) && isDigit(f.rune(i-2)) || joins(after) && isDigit(f.rune(j+1)) && after != '-' ||
		after == '-' && isWord(f.rune(j+1))
}

func (fd *finder) token(i, j int, code string) *token {
	start, end := fd.f.place(i, j)
	return &token{code: code, start: start, end: end, tail: fd.f.tail(j)}
}

// tail gives the words behind a place, up to the end of their sentence or 40 characters.
func (f *folded) tail(j int) string {
	end := min(len(f.runes), j+40)
	for n := j; n < end; n++ {
		if strings.ContainsRune(";.!?\n", f.runes[n]) {
			end = n
		}
	}
	return f.cut(j, max(j, end))
}

// compound takes A6/10 and its like. Two numbers with a stroke are a date unless a word announces a code.
func (fd *finder) compound(i, k int) *token {
	f := fd.f
	code := f.cut(i, k)
	if head, tail, _ := strings.Cut(code, "/"); f.capitals(i, k) && fd.d.commandOf(tail) == head {
		return fd.token(i+len(head)+1, k, tail) // BU/BV10
	}
	if f.rune(k) == '/' || f.rune(i-1) == '/' || len(code) > 8 || len(fd.d.forms(code)[0].rows) == 0 {
		return nil
	}
	letters := strings.IndexFunc(code, isLatin) >= 0 && f.capitals(i, k)
	announced, _ := fd.announced(i, code)
	if !letters && !announced && !fd.loose {
		return nil
	}
	return fd.token(i, k, code)
}

// capitals reports whether no letter of a part is small.
func (f *folded) capitals(i, j int) bool {
	for n := i; n < j; n++ {
		if isLatin(f.runes[n]) && !f.upper[n] {
			return false
		}
	}
	return true
}

// hex takes 0xFEC6. A byte needs a word that announces it.
func (fd *finder) hex(i, j int, run string) *token {
	announced, _ := fd.announced(i, run)
	if len(run) <= len("0x00") && !announced && !fd.loose || !fd.d.leads(run) {
		return nil
	}
	return fd.token(i, j, run)
}

// leads reports whether a code leads anywhere.
func (d *Dictionary) leads(code string) bool {
	return slices.ContainsFunc(d.forms(code), func(f form) bool {
		return len(f.rows) > 0 && f.How != AsHex && f.How != LastDigits
	})
}

// digits takes -313, 65223 and 14.
func (fd *finder) digits(i, j int, run string) *token {
	f := fd.f
	start := i
	minus := f.rune(i-1) == '-' && !isWord(f.rune(i-2)) && f.rune(i-2) != '-'
	if minus {
		start--
	}
	if len(run) > 5 || fd.counted(j) || fd.measured(start) {
		return nil
	}
	announced, response := fd.announced(start, run)
	if minus {
		return fd.negative(i, j, run, announced || fd.loose)
	}
	if f.rune(i-1) == '-' && announced { // err-313
		if t := fd.negative(i, j, run, true); t != nil {
			return t
		}
	}
	if !announced && !fd.loose || !fd.d.leads(run) {
		return nil
	}
	if n, _ := decimalOf(run); n.value == 0 && !response && !fd.loose {
		return nil
	}
	t := fd.token(i, j, run)
	t.response = response
	return t
}

// negative takes a number with its minus; a small one has a dash before it, and no minus, when no table has it.
func (fd *finder) negative(i, j int, run string, announced bool) *token {
	n, ok := decimalOf("-" + run)
	if !ok || n.value > -100 && !announced {
		return nil
	}
	if len(fd.d.withValue(n.value)) > 0 || fd.d.leads("-"+run) {
		return fd.token(i-1, j, "-"+run)
	}
	if announced && -n.value <= mostOrdinal && fd.d.leads(run) {
		return fd.token(i, j, run)
	}
	return nil
}

// pair takes A0 and its like, in capitals.
func (fd *finder) pair(i, j int, run string) *token {
	if !fd.f.capitals(i, j) || len(fd.d.withCode(run)) == 0 || fd.isAnswered(i, j, run) {
		return nil
	}
	t := fd.token(i, j, run)
	announced, response := fd.announced(i, run)
	t.response = response
	fits := slices.ContainsFunc(fd.d.withCode(run), func(row int32) bool { return alike(t.tail, &fd.d.rows[row]) })
	if announced || fits || fd.loose && strings.ContainsAny(run, "0123456789") {
		return t
	}
	return nil
}

// labels are the words that announce a number they are written together with.
func labels() []string {
	return []string{"errorcode", "errcode", "error", "errno", "err", "retcode", "ret", "rc", "code"}
}

// labelled takes err14 and error_014.
func (fd *finder) labelled(j int, run string) *token {
	for _, label := range labels() {
		digits, ok := strings.CutPrefix(run, label)
		digits = strings.TrimLeft(digits, "_")
		if ok && all(digits, isDigit) && len(digits) <= 5 && !fd.counted(j) && fd.d.leads(digits) {
			return fd.token(j-len(digits), j, digits)
		}
	}
	return nil
}

// answer takes the name of a constant, A710 where the words speak of an HSM or of the command A6, and FEC6 where a word
// announces it.
func (fd *finder) answer(i, j int, run string) *token {
	if (strings.ContainsRune(run, '_') || len(run) >= 8) && len(fd.d.withSymbol(run)) > 0 {
		return fd.token(i, j, run)
	}
	if !fd.f.capitals(i, j) {
		return nil
	}
	if fd.hsm && len(fd.d.hsmForms(run)) > 0 || fd.answersCommand(i, run) ||
		len(run) == 4 && all(run, isHex) && fd.codeInHex(i, run) {
		return fd.token(i, j, run)
	}
	return nil
}

// codeInHex reports whether a run without 0x is the code of a table, and a word announces it.
func (fd *finder) codeInHex(i int, run string) bool {
	announced, _ := fd.announced(i, run)
	v, _, _, ok := hexOf(run)
	return ok && (announced || fd.loose) && !fd.measured(i) && len(fd.d.withValue(int64(v))) > 0
}
