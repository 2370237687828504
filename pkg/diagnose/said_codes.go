package diagnose

// The codes in what was said: readings of one code held against each other.

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"poskey/internal/text"
	"poskey/pkg/device"
	"poskey/pkg/errorcode"
)

// codes takes what the dictionary says: its readings go into the report, and those that count become signs.
func (u *utterance) codes() {
	readings := u.worthTelling()
	for i, r := range readings {
		if i < mostReadings {
			u.l.out.Readings = append(u.l.out.Readings, u.l.rules.readingOf(r, u.said.Where))
		}
	}
	ambiguous := false
	for _, group := range byPlace(readings) {
		if u.besideCard(group) {
			continue
		}
		ambiguous = u.code(group) || ambiguous
	}
	if !ambiguous {
		return
	}
	for _, ask := range u.answer.Asks {
		u.l.note(ask)
	}
	if len(readings) == 0 || readings[0].Kind != errorcode.Key {
		return
	}
	u.l.note(text.New("whatever it means, one round of checks covers it: read back which slots hold keys, their " +
		"lengths and check values; " +
		"compare field 60.3 with the length of the master key; load the master key again with its check value; " +
		"sign in"))
}

// worthTelling leaves out readings by the likeness of words where words or codes say more.
func (u *utterance) worthTelling() []errorcode.Reading {
	heard := slices.ContainsFunc(u.sayings, func(s saying) bool { return len(s.causes) > 0 || s.lock != "" })
	codes := hasCode(u.answer)
	_, none := u.l.noTrouble(u.text)
	none = none || oneShortWord(u.text) || u.calm && u.l.idle(u.text)
	return slices.DeleteFunc(slices.Clone(u.answer.Readings), func(r errorcode.Reading) bool {
		return byWords(r) && (heard || codes || none || r.Weight == errorcode.Low)
	})
}

// idle reports whether what is left of a text, after what tells of no trouble, speaks neither of keys nor of a code.
func (e *Ears) idle(rest string) bool {
	return !e.keys.in(hear(rest)) && !strings.ContainsFunc(rest, unicode.IsDigit)
}

// oneShortWord reports whether a text is so little that its likeness to the words of a table says nothing.
func oneShortWord(s string) bool {
	const short = 4 // letters
	s = strings.TrimSpace(s)
	return len(s) <= short && strings.IndexFunc(s, func(r rune) bool {
		return !unicode.IsLetter(r) ||
			r >= utf8.RuneSelf
	}) < 0
}

// besideCard reports whether a small number stands in a text about a card or a person, and nothing in the text speaks
// of keys: it is the host's answer.
func (u *utterance) besideCard(group []errorcode.Reading) bool {
	const small = 3 // characters
	_, none := u.l.noTrouble(u.text)
	return none && !u.told && len(u.sayings) == 0 && group[0].End-group[0].Start <= small &&
		!u.l.keys.in(hear(u.text))
}

// wordsOfKeys are said of keys and of what holds them.
const wordsOfKeys = "key|keys|ped|kcv|tmk|pik|mak|dukpt|hsm|xor|分量|组件|密钥|密码键盘|加密机|主密"

// byPlace groups readings by the place of the code in the text, in the order of the places.
func byPlace(readings []errorcode.Reading) [][]errorcode.Reading {
	var groups [][]errorcode.Reading
	for _, r := range readings {
		i := slices.IndexFunc(groups, func(g []errorcode.Reading) bool { return samePlace(g[0], r) })
		if i < 0 {
			groups, i = append(groups, nil), len(groups)
		}
		groups[i] = append(groups[i], r)
	}
	return groups
}

// samePlace: a text that ends with a code is the code and says no more.
func samePlace(a, b errorcode.Reading) bool {
	return a.Start < b.End && b.Start < a.End || a.Start == b.Start
}

// code makes signs of the readings of one code, and reports whether they lead to different causes.
func (u *utterance) code(group []errorcode.Reading) bool {
	group = u.worthCounting(group)
	top := group[0]
	causes, _ := u.l.rules.leadsOf(&top.Row)
	if len(causes) == 0 {
		u.noneOfKey(&top)
		return false
	}
	u.l.understood = true
	if u.onePIN(&top) {
		return false
	}
	agreed := u.l.rules.agree1st(group)
	for i := range group {
		u.reading(group, i, agreed)
	}
	return !u.told && !agreed && u.l.rules.differ1st(group)
}

// differ1st reports whether readings lead to different first causes.
func (c *codeRules) differ1st(group []errorcode.Reading) bool {
	firsts := map[Cause]bool{}
	for i := range group {
		if causes, _ := c.leadsOf(&group[i].Row); len(causes) > 0 {
			firsts[causes[0]] = true
		}
	}
	return len(firsts) > 1
}

// worthCounting keeps the readings that may be meant: the low ones do not count beside others, and nothing does
// beside a reading that the words fit.
func (u *utterance) worthCounting(group []errorcode.Reading) []errorcode.Reading {
	top := group[0].Weight
	return slices.DeleteFunc(slices.Clone(group), func(r errorcode.Reading) bool {
		return top != errorcode.Low && r.Weight == errorcode.Low && !keepsNoCode(r)
	})
}

