package diagnose

// Sign-in answers: the working keys of field 62 under the terminal master key. First the layouts, then other master keys,
// then what went wrong with each key.

import (
	"context"
	"slices"

	"poskey/internal/fault"
	"poskey/internal/text"
	"poskey/pkg/hsm"
	"poskey/pkg/kcv"
	"poskey/pkg/keys"
	"poskey/pkg/unionpay"
)

// SignIn is a sign-in answer.
type SignIn struct {
	Code    string // field 60.3; "" unknown
	Field62 []byte
	// TMKs names the candidates for the terminal master key: the one said to be right first, then others.
	TMKs []string
	// Open gives a prober that holds a cryptogram as part 0 and a candidate, counted from 0, as part 1. It is used until
	// the next call; who made it closes it.
	Open func(ctx context.Context, cryptogram []byte, tmk int) (hsm.Prober, error)
	// OpenAll gives a prober that holds a cryptogram as part 0 and every candidate behind it; nil where the candidates
	// must not be put together: those of a store. It is used and closed as that of Open.
	OpenAll func(ctx context.Context, cryptogram []byte) (hsm.Prober, error)
	// Shown are the check values that the terminal computed of the keys it took; absent where nothing is known.
	Shown map[unionpay.KeyName]kcv.Expected

	// Wrapped is the cryptogram under which the terminal master key came, nil where it is not known; WrappedCheck is the check
	// value beside it.
	Wrapped      []byte
	WrappedCheck kcv.Expected

	MAB []byte // the MAC element block of a captured message; nil without
	MAC []byte // field 64 of it
}

// KeyResult is what became of one key of field 62.
type KeyResult struct {
	Key      unionpay.KeyName
	Layout   string
	TMK      string         // the candidate that opened it, or the first one
	Check    string         // in field 62
	Computed string         // of the key, where the boundary tells it
	Match    bool           // the check value in field 62 is the key's
	Alg      keys.Algorithm // as which it was opened
	Shown    string         // by the terminal

	digits int // of the check value that were compared: fewer than it has where zeros fill it up
}

// signing is one run over a sign-in answer.
type signing struct {
	ctx    context.Context
	in     *SignIn
	asked  int
	chance float64
	tells  bool        // the boundary tells values: the master key was given on the spot
	kek    hsm.Expr    // the master key in the material; nil is part 1
	left   []text.Text // what the terminal shows and no finding accounts for
	leftOf []unionpay.KeyName
}

// master is the master key in the material of a prober.
func (s *signing) master() hsm.Expr {
	if s.kek == nil {
		return hsm.Part(1)
	}
	return s.kek
}

func fromSignIn(ctx context.Context, c *Case) (Report, error) {
	if c.SignIn == nil {
		return Report{}, nil
	}
	s := &signing{ctx: ctx, in: c.SignIn}
	r, err := s.run()
	r.Searched.Candidates += s.asked
	r.Searched.ExpectedChanceMatches += s.chance
	return r, err
}

func (s *signing) run() (Report, error) {
	if (len(s.in.TMKs) == 0 || s.in.Open == nil) && len(s.in.Wrapped) == 0 {
		return Report{}, fault.New(fault.Usage, "a sign-in is diagnosed with the terminal master key")
	}
	if r, leak := s.insecure(); leak {
		return r, nil
	}
	leaked, found, err := s.publicTMK()
	if err != nil || found && len(s.in.TMKs) == 0 {
		return leaked, err
	}
	if len(s.in.TMKs) == 0 {
		return Report{Verdict: Unexplained, NextStep: text.New(
			"the terminal master key did not come under a published transport key: give the key itself (--tmk)")}, nil
	}
	r, err := s.underTMKs()
	s.admitLeft(&r)
	if err == nil && found {
		r.add(leaked)
		r.Verdict = Explained
	}
	return r, err
}

// underTMKs looks at the keys under the master keys given.
func (s *signing) underTMKs() (Report, error) {
	right, opened, err := s.firstThatOpens()
	if err != nil {
		return Report{}, err
	}
	if opened {
		return s.explainOpened(right)
	}
	for _, look := range []func() (Report, bool, error){
		s.whole(s.together), s.whole(s.publicKEK), s.keyByKey, s.whole(s.slide), s.whole(s.cutOff)} {
		if r, found, err := look(); err != nil || found {
			return r, err
		}
	}
	return s.guessClosed()
}

// attempt is a layout under a candidate.
type attempt struct {
	layout  unionpay.Layout
	tmk     int
	usual   bool // the layout is the one that code and length stand for
	turned  bool // the layout has the keys in reverse order
	results []KeyResult
}

