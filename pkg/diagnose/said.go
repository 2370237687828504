package diagnose

// Codes and texts that screens, programs and people say.
//
// A code says what a program thought; it is never a proof of a cause. It is likely where somebody said whose code it
// is, or where everybody who has the code means the same by it, or where the words name the cause themselves. All
// else is possible, and ranked.

import (
	"context"
	"slices"
	"strings"

	"poskey/internal/text"
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

// readingOf adds causes and page to a reading of the dictionary.
func (c *codeRules) readingOf(r errorcode.Reading, where string) Reading {
	return Reading{Reading: r, Causes: c.causesOf(&r.Row), Playbook: c.pageOf(&r.Row), Where: where}
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
	ears, err := earsOr(c.Ears)
	if err != nil {
		return Report{}, err
	}
	l := &listener{Ears: ears}
	for i := range said {
		if err := l.hear(ctx, i, &said[i]); err != nil {
			return Report{}, err
		}
	}
	return l.report(), nil
}

// listener puts together what several texts say.
type listener struct {
	*Ears
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

// hear reads one text, the nth.
func (l *listener) hear(ctx context.Context, n int, s *Said) error {
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
	one := &utterance{l: l, said: *s, text: rest, shown: shown, n: n, sayings: heardIn(rest, l.topics),
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
	f.Weight, f.saidOnly = min(points, mostPoints), true
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

// What a sign is worth: words that name a cause, and readings by their weight. Second causes count less.
const (
	pointsWords  = 6.0
	pointsLead   = 2.0
	pointsHigh   = 4.0
	pointsMedium = 1.5
	pointsLow    = 0.3
)
