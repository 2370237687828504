package text

// What looks like a key is hidden from everything that is shown: logs and people's words hold keys that should not be
// there. Whatever cannot be told from a key is hidden.

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Hidden stands where something was that looks like a key.
const Hidden = "[hidden]"

// KeySpan is a place in a line that looks like a key, in bytes.
type KeySpan struct {
	Start, End int
	One        bool // in one piece of so many digits
	Digits     int
}

// The digits from which on something may be a key: half a DES key, in one piece or in groups.
const (
	keyDigits  = 16
	widestGap  = 8 // bytes between two groups: a comma, a blank, 0x
	longGroup  = 8 // digits of the groups of one length that people cut keys into, at most
	shortWhole = 6 // from here on digits behind letters are a serial number, and digits of a column a count
	mostGroups = 4096
	fewNumbers = 4 // decimal digits right before a key in one piece: the number of a slot or of a person
)

// Hide hides in a line what looks like a key, and says how many places it hid: sixteen hex digits or more in one
// piece or in groups, whatever stands between the groups, look-alikes (the letter O for 0, I and l for 1, S for 5)
// and characters of full width too; bytes in the form of \x3B, 0x3B or %3B; and base64 of the length of a key behind
// the name of one. Dates and times are none. A key serial number that is labelled as one keeps its first and last
// digits.
func Hide(line string) (string, int) { return hide(line, false) }

// HideCut is Hide for a line that goes on where it was not read: its last digits may be the first of a key.
func HideCut(line string) (string, int) { return hide(line, true) }

func hide(line string, cut bool) (string, int) {
	spans := KeySpans(line, cut)
	if len(spans) == 0 {
		return line, 0
	}
	var b strings.Builder
	hidden, from := 0, 0
	for _, s := range spans {
		if s.Start < from {
			if s.End > from {
				from = s.End // a second reading of the same place reaches further
			}
			continue
		}
		b.WriteString(line[from:s.Start])
		from = s.End
		if ksn, ok := serialNumber(line, s); ok {
			b.WriteString(ksn)
			continue
		}
		b.WriteString(Hidden)
		hidden++
	}
	b.WriteString(line[from:])
	return b.String(), hidden
}

// KeySpans lists the places of a line that look like a key, in their order.
func KeySpans(line string, cut bool) []KeySpan {
	var spans []KeySpan
	groups := hexGroups(line)
	markStamps(line, groups)
	for i := 0; i < len(groups); {
		n := keyAt(line, groups[i:])
		if n == 0 && cut && i == len(groups)-1 && groups[i].end == len(line) {
			n = 1
		}
		if n == 0 {
			i++
			continue
		}
		spans = append(spans, widened(line, KeySpan{groups[i].start, groups[i+n-1].end, n == 1, groups[i].digits}))
		i += n
	}
	if other := otherSpans(line); len(other) > 0 {
		return inOrder(spans, other)
	}
	return spans
}

// widened takes look-alikes in that stand right beside a key.
func widened(line string, s KeySpan) KeySpan {
	if _, ksn := serialNumber(line, s); ksn {
		return s
	}
	for s.Start > 0 && line[s.Start-1] < utf8.RuneSelf && asciiKinds[line[s.Start-1]] >= kindAlike {
		s.Start--
	}
	for s.End < len(line) && line[s.End] < utf8.RuneSelf && asciiKinds[line[s.End]] >= kindAlike {
		s.End++
	}
	return s
}

// inOrder puts two lists of places into one.
func inOrder(a, b []KeySpan) []KeySpan {
	var all []KeySpan
	for len(a) > 0 || len(b) > 0 {
		if len(b) == 0 || len(a) > 0 && a[0].Start <= b[0].Start {
			all, a = append(all, a[0]), a[1:]
			continue
		}
		all, b = append(all, b[0]), b[1:]
	}
	return all
}

// hexGroup is a run of hex digits and their look-alikes.
type hexGroup struct {
	start, end int
	digits     int
	numbers    int  // decimal digits among them
	letters    int  // A to F among them
	stamp      bool // it is of a date or a time
}

// mixed: letters and numbers in one, as no count and hardly a word has.
func (g *hexGroup) mixed() bool { return g.numbers > 0 && g.letters > 0 }