// attempts lists the layouts that the field is long enough for: the usual under the first master key, then under the
// others, then the unusual ones, those of exactly this length first.
func (s *signing) attempts() []attempt {
	n := len(s.in.Field62)
	usual := unionpay.Usual(s.in.Code, n)
	var out []attempt
	for _, group := range []struct{ usual, fits bool }{{true, true}, {false, true}, {false, false}} {
		for tmk := range s.in.TMKs {
			for _, l := range unionpay.Layouts() {
				isUsual := slices.ContainsFunc(usual, func(u unionpay.Layout) bool { return u.ID == l.ID })
				if isUsual == group.usual && l.Fits(n) == group.fits && s.mayBe(l) {
					out = append(out, attempt{layout: l, tmk: tmk, usual: isUsual})
				}
			}
		}
	}
	return append(out, s.turned()...)
}

// turned lists the layouts of this length with their keys in reverse order.
func (s *signing) turned() []attempt {
	var out []attempt
	for tmk := range s.in.TMKs {
		for _, l := range unionpay.Layouts() {
			if l.Length == len(s.in.Field62) && s.mayBe(l) && l.Specified() {
				out = append(out, attempt{layout: l.Reversed(), tmk: tmk, turned: true})
			}
		}
	}
	return out
}

// mayBe reports whether a layout accounts for the field: it has check values, and it is not the beginning of a longer one
// for this code, the other keys of which would be left out.
func (s *signing) mayBe(l unionpay.Layout) bool {
	n := len(s.in.Field62)
	if l.Insecure || !l.Checked() || l.End() > n {
		return false
	}
	return l.Fits(n) || !slices.ContainsFunc(unionpay.Layouts(), func(whole unionpay.Layout) bool {
		return whole.Says(s.in.Code) && l.Begins(whole)
	})
}

// firstThatOpens looks for a layout and a master key under which every key has the check value beside it.
func (s *signing) firstThatOpens() (attempt, bool, error) {
	for _, a := range s.attempts() {
		results, all, err := s.open(a.layout, a.tmk)
		if err != nil {
			return attempt{}, false, err
		}
		if all {
			a.results = results
			return a, true, nil
		}
	}
	return attempt{}, false, nil
}

// open compares every key of a layout with the check value beside it.
func (s *signing) open(l unionpay.Layout, tmk int) ([]KeyResult, bool, error) {
	var out []KeyResult
	all := true
	for _, slot := range l.Slots {
		a, err := s.ask(slot.Cryptogram(s.in.Field62), tmk, slot.Alg, slot.Check(s.in.Field62))
		if err != nil {
			return nil, false, err
		}
		shown := s.in.Shown[slot.Key]
		out = append(out, KeyResult{Key: slot.Key, Layout: l.ID, TMK: s.in.TMKs[tmk], Alg: slot.Alg, Shown: shown.Digits,
			Check: hexUpper(slot.Check(s.in.Field62)), Computed: a.Value.Digits, Match: a.Match, digits: a.Digits})
		all = all && a.Match
	}
	return out, all, nil
}

// ask compares the check value of a decrypted cryptogram. A key that cannot be asked about so is no match.
func (s *signing) ask(cryptogram []byte, tmk int, alg keys.Algorithm, check []byte) (hsm.Answer, error) {
	if len(cryptogram) == 0 || len(check) == 0 {
		return hsm.Answer{}, nil
	}
	expected, err := kcv.Parse(hexUpper(check))
	if err != nil {
		return hsm.Answer{}, err
	}
	return s.askValue(cryptogram, tmk, alg, expected)
}

// askValue compares any check value with that of a decrypted cryptogram.
func (s *signing) askValue(cryptogram []byte, tmk int, alg keys.Algorithm, expected kcv.Expected) (hsm.Answer, error) {
	p, err := s.in.Open(s.ctx, cryptogram, tmk)
	if err != nil {
		return hsm.Answer{}, err
	}
	_, s.tells = p.(hsm.DigitTeller)
	n, err := p.Len(s.master())
	if err != nil {
		return hsm.Answer{}, err
	}
	kek := kekFor(alg, n)
	if kek == keys.Raw {
		return hsm.Answer{}, nil
	}
	a, err := p.Probe(s.ctx, hsm.Question{Expr: unwrapped(hsm.Part(0), s.master(), kek), Algorithm: alg,
		Method: kcv.ECBZero, Expected: expected})
	if fault.Is(err, fault.NotPermitted) {
		return hsm.Answer{}, nil
	}
	if err != nil {
		return hsm.Answer{}, err
	}
	s.asked++
	s.chance += kcv.ChanceOfFalseMatch(a.Digits)
	return a, nil
}

// kekFor is the cipher of a master key of n bytes over keys of an algorithm; keys.Raw where there is none.
func kekFor(alg keys.Algorithm, n int) keys.Algorithm {
	if alg.IsDES() {
		return keys.TDES128.ForLength(n)
	}
	if alg == keys.SM4 && n == 16 {
		return keys.SM4
	}
	return keys.Raw
}

