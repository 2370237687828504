package diagnose

// The search itself: what is asked, what was hit, and when to stop.

import (
	"context"
	"slices"

	"poskey/internal/fault"
	"poskey/internal/text"
	"poskey/pkg/dukpt"
	"poskey/pkg/hsm"
	"poskey/pkg/kcv"
	"poskey/pkg/keys"
)

// reading is one hypothesis: formed so, taken so, the material gives a value. Without a cause it is the material as
// given.
type reading struct {
	cause    Cause
	also     Cause // the second of two mistakes at once
	expr     hsm.Expr
	alg      keys.Algorithm
	method   kcv.Method
	data     []byte
	replaced map[int]hsm.Expr             // parts that are not what was given, for the values on the sheets
	unwraps  bool                         // it changes how the key is unwrapped, so that parity is evidence for it
	says     func(value string) text.Text // the summary; value is what was reproduced
	mark     func(*Evidence)              // nil when there is nothing to add
	by       hsm.Prober                   // who forms it; nil is the prober of the facts
}

// as makes a reading of an expression as a key of an algorithm, by the method assumed where the algorithm has it.
func (s *search) as(cause Cause, e hsm.Expr, alg keys.Algorithm, says func(value string) text.Text) reading {
	return reading{cause: cause, expr: e, alg: alg, method: methodFor(alg, s.facts.Method), says: says}
}

// marked adds evidence to a reading.
func (r reading) marked(mark func(*Evidence)) reading {
	r.mark = mark
	return r
}

// target is a value to be explained.
type target struct {
	value kcv.Expected
	side  Side
}

// search is one run over one set of facts.
type search struct {
	ctx   context.Context
	facts Facts

	expr  hsm.Expr       // the key as given
	size  int            // its length in bytes
	alg   keys.Algorithm // its algorithm at that length; keys.Raw when there is none
	kek   keys.Algorithm // of the KEK
	plain reading
	shown string // the value of the plain reading, where the prober tells it

	ksn      dukpt.KSN      // for a base derivation key, where it is whole
	unformed bool           // of the material as given no key can be formed: nothing is compared as given
	public   []publicProber // over the cryptogram and the published keys

	kekAgrees bool        // the key-encrypting key has its own check value
	notes     []text.Text // for the report

	sheets map[int]kcv.Expected // check values of parts that the parts as given do not have; part from 0
	sheetM kcv.Method           // the method of the sheets

	open        []target
	closed      []target
	asked       int
	chance      float64
	askedBefore int       // the search over all slips of typing, which does not make what was found before less certain
	inPairs     int       // of asked: two mistakes of different kinds, which are less simple than slips of one kind
	whole       bool      // what was found until now explains every value given
	depth       int       // wrong digits that were searched together
	matches     int       // of that search
	cutShort    bool      // short values of parts left more matches than were put together
	special     text.Text // a next step that a stage found out
	unanswered  int       // questions that the prober refused, as one for keys of a store does
	refusal     error     // of the last one
}

