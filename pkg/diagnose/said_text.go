package diagnose

// One text on its way: its codes, its check values, its sayings, and what it is where it is no trouble of a key.

import (
	"context"
	"errors"
	"slices"
	"strings"
	"unicode"

	"poskey/internal/fault"
	"poskey/internal/text"
	"poskey/pkg/device"
	"poskey/pkg/errorcode"
)

// utterance is one text on its way.
type utterance struct {
	l       *listener
	said    Said
	text    string // what is left where words of trouble are taken back
	shown   string // what looks like a key blotted out
	calm    bool   // something was taken back
	n       int    // which text
	told    bool   // somebody said whose code it is
	sayings []saying
	answer  errorcode.Answer
}

// look asks the dictionary; a vendor that the words name is asked first.
func (u *utterance) look() error {
	q := errorcode.Query{Text: u.text, Vendor: u.said.Vendor, Table: u.said.Table}
	u.told = q.Vendor != "" || q.Table != ""
	if !u.told {
		if v := u.l.vendorIn(u.text); v != "" {
			q.Vendor = v
			if a, err := u.l.dictionary.Look(q); err == nil && hasCode(a) {
				u.told, u.answer = true, a
				return nil
			}
			q.Vendor = ""
		}
	}
	a, err := u.l.dictionary.Look(q)
	if f := new(fault.Error); errors.As(err, &f) && f.Kind == fault.Usage && !u.told {
		return nil // signs alone, nothing to look for
	}
	if err != nil {
		return fault.Wrap(err, "what was said")
	}
	u.answer = a
	return nil
}

// hasCode reports whether an answer rests on a code and not on the likeness of words.
func hasCode(a errorcode.Answer) bool {
	return slices.ContainsFunc(a.Readings, func(r errorcode.Reading) bool { return !byWords(r) })
}

func byWords(r errorcode.Reading) bool {
	return r.Via.How == errorcode.ByMeaning || r.Via.How == errorcode.BySymbol && r.Weight != errorcode.High
}

// noMakers are vendors of the dictionary that make no device: networks, standards, and what stands for any maker.
func noMakers() []string {
	return []string{"unionpay", "visa", "generic-cn", "ped-300-family", "iso8583-1987", "iso8583-1993", "gicc", "postilion"}
}

// maker is a maker of devices, with the words that name it.
type maker struct {
	id    string
	words pattern
}

// makersOf lists the makers of a dictionary. Networks are none: their names stand on cards.
func makersOf(d *errorcode.Dictionary) []maker {
	var all []maker
	for _, v := range d.Vendors() {
		if !slices.Contains(noMakers(), v.ID) {
			all = append(all, maker{v.ID, patternOf(namesOf(v))})
		}
	}
	return all
}

// namesOf lists what a maker is called.
func namesOf(v errorcode.Vendor) string {
	var names []string
	for name := range strings.FieldsFuncSeq(v.ID, func(r rune) bool { return r == '-' }) {
		if len(name) >= 3 && name != "adk" && name != "mpos" && name != "cca" {
			names = append(names, name+" ")
		}
	}
	for _, a := range v.Name.Args {
		w, ok := a.(text.Words)
		if !ok {
			continue
		}
		if name, _, _ := strings.Cut(w.ZH, " "); len(name) >= 6 && name[0] >= 0x80 {
			names = append(names, name)
		}
	}
	return strings.Join(names, "|")
}

// vendorIn names the one maker that a text names.
func (e *Ears) vendorIn(s string) string {
	h := hear(s)
	found := ""
	for i := range e.makers {
		if !e.makers[i].words.in(h) {
			continue
		}
		if found != "" {
			return ""
		}
		found = e.makers[i].id
	}
	return found
}

// values compares two check values that the text names.
func (u *utterance) values(ctx context.Context) error {
	expected, got, ok := matchValues(u.l.Ears.values, sift(u.text))
	if !ok {
		return nil
	}
	found, err := comparedValues(ctx, expected, got)
	if err != nil {
		return err
	}
	for i := range found {
		found[i].Evidence.Seen = append(found[i].Evidence.Seen, u.seen())
	}
	u.l.out.Findings = append(u.l.out.Findings, found...)
	if len(found) > 0 || sameDigits(expected.Digits, got.Digits) {
		u.l.understood = true
		return nil
	}
	for n, c := range ofMismatch() {
		u.l.signs = append(u.l.signs, sign{cause: c, first: n == 0, said: u.n, seen: u.seen(),
			points: pointsLead / float64(1+n),
			says: text.New("the check values %s and %s have nothing in common: %s", expected.Digits, got.Digits,
				c.Title())})
	}
	return nil
}