// explainOpened says why there was trouble although every key opens: the layout, the master key, or what the terminal
// made of the keys.
func (s *signing) explainOpened(a attempt) (Report, error) {
	r := Report{Verdict: Match, Keys: a.results}
	odds := s.oddsOf(a.results)
	if a.tmk != 0 {
		f := s.finding(CauseWrongTMK, odds, text.New(
			"every key opens under %s, none under %s: the terminal holds another master key than the host used",
			s.in.TMKs[a.tmk], s.in.TMKs[0]))
		f.Evidence.Label = s.in.TMKs[a.tmk]
		r.Verdict, r.Findings = Explained, append(r.Findings, f)
	}
	if found := s.ofLayout(a, odds); len(found) > 0 {
		r.Verdict, r.Findings = Explained, append(r.Findings, found...)
	}
	r.Notes = append(r.Notes, s.padding(a.layout)...)
	for _, look := range []func(attempt) (Report, error){s.shown, s.mac, s.filled, s.weak, s.duplicates} {
		more, err := look(a)
		if err != nil {
			return Report{}, err
		}
		r.add(more)
		if more.Verdict == Explained {
			r.Verdict = Explained
		}
	}
	return s.withVariants(r, a)
}

// ofLayout says what the layout that opens tells: it is another one than was asked for, or the field is longer.
func (s *signing) ofLayout(a attempt, odds float64) []Finding {
	var out []Finding
	add := func(c Cause, says text.Text) {
		f := s.finding(c, odds, says)
		f.Evidence.Layout = a.layout.ID
		out = append(out, f)
	}
	own, fits := a.layout.Says(s.in.Code), a.layout.Fits(len(s.in.Field62))
	if a.turned {
		add(CauseField62Layout, text.New("the keys stand in reverse order: %s", joined(keysOf(a.layout))))
	} else if s.in.Code != "" && !(own && a.layout.Specified()) {
		add(s.layoutCause(a.layout))
	}
	if !fits {
		add(CauseField62Layout, text.New(
			"every key opens in layout %s, which has %d bytes; the field has %d: something stands behind the keys",
			a.layout.ID, a.layout.Length, len(s.in.Field62)))
	}
	if s.in.Code != "" && own && a.layout.Slots[0].Alg == keys.TDES192 {
		add(CauseLengthClass, text.New(
			"the keys are triple length (layout %s, %d bytes), the terminal asked for %s, which is double length",
			a.layout.ID, a.layout.Length, s.in.Code))
		out[len(out)-1].Certainty = Likely // some hosts are said to answer so
	}
	return out
}

// keysOf names the keys of a layout as they stand.
func keysOf(l unionpay.Layout) []text.Text {
	var out []text.Text
	for _, s := range l.Slots {
		out = append(out, text.Raw(string(s.Key)))
	}
	return out
}

// layoutCause names what a layout that is not the one asked for means.
func (s *signing) layoutCause(l unionpay.Layout) (Cause, text.Text) {
	switch {
	case l.TMK == keys.SM4:
		return CauseCipherFamily, text.New(
			"every key opens with SM4, in layout %s: the host answers as to an SM4 terminal (60.3 is 005), the terminal asked with %s",
			l.ID, s.in.Code)
	case s.in.Code == "005":
		return CauseCipherFamily, text.New(
			"every key opens with TDES, in layout %s: the host answers as to a TDES terminal, the terminal asked as one for SM4 (60.3 is 005)", l.ID)
	case l.ID == "hunan-32":
		return CauseMAKNoPadding, text.New(
			"the MAC key stands without padding (layout %s, %d bytes): its check value is at byte 28, where programs for the usual layout look at 36",
			l.ID, l.Length)
	case l.ID == "mak16-40":
		return CauseField62Layout, text.New(
			"the MAC key is a double-length key in all 16 bytes of its slot (layout %s), not 8 bytes and padding", l.ID)
	case l.Slots[0].Alg == keys.DES:
		return CauseLengthClass, text.New(
			"the keys are single length (layout %s, %d bytes), the terminal asked for %s: one side is set to single, the other to double length",
			l.ID, l.Length, s.in.Code)
	case s.in.Code == "001":
		return CauseLengthClass, text.New(
			"the keys are double length (layout %s, %d bytes), the terminal asked for %s: one side is set to single, the other to double length",
			l.ID, l.Length, s.in.Code)
	case l.Slots[0].Alg == keys.TDES192:
		return CauseLengthClass, text.New("the keys are triple length (layout %s, %d bytes), the terminal asked for %s",
			l.ID, l.Length, s.in.Code)
	}
	return CauseField62Layout, text.New("every key opens in layout %s (%d bytes), which is not the one for %s",
		l.ID, l.Length, s.in.Code)
}

// finding makes a finding of a comparison with these odds.
func (s *signing) finding(c Cause, odds float64, says text.Text) Finding {
	f := Finding{Cause: c, Certainty: Likely, Odds: odds, Summary: says}.with(c.advice())
	if odds < provenBelow {
		f.Certainty = Proven
	}
	return f
}