func newSearch(ctx context.Context, f Facts) (*search, error) {
	s := &search{ctx: ctx, facts: f, expr: hsm.Part(0)}
	var err error
	switch f.Kind {
	case Parts:
		s.expr = allBut(f.Parts)
	case Cryptogram:
		if s.kek, err = s.kekAlgorithm(); err != nil {
			return nil, err
		}
		s.expr = unwrapped(hsm.Part(0), hsm.Part(1), s.kek)
	case Base:
		s.openBase()
	}
	s.openPublished()
	if err := s.measure(); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

// close wipes what the search opened itself.
func (s *search) close() { closeAll(s.public) }

// measure finds the length of the key as given and what key of the family that is.
func (s *search) measure() error {
	f := s.facts
	if f.anyOdd() {
		s.size, s.alg = f.Algorithm.KeyLen(), f.Algorithm
		return nil
	}
	var err error
	if s.size, err = f.Prober.Len(s.expr); err != nil {
		return fault.Wrap(err, "the material of the diagnosis")
	}
	s.alg = f.Algorithm.ForLength(s.size)
	if s.alg == keys.Raw && f.Kind != Parts {
		return fault.New(fault.MalformedLength, "the key has %d bytes, a key for %s has %d",
			s.size, f.Algorithm, f.Algorithm.KeyLen())
	}
	s.plain = reading{expr: s.expr, alg: s.alg, method: f.Method}
	return nil
}

func (s *search) kekAlgorithm() (keys.Algorithm, error) {
	if s.facts.KEKAlgorithm != "" {
		return s.facts.KEKAlgorithm, nil
	}
	n, err := s.facts.Prober.Len(hsm.Part(1))
	if err != nil {
		return "", fault.Wrap(err, "the key-encrypting key")
	}
	alg := s.facts.Algorithm.ForLength(n)
	if !alg.IsBlockCipher() {
		return "", fault.New(fault.MalformedLength,
			"a key-encrypting key of %d bytes fits no cipher of the family of %s; name its algorithm", n, s.facts.Algorithm)
	}
	return alg, nil
}

// fits reports whether the material can be a key of the algorithm named.
func (s *search) fits() bool { return s.alg == s.facts.Algorithm }

// run compares the material as given, then searches stage by stage.
func (s *search) run() (Report, error) {
	if s.facts.anyOdd() {
		return s.runOdd()
	}
	if err := s.compareAsGiven(); err != nil {
		return Report{}, err
	}
	if err := s.compareSheets(); err != nil {
		return Report{}, err
	}
	if err := s.compareKEK(); err != nil {
		return Report{}, err
	}
	if len(s.open) == 0 && (len(s.sheets) == 0 || len(s.closed) > 0) {
		return s.matchReport()
	}
	var claims []claim
	for _, stage := range s.stages() {
		found, err := stage()
		if err != nil {
			return Report{}, err
		}
		claims = append(claims, s.stamped(found)...)
		s.whole = anyWhole(claims)
		if s.settled(claims) {
			return s.report(claims), nil
		}
	}
	if !anyWhole(claims) {
		found, err := s.leftover(claims)
		if err != nil {
			return Report{}, err
		}
		claims = append(claims, found...)
	}
	return s.report(claims), nil
}

// stamped holds what a stage found against as many hypotheses as were tried until its end: those that come after it are
// less simple, and make it no less certain.
func (s *search) stamped(found []claim) []claim {
	asked := s.asked
	if s.askedBefore > 0 {
		asked = s.askedBefore
	}
	for i := range found {
		found[i].asked = asked
	}
	return found
}

// stages are the steps of the search, the simple before the laborious. Slips of typing are made by who types: places in a
// key that came in a block would tell, value by value, what is in the block.
func (s *search) stages() []func() ([]claim, error) {
	if s.facts.NotTyped {
		return []func() ([]claim, error){s.simple}
	}
	return []func() ([]claim, error){s.simple, s.typing, s.pairs, s.deep}
}

// compareAsGiven sorts the values given into those that the material has and those that it has not.
func (s *search) compareAsGiven() error {
	for _, t := range s.targets() {
		if !s.fits() || s.unformed {
			s.open = append(s.open, t)
			continue
		}
		a, err := s.ask(s.plain, t.value)
		if err == nil {
			err = s.refusal // without this answer there is nothing to explain
		}
		if err != nil {
			return err
		}
		s.shown = a.Value.Digits
		if a.Match {
			s.closed = append(s.closed, t)
		} else {
			s.open = append(s.open, t)
		}
	}
	return nil
}

// targets gives the values to be explained. Two that agree on the shorter length are one, the longer.
func (s *search) targets() []target {
	expected, got := target{s.facts.Expected, SideGiven}, target{s.facts.Got, SideOther}
	switch {
	case got.value.Digits == "" && expected.value.Digits == "":
		return nil
	case got.value.Digits == "":
		return []target{expected}
	case expected.value.Digits == "":
		return []target{got}
	case agree(expected.value, got.value) && len(got.value.Digits) > len(expected.value.Digits):
		return []target{{got.value, SideGiven}}
	case agree(expected.value, got.value):
		return []target{expected}
	}
	return []target{expected, got}
}

// agree reports whether two values are one, cut to different lengths.
func agree(a, b kcv.Expected) bool {
	n := min(len(a.Digits), len(b.Digits))
	return a.Digits[:n] == b.Digits[:n]
}

// ask puts a question and counts it. A prober for keys of a store does not answer every one: what it refuses is no match,
// and is counted.
func (s *search) ask(r reading, v kcv.Expected) (hsm.Answer, error) {
	q := hsm.Question{Expr: r.expr, Algorithm: r.alg, Method: r.method, Expected: v, Data: r.data}
	a, err := s.byWhom(r).Probe(s.ctx, q)
	if fault.Is(err, fault.NotPermitted) {
		s.unanswered++
		s.refusal = err
		return hsm.Answer{}, nil
	}
	if err != nil {
		return hsm.Answer{}, err
	}
	s.asked++
	s.chance += kcv.ChanceOfFalseMatch(a.Digits)
	return a, nil
}

// byWhom is the prober that forms a reading.
func (s *search) byWhom(r reading) hsm.Prober {
	if r.by != nil {
		return r.by
	}
	return s.facts.Prober
}

// simple tries every hypothesis that needs no search over digits.
func (s *search) simple() ([]claim, error) {
	var readings []reading
	if !s.unformed {
		readings = slices.Concat(s.rules(), s.paritySet(), s.shapes())
	}
	readings = append(readings, s.derived(false)...)
	switch s.facts.Kind {
	case Unopened:
		readings = append(readings, s.unopened()...)
	case Parts:
		more, err := s.components()
		if err != nil {
			return nil, err
		}
		readings = append(readings, more...)
	case Cryptogram:
		more, err := s.unwrapping()
		if err != nil {
			return nil, err
		}
		readings = append(readings, more...)
	}
	claims, err := s.try(readings)
	return withoutGeneralCauses(claims), err
}
