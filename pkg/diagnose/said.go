package diagnose

// Codes and texts that screens, programs and people say.
//
// A code says what a program thought; it is never a proof of a cause. It is likely where somebody said whose code it
// is, or where everybody who has the code means the same by it, or where the words name the cause themselves. All
// else is possible, and ranked.

import (
	"context"
	"encoding/json"
	"errors"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"poskey/internal/fault"
	"poskey/internal/text"
	"poskey/pkg/device"
	"poskey/pkg/errorcode"
)

// Reading is one meaning that a code or a text can have, with the causes that it leads to and the page that says what
// to do.
type Reading struct {
	errorcode.Reading
	Causes   []Cause // the likeliest first; empty for what is none of a key
	Playbook string  // the id of a page; "" for none
	Where    string  // as in Said
}

// MarshalJSON gives the reading as `diagnose` prints it; the meaning is English there.
func (r Reading) MarshalJSON() ([]byte, error) {
	causes := r.Causes
	if causes == nil {
		causes = []Cause{}
	}
	return json.Marshal(struct {
		Vendor    string              `json:"vendor"`
		Table     string              `json:"table"`
		Code      string              `json:"code"`
		Symbol    string              `json:"symbol,omitempty"`
		Meaning   string              `json:"meaning"`
		Kind      errorcode.Kind      `json:"kind"`
		Certainty errorcode.Certainty `json:"certainty"`
		Weight    errorcode.Weight    `json:"weight"`
		Why       string              `json:"why,omitempty"`
		Playbook  string              `json:"playbook,omitempty"`
		Causes    []Cause             `json:"causes"`
		Where     string              `json:"where,omitempty"`
	}{r.Vendor, r.Table, r.Code, r.Symbol, r.Meaning.String(), r.Kind, r.Certainty, r.Weight, r.Why.String(),
		r.Playbook, causes, r.Where})
}

// readingOf adds causes and page to a reading of the dictionary.
func readingOf(r errorcode.Reading, where string) Reading {
	return Reading{Reading: r, Causes: CausesOf(r.Row), Playbook: PlaybookOf(r.Row), Where: where}
}

// Bounds of what is said, in characters, and of the readings of one text that are told.
const (
	mostSaid     = 4000
	mostReadings = 16
	mostShown    = 160
)

// fromSaid reads what was said, and what a device answered while it was asked.
func fromSaid(ctx context.Context, c *Case) (Report, error) {
	said := slices.Clone(c.Said)
	if c.Line != nil {
		for _, s := range c.Line.Refused {
			s.Vendor, s.Table = "", "" // dialects of the line are no vendors of the dictionary
			said = append(said, s)
		}
	}
	if len(said) == 0 {
		return Report{}, nil
	}
	d, err := errorcode.Open()
	if err != nil {
		return Report{}, err
	}
	l := &listener{dictionary: d, topics: topics(), calm: newCalmer(), patterns: valuePatterns(),
		places: placePattern()}
	for i := range said {
		if err := l.hear(ctx, &said[i]); err != nil {
			return Report{}, err
		}
	}
	return l.report(), nil
}

// listener puts together what several texts say.
type listener struct {
	dictionary *errorcode.Dictionary
	topics     []topic
	patterns   []*regexp.Regexp
	places     *regexp.Regexp
	calm       *calmer
	signs      []sign
	out        Report
	understood bool // something was, be it none of a key
}

// sign is what one text says for one cause.
type sign struct {
	cause  Cause
	points float64
	names  bool // the text names the cause, or somebody said whose code it is
	first  bool // the first cause of what was said
	said   int  // which text
	says   text.Text
	seen   Seen
}

// hear reads one text.
func (l *listener) hear(ctx context.Context, s *Said) error {
	shown, hidden := blot(cutRunes(s.Text, mostSaid), false)
	if strings.TrimSpace(shown) == "" {
		return nil
	}
	if hidden > 0 {
		understood := l.understood
		l.note(text.New("something that looks like a key was left out of what was said; if it was a key in clear, " +
			"it is compromised"))
		l.understood = understood // digits say nothing
	}
	s.Where, _ = blot(s.Where, false)
	rest, calm := l.calm.calmed(shown)
	rest = l.calm.uncounted(rest)
	if calm && !unicodeWord(rest) {
		rest = ""
	}
	one := &utterance{l: l, said: *s, text: rest, shown: shown, n: l.count(), sayings: heardIn(rest, l.topics),
		calm: calm}
	if rest == "" {
		one.harmless()
		return nil
	}
	if err := one.look(); err != nil {
		return err
	}
	if err := one.values(ctx); err != nil {
		return err
	}
	one.words()
	one.codes()
	one.slots()
	one.harmless()
	return nil
}