// hexGroups lists the groups of a line. A word of hex digits and look-alikes is one; of other words their runs of hex
// digits are.
func hexGroups(line string) []hexGroup {
	var found []hexGroup
	for at := 0; at < len(line) && len(found) < mostGroups; {
		if !wordByte(line[at]) {
			at++
			continue
		}
		end := wordEnd(line, at)
		if end == at { // a character that is no letter
			_, size := utf8.DecodeRuneInString(line[at:])
			at += size
			continue
		}
		found = wordGroups(found, line, at, end)
		at = end
	}
	return found
}

func wordByte(c byte) bool { return c >= utf8.RuneSelf || asciiKinds[c] != kindOther }

// wordEnd gives the end of the word that begins at a place: letters, digits, and what cannot be seen between them.
func wordEnd(line string, at int) int {
	for at < len(line) {
		c := line[at]
		if c < utf8.RuneSelf {
			if asciiKinds[c] == kindOther {
				return at
			}
			at++
			continue
		}
		r, size := utf8.DecodeRuneInString(line[at:])
		if _, wide := narrow(r); !wide && !unseen(r) && !unicode.IsLetter(r) {
			return at
		}
		at += size
	}
	return at
}

// Kinds of characters.
const (
	kindOther  = '0' // stands between words
	kindLetter = '1'
	kindAlike  = '2' // a letter that looks like a digit
	kindHex    = '3'
	kindNumber = '4'
)

// asciiKinds has the kind of every ASCII character at its place.
const asciiKinds = "000000000000000000000000000000000000000000000000" + "4444444444000000" +
	"03333332121121121212111111200000" + "03333331121121121112111111200000"

// narrow gives the ASCII character of one of full width.
func narrow(r rune) (rune, bool) {
	if r < 0xFF10 || r > 0xFF5A {
		return r, false
	}
	r -= 0xFF01 - '!'
	return r, asciiKinds[r] != kindOther
}

// unseen characters stand in words that were copied from pages.
func unseen(r rune) bool {
	switch r {
	case 0x200B, 0x200C, 0x200D, 0x2060, 0xFEFF, 0x00AD:
		return true
	}
	return false
}

func kindOf(r rune) byte {
	if r, _ = narrow(r); r < utf8.RuneSelf {
		return asciiKinds[r]
	}
	return kindLetter
}

// wordGroups adds the groups of a word.
func wordGroups(found []hexGroup, line string, at, end int) []hexGroup {
	at, end = unprefixed(line, at, end)
	whole := hexGroup{start: at, end: end}
	alike, other, run, now := 0, 0, 0, 0
	for _, r := range line[at:end] {
		if unseen(r) {
			continue
		}
		kind := kindOf(r)
		if now++; kind < kindHex {
			now = 0
		}
		run = max(run, now)
		switch kind {
		case kindNumber:
			whole.numbers++
		case kindHex:
			whole.letters++
		case kindAlike:
			alike++
		default:
			other++
		}
	}
	whole.digits = whole.numbers + whole.letters + alike
	switch {
	case other == 0 && alike == 0:
		return append(found, whole)
	case whole.digits+other >= 24 && whole.numbers > 0 && 8*(whole.digits-alike) >= 7*(whole.digits+other):
		whole.digits += other // a key with slips in it
		return append(found, whole)
	case other == 0 && whole.digits >= keyDigits && whole.numbers > 0 && 4*(whole.digits-alike) >= 3*whole.digits,
		other == 0 && whole.digits < keyDigits:
		return append(found, whole)
	case run < keyDigits && strings.Count(line[at:end], "0x")+strings.Count(line[at:end], "0X") > 1:
		return prefixedGroups(found, line, at, end)
	}
	return runGroups(found, line, at, end)
}

// unprefixed takes off 0x, x, u00 and the h of a number that is written so.
func unprefixed(line string, at, end int) (from, to int) {
	word := line[at:end]
	switch {
	case len(word) > 2 && word[0] == '0' && (word[1] == 'x' || word[1] == 'X'):
		return at + 2, end
	case len(word) > 1 && (word[0] == 'x' || word[0] == 'X' || word[0] == 'u' && len(word) == 5):
		return at + 1, end
	case len(word) > 1 && len(word) <= longGroup+1 && sureNumber(word) &&
		(word[len(word)-1] == 'h' || word[len(word)-1] == 'H'):
		return at, end - 1
	}
	return at, end
}