// keepsNoCode is the text 密钥错误14 itself: it is told of with little weight, and its page is the one to read.
func keepsNoCode(r errorcode.Reading) bool { return r.Vendor == "generic-cn" }

// noneOfKey tells of a code that is none of a key, and of the lock that it tells of.
func (u *utterance) noneOfKey(r *errorcode.Reading) {
	if kind := lockOfRow(&r.Row); kind != "" {
		u.lock(kind)
		return
	}
	if u.l.rules.pageOf(&r.Row) == "" && !u.speaks() && !byWords(*r) {
		u.l.note(text.New("%s %s is no code about keys: %s; no key is to be touched", r.Vendor, nameOfCode(r),
			r.Meaning))
	}
}

// speaks reports whether the words name a cause.
func (u *utterance) speaks() bool {
	return slices.ContainsFunc(u.sayings, func(s saying) bool { return s.names && len(s.causes) > 0 })
}

// lockOfRow names the lock that a code tells of.
func lockOfRow(r *errorcode.Row) device.LockKind {
	for _, c := range codesOfLocks() {
		if c.vendor == r.Vendor && slices.Contains(strings.Fields(c.symbols), r.Symbol) {
			return c.lock
		}
	}
	return ""
}

// onePIN takes a single wrong PIN for what it is: a cardholder's. It tells of keys only where every card is answered
// so.
func (u *utterance) onePIN(r *errorcode.Reading) bool {
	if r.Vendor != "unionpay" || r.Code != "55" || u.speaks() {
		return false
	}
	u.l.note(text.New("a PIN that is wrong (%s) is the cardholder's trouble; look at PIN key and PIN block only "+
		"where every card is answered so", r.Code))
	return true
}

// agree1st reports whether several tables that are independent of each other have a code, and all lead to the same
// first cause, which they name. Tables of one lineage have the same words, and are one witness.
func (c *codeRules) agree1st(group []errorcode.Reading) bool {
	var first Cause
	witnesses := map[string]bool{}
	for i := range group {
		causes, names := c.leadsOf(&group[i].Row)
		if len(causes) == 0 || !names && !keepsNoCode(group[i]) || first != "" && first != causes[0] {
			return false
		}
		first = causes[0]
		witnesses[group[i].Meaning.String()] = true
	}
	return len(witnesses) > 1
}

// reading makes the signs of one reading.
func (u *utterance) reading(group []errorcode.Reading, i int, agreed bool) {
	r := &group[i]
	causes, names := u.l.rules.leadsOf(&r.Row)
	points := pointsOf(r.Weight)
	if r.Certainty == errorcode.Inferred {
		points *= 0.75
	}
	if slices.ContainsFunc(group[:i],
		func(o errorcode.Reading) bool { return o.Meaning.String() == r.Meaning.String() }) {
		points /= 4 // tables of one lineage are one witness, and a little more
	}
	overruled := u.overruled(causes)
	if overruled {
		points /= 4
	}
	told := names && !overruled && (i == 0 && u.told && r.Weight != errorcode.Low ||
		r.Weight == errorcode.High && (agreed || i == 0 && fitsWords(r)))
	for n, c := range causes {
		u.l.signs = append(u.l.signs, sign{cause: c, points: points / float64(1+n), names: told && n == 0,
			first: n == 0, said: u.n,
			seen: u.seen(), says: u.meaning(group, r)})
	}
}

// overruled reports whether the words name another cause than the code's first, among those that the code leads to:
// "every trade" speaks against keys that were renewed.
func (u *utterance) overruled(causes []Cause) bool {
	return len(causes) > 0 && slices.ContainsFunc(u.sayings, func(s saying) bool {
		return s.names && len(s.causes) > 0 && s.causes[0] != causes[0] && slices.Contains(causes, s.causes[0])
	})
}

// fitsWords reports whether the words say the same as the code, or are what screens show.
func fitsWords(r *errorcode.Reading) bool {
	return r.Via.How == errorcode.WithText || r.Via.How == errorcode.ByScreen || r.Via.How == errorcode.BySymbol
}

func pointsOf(w errorcode.Weight) float64 {
	switch w {
	case errorcode.High:
		return pointsHigh
	case errorcode.Medium:
		return pointsMedium
	}
	return pointsLow
}

// meaning says what a code means, and who says so.
func (u *utterance) meaning(group []errorcode.Reading, r *errorcode.Reading) text.Text {
	var with []string
	for _, o := range group {
		if o.Meaning.String() == r.Meaning.String() && !slices.Contains(with, o.Vendor) {
			with = append(with, o.Vendor)
		}
	}
	switch {
	case u.told:
		return text.New("%s %s means: %s", r.Vendor, nameOfCode(r), r.Meaning)
	case len(with) > 1:
		return text.New("%s can mean: %s (%s; so in the tables of %s)", r.Via.Code, r.Meaning, r.Why,
			strings.Join(with, ", "))
	}
	return text.New("%s %s can be meant: %s (%s)", r.Vendor, nameOfCode(r), r.Meaning, r.Why)
}

func nameOfCode(r *errorcode.Reading) string {
	if r.Code != "" {
		return r.Code
	}
	return r.Symbol
}