func (u *utterance) seen() Seen {
	what := text.New("what was said")
	if u.said.Where != "" {
		what = text.Raw(text.OneLine(u.said.Where, mostShown))
	}
	return Seen{What: what, Observed: text.Raw(text.OneLine(u.shown, mostShown))}
}

// words takes what the sayings say. One that leads somewhere without naming a cause is left out beside a code that
// says more.
func (u *utterance) words() {
	for i := range u.sayings {
		s := &u.sayings[i]
		if s.lock != "" {
			u.lock(s.lock)
		}
		if !s.names && u.hasKeyCode() {
			continue
		}
		for n, c := range s.causes {
			one := sign{cause: c, first: n == 0, said: u.n, seen: u.seen(), points: pointsLead / float64(1+n),
				says: text.New("the words lead there and do not name it: %s", c.Title())}
			if s.names {
				one.points, one.names = pointsWords/float64(1+2*n), n == 0
				if n == 0 && explains(c) {
					one.points++
				}
			}
			if one.names {
				one.says = text.New("the words name it: %s", c.Title())
			}
			u.l.signs = append(u.l.signs, one)
		}
	}
}

// explains reports whether a cause explains others that people name beside it: keys are gone since the power was.
func explains(c Cause) bool {
	return c == CauseTamper || c == CausePowerLoss || c == CauseStorageCorrupt || c == CauseProcedure
}

// lock tells of a lock and of who lifts it.
func (u *utterance) lock(kind device.LockKind) {
	info, ok := device.LockOf(kind)
	if !ok || kind == device.LockTamper {
		return // a finding of its own
	}
	u.l.note(text.New("the words tell of a lock (%s), which keeps the keys; set by: %s; lifted by: %s", string(kind),
		info.Trigger, info.LiftedBy))
}

func (u *utterance) hasKeyCode() bool {
	return slices.ContainsFunc(u.answer.Readings, func(r errorcode.Reading) bool {
		return r.KeyRelated && r.Weight != errorcode.Low && !byWords(r)
	})
}

// placePattern finds the numbers of slots and key indexes.
func placePattern() *sieve {
	return newSieve(`(?i)(?:索引|槽位|槽|index|slot)\s*(?:号|:|=|为|是|is|no\.?)?\s*(\d{1,3})\b`)
}

// slots takes a text that names two places for what it is, where nothing else was found in it: one side uses another.
func (u *utterance) slots() {
	if !u.l.places.may(sift(u.text)) {
		return
	}
	found := u.l.places.re.FindAllStringSubmatch(u.text, -1)
	if len(found) != 2 || found[0][1] == found[1][1] || slices.ContainsFunc(u.l.signs,
		func(s sign) bool { return s.said == u.n }) {
		return
	}
	for n, c := range ofIndex() {
		u.l.signs = append(u.l.signs, sign{cause: c, first: n == 0, said: u.n, seen: u.seen(),
			points: pointsLead / float64(1+n),
			says:   text.New("two places are named, %s and %s: %s", found[0][1], found[1][1], c.Title())})
	}
}

// harmless says what a text is that is no trouble of a key, where nothing else was found in it.
func (u *utterance) harmless() {
	for _, s := range u.l.signs {
		if s.said == u.n {
			return
		}
	}
	if what, ok := u.l.calm.pressedKeys(u.shown); ok {
		u.l.note(text.New("%s: this is no trouble of a key, and no key is to be touched", what))
		return
	}
	if u.l.keys.in(hear(u.text)) {
		return // who speaks of keys does not mean the printer
	}
	if what, ok := u.l.noTrouble(u.text); ok {
		u.l.note(text.New("%s: this is no trouble of a key, and no key is to be touched", what))
		return
	}
	if u.calm {
		u.l.note(text.New("the words tell that nothing is wrong: no key is to be touched"))
	}
}

// unicodeWord reports whether a text has a letter or a digit in it.
func unicodeWord(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }) >= 0
}