// sureNumber reports whether a word before an h is one: it has a digit in it, or capitals.
func sureNumber(word string) bool {
	return strings.ContainsAny(word, "0123456789") || len(word) == 3 && strings.ToUpper(word[:2]) == word[:2]
}

// prefixedGroups adds the groups of a word like 3B0x7A0x91: bytes behind each other without anything between them.
func prefixedGroups(found []hexGroup, line string, at, end int) []hexGroup {
	for at < end {
		next := end - at
		for _, prefix := range []string{"0x", "0X"} {
			if n := strings.Index(line[at:end], prefix); n >= 0 {
				next = min(next, n)
			}
		}
		if next > 0 {
			found = wordGroups(found, line, at, at+next)
		}
		at += next + len("0x")
	}
	return found
}

// runGroups adds the runs of hex digits of a word that has other letters too: all long ones, and a short one with a
// number in it where the word begins or ends.
func runGroups(found []hexGroup, line string, at, end int) []hexGroup {
	g := hexGroup{start: -1}
	add := func(to int) {
		if g.start < 0 {
			return
		}
		g.end, g.digits = to, g.numbers+g.letters
		edge := g.start == at || to == end
		count := g.letters == 0 && g.digits >= shortWhole
		if g.digits >= keyDigits || edge && g.numbers > 0 && !count {
			found = append(found, g)
		}
		g = hexGroup{start: -1}
	}
	for i, r := range line[at:end] {
		kind := kindOf(r)
		if unseen(r) {
			continue
		}
		if kind < kindHex {
			add(at + i)
			continue
		}
		if g.start < 0 {
			g.start = at + i
		}
		if kind == kindNumber {
			g.numbers++
		} else {
			g.letters++
		}
	}
	add(end)
	return found
}

// markStamps finds dates and times, which are no groups of a key.
func markStamps(line string, groups []hexGroup) {
	for i := range groups {
		groups[i].stamp = groups[i].stamp || dateDigits(line[groups[i].start:groups[i].end])
	}
	if strings.Contains(line, "%") {
		markEscapes(line, groups)
	}
	for i := 0; i+2 < len(groups); i++ {
		a, b, c := &groups[i], &groups[i+1], &groups[i+2]
		if a.letters+b.letters > 0 || a.digits > 4 || b.digits > 2 {
			continue
		}
		one, two := line[a.end:b.start], line[b.end:c.start]
		date := a.digits == 4 && (one == two && (one == "-" || one == "/" || one == ".") || one == "年" && two == "月")
		clock := a.digits <= 2 && one == ":" && two == ":"
		if !date && !clock || c.digits > 2 || c.letters > 0 {
			continue
		}
		if i+3 < len(groups) && line[c.end:groups[i+3].start] == one && (clock || groups[i+3].letters > 0) {
			continue // more of the same follows: a key in pairs
		}
		if i > 0 && clock && line[groups[i-1].end:a.start] == ":" && !groups[i-1].stamp {
			continue
		}
		a.stamp, b.stamp, c.stamp = true, true, true
		if i+3 < len(groups) && clock && fraction(line[c.end:groups[i+3].start], &groups[i+3]) {
			groups[i+3].stamp = true // fractions of a second
		}
	}
}

// dateDigits reports whether digits are a day, or a day and a time, without anything between them.
func dateDigits(s string) bool {
	if len(s) != 8 && len(s) != 14 || s[:2] != "20" && s[:2] != "19" || strings.Trim(s, "0123456789") != "" {
		return false
	}
	return s[4:6] >= "01" && s[4:6] <= "12" && s[6:8] >= "01" && s[6:8] <= "31" &&
		(len(s) == 8 || s[8:10] <= "23" && s[10:12] <= "59" && s[12:] <= "60")
}

func fraction(gap string, g *hexGroup) bool {
	return (gap == "." || gap == ",") && g.letters == 0 && g.digits <= 9
}

// keyAt says how many groups from the first on look like one key; 0 is none.
func keyAt(line string, groups []hexGroup) int {
	if groups[0].stamp {
		return 0
	}
	if groups[0].digits >= keyDigits {
		if n := anyGroups(line, groups); n > 1 {
			return n // its tail too
		}
		return 1
	}
	return max(evenGroups(line, groups), anyGroups(line, groups))
}