func (l *listener) count() int {
	n := 0
	for _, s := range l.signs {
		n = max(n, s.said+1)
	}
	return n
}

func cutRunes(s string, most int) string {
	n := 0
	for at := range s {
		if n++; n > most {
			return s[:at]
		}
	}
	return s
}

// note adds a note once.
func (l *listener) note(t text.Text) {
	for _, n := range l.out.Notes {
		if n.String() == t.String() {
			return
		}
	}
	l.out.Notes = append(l.out.Notes, t)
	l.understood = true
}

// report puts the signs of each cause together.
func (l *listener) report() Report {
	r := l.out
	for _, c := range Causes() {
		if f, ok := l.finding(c); ok {
			r.Findings = append(r.Findings, f)
		}
	}
	r = r.withVerdict()
	if len(r.Findings) == 0 && !l.understood {
		r.Verdict = Unexplained
		r.NextStep = text.New("nothing that was said is in the dictionary: say the whole text on the screen, with " +
			"its code, and who made the device (--vendor)")
	}
	return r
}

// The most that words and codes weigh: what a device tells of itself weighs more.
const mostPoints = 40

// finding makes a finding of the signs of a cause: the strongest speaks.
func (l *listener) finding(c Cause) (Finding, bool) {
	var best *sign
	points, worth := 0.0, Possible
	firsts := map[int]bool{}
	var what []Seen
	for i := range l.signs {
		s := &l.signs[i]
		if s.cause != c {
			continue
		}
		points += s.points
		if s.names && s.first {
			worth = Likely
		}
		if s.first && s.points >= pointsHigh {
			firsts[s.said] = true
		}
		if best == nil || s.points > best.points {
			best = s
		}
		what = appendSeen(what, s.seen)
	}
	if best == nil {
		return Finding{}, false
	}
	if len(firsts) > 1 {
		worth = Likely
	}
	f := seen(c, worth, best.says, what...)
	f.Weight = min(points, mostPoints)
	return f, true
}

func appendSeen(all []Seen, s Seen) []Seen {
	for _, o := range all {
		if o.Observed.String() == s.Observed.String() && o.What.String() == s.What.String() {
			return all
		}
	}
	return append(all, s)
}

// utterance is one text on its way.
type utterance struct {
	l       *listener
	said    Said
	text    string // what is left where words of trouble are taken back
	shown   string // what looks like a key blotted out
	calm    bool   // something was taken back
	n       int
	told    bool // somebody said whose code it is
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

// vendorIn names the one maker that a text names. Networks are none: their names stand on cards.
func (l *listener) vendorIn(s string) string {
	h := hear(s)
	found := ""
	for _, v := range l.dictionary.Vendors() {
		if slices.Contains([]string{"unionpay", "visa", "generic-cn", "ped-300-family", "iso8583-1987",
			"iso8583-1993", "gicc", "postilion"}, v.ID) {
			continue
		}
		if !called(h, v) {
			continue
		}
		if found != "" {
			return ""
		}
		found = v.ID
	}
	return found
}

func called(h heard, v errorcode.Vendor) bool {
	for name := range strings.FieldsFuncSeq(v.ID, func(r rune) bool { return r == '-' }) {
		if len(name) >= 3 && name != "adk" && name != "mpos" && name != "cca" && h.has(name+" ") {
			return true
		}
	}
	for _, a := range v.Name.Args {
		w, ok := a.(text.Words)
		if !ok {
			continue
		}
		if name, _, _ := strings.Cut(w.ZH, " "); len(name) >= 6 && name[0] >= 0x80 && h.has(name) {
			return true
		}
	}
	return false
}

// values compares two check values that the text names.
func (u *utterance) values(ctx context.Context) error {
	expected, got, ok := matchValues(u.l.patterns, u.text)
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

// What a sign is worth: words that name a cause, and readings by their weight. Second causes count less.
const (
	pointsWords  = 6.0
	pointsLead   = 2.0
	pointsHigh   = 4.0
	pointsMedium = 1.5
	pointsLow    = 0.3
)

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
func placePattern() *regexp.Regexp {
	return regexp.MustCompile(`(?i)(?:索引|槽位|槽|index|slot)\s*(?:号|:|=|为|是|is|no\.?)?\s*(\d{1,3})\b`)
}

// slots takes a text that names two places for what it is, where nothing else was found in it: one side uses another.
func (u *utterance) slots() {
	found := u.l.places.FindAllStringSubmatch(u.text, -1)
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
	if hear(u.text).has(wordsOfKeys) {
		return // who speaks of keys does not mean the printer
	}
	if what, ok := harmless(u.text); ok {
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