// evenGroups counts groups of one length that are a key together: 0123 4567 89AB CDEF, 01:23:45:…, 3 B 7 A ….
func evenGroups(line string, groups []hexGroup) int {
	size, sum, n, sure := groups[0].digits, 0, 0, 0
	if size > longGroup {
		return 0
	}
	for i := range groups {
		if groups[i].digits > size || groups[i].stamp || i > 0 && !joined(line, groups, i) {
			break
		}
		sum, n, sure = sum+groups[i].digits, i+1, sure+groups[i].numbers+groups[i].letters
		if groups[i].digits < size {
			break
		}
	}
	if sum < keyDigits || 4*sure < 3*sum || n == 2 && (compared(line[groups[0].end:groups[1].start]) ||
		column(line, groups, 1)) {
		return 0
	}
	return n
}

// anyGroups counts groups of two digits or more, whatever their length; letters and numbers stand together in one of
// them at least.
func anyGroups(line string, groups []hexGroup) int {
	sum, n, mixed, letters := 0, 0, false, false
	for i := range groups {
		g := &groups[i]
		words := g.digits > g.letters+g.numbers && g.numbers == 0
		if g.digits < 2 || g.stamp || words || i > 0 && (!joined(line, groups, i) || column(line, groups, i) ||
			assigned(line, groups, i)) {
			break
		}
		if g.digits >= keyDigits && sum > 0 && sum <= fewNumbers && !letters {
			return 0 // a number before a key: operator 02: 0123…
		}
		sum, n = sum+g.digits, i+1
		mixed, letters = mixed || g.mixed(), letters || g.letters > 0
	}
	if sum < keyDigits || !mixed || n == 2 && compared(line[groups[0].end:groups[1].start]) {
		return 0
	}
	return n
}

// joined reports whether no word stands between a group and the one before it.
func joined(line string, groups []hexGroup, i int) bool {
	gap := line[groups[i-1].end:groups[i].start]
	if len(gap) > widestGap {
		return len(gap) <= 2*widestGap && strings.HasSuffix(gap, ")0x") // a cast before every byte
	}
	if strings.HasSuffix(gap, ")0x") {
		return true
	}
	gap = strings.TrimLeft(gap, "hH")
	for gap != "" {
		r, size := utf8.DecodeLastRuneInString(gap)
		if kindOf(r) == kindOther || r >= utf8.RuneSelf && !unicode.IsLetter(r) || unseen(r) {
			gap = gap[:len(gap)-size]
			continue
		}
		if r != 'x' && r != 'X' && r != 'u' && r != '0' {
			return false
		}
		gap = gap[:len(gap)-size]
	}
	return true
}

// compared reports whether two groups are held against each other, as check values are.
func compared(gap string) bool { return strings.ContainsAny(gap, "=<>≠/→") }

// assigned reports whether a group is the value of a name that looks like a group: DE39=00.
func assigned(line string, groups []hexGroup, i int) bool {
	return strings.ContainsAny(line[groups[i-1].end:groups[i].start], "=<>")
}

// column reports whether a group is a count or a serial number in a column of its own, or stands beside one.
func column(line string, groups []hexGroup, i int) bool {
	gap := line[groups[i-1].end:groups[i].start]
	count := func(g *hexGroup) bool { return g.letters == 0 && g.digits >= shortWhole }
	return strings.ContainsAny(gap, ",;\t|/") && (count(&groups[i]) || count(&groups[i-1]))
}

// serialNumber shortens what is labelled as a key serial number and has the length of one.
func serialNumber(line string, s KeySpan) (string, bool) {
	if !s.One || s.Digits != 20 && s.Digits != 24 || s.End-s.Start != s.Digits {
		return "", false
	}
	before := strings.ToLower(line[max(0, s.Start-24):s.Start])
	at := max(strings.LastIndex(before, "ksn"), strings.LastIndex(before, "key serial number"),
		strings.LastIndex(before, "密钥序列号"))
	if at < 0 {
		return "", false
	}
	gap := strings.NewReplacer("ksn", "", "key serial number", "", "密钥序列号", "").Replace(before[at:])
	if strings.Trim(gap, " :=\"'[(#->") != "" {
		return "", false
	}
	return line[s.Start:s.Start+6] + "…" + line[s.End-5:s.End], true
}
