package diagnose

// The search itself: what is asked, what was hit, and when to stop.

import (
	"context"
	"math"

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

// hit is a reading that gives a target.
type hit struct {
	reading
	target target
	answer hsm.Answer
}

// claim is what becomes a finding: hits of one cause.
type claim struct {
	cause     Cause
	also      Cause
	hits      []hit // of open targets, the first one speaks
	evidence  Evidence
	summary   text.Text
	advice    advice
	digits    int       // all digits that agree
	bits      int       // parity bits that agree besides
	chance    float64   // the odds, where they rest on something else than digits
	whole     bool      // every value given is reproduced
	most      Certainty // never more than this; "" is no limit
	preferred bool      // parity speaks for it against its rivals
	weight    float64   // how likely beforehand, among slips
	asked     int       // hypotheses that are as simple as this one; 0 is all that were asked
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
		readings = append(s.rules(), s.shapes()...)
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

// withoutGeneralCauses drops the general cause where a special one says the same and more: the padded MAK slot is also
// "half of the key".
func withoutGeneralCauses(claims []claim) []claim {
	padded := false
	for _, c := range claims {
		padded = padded || c.cause == CauseMAKSlot16 && c.whole
	}
	var out []claim
	for _, c := range claims {
		if !padded || c.cause != CauseLengthClass {
			out = append(out, c)
		}
	}
	return out
}

// try asks every reading for every open value and gathers the hits by cause. The first reading of a cause that gives a
// value stands for the cause: readings are listed the simplest first.
func (s *search) try(readings []reading) ([]claim, error) {
	var claims []claim
	at := map[[2]Cause]int{}
	known := make([]hsm.Answer, len(readings))
	for _, t := range s.open {
		done := map[[2]Cause]bool{}
		for i, r := range readings {
			both := [2]Cause{r.cause, r.also}
			if done[both] {
				continue
			}
			h, ok, err := s.hitsKnown(r, t, &known[i])
			if err != nil {
				return nil, err
			}
			if !ok {
				continue
			}
			done[both] = true
			if n, there := at[both]; there {
				claims[n].hits = append(claims[n].hits, h)
				continue
			}
			at[both] = len(claims)
			claims = append(claims, claim{cause: r.cause, also: r.also, hits: []hit{h}, advice: r.cause.advice()})
		}
	}
	for i := range claims {
		if err := s.weigh(&claims[i]); err != nil {
			return nil, err
		}
	}
	return claims, nil
}

// hitsKnown is hits for a reading that may have been asked for another value: where the boundary told what it gives, that is
// not computed again.
func (s *search) hitsKnown(r reading, t target, known *hsm.Answer) (hit, bool, error) {
	const few = 4 // digits of the shortest value
	told, wanted := known.Value.Digits, t.value.Digits
	if len(told) >= few && len(wanted) >= few && !t.value.Padded && told[:few] != wanted[:few] {
		s.asked++
		s.chance += kcv.ChanceOfFalseMatch(min(known.Digits, len(wanted)))
		return hit{}, false, nil
	}
	a, err := s.ask(r, t.value)
	*known = a
	if err != nil || !a.Match {
		return hit{}, false, err
	}
	return hit{r, t, a}, true, nil
}

func (s *search) hits(r reading, t target) (hit, bool, error) {
	a, err := s.ask(r, t.value)
	if err != nil || !a.Match {
		return hit{}, false, err
	}
	return hit{r, t, a}, true, nil
}

// weigh fills what a claim is worth from its hits: the digits that agree, the sheets it satisfies, the parity it
// explains, and its evidence.
func (s *search) weigh(c *claim) error {
	first := c.hits[0]
	c.evidence = s.evidenceOf(first)
	if c.summary.IsZero() {
		c.summary = first.says(c.evidence.Computed)
	}
	for _, h := range c.hits {
		c.digits += h.answer.Digits
	}
	sheets, digits, err := s.satisfies(first.replaced)
	if err != nil {
		return err
	}
	c.digits += digits
	c.whole = len(c.hits) == len(s.open) && sheets == len(s.sheets)
	return s.weighParity(c, first)
}

func (s *search) evidenceOf(h hit) Evidence {
	e := Evidence{
		Computed: h.target.value.Digits[:h.answer.Digits], Expected: s.facts.Expected.Digits, Got: s.facts.Got.Digits,
		AsGiven: s.shown, Algorithm: h.alg, Method: h.method, Digits: h.answer.Digits,
	}
	if h.mark != nil {
		h.mark(&e)
	}
	return e
}

// satisfies counts the sheets' values that the parts as given do not have and that the replaced parts have.
func (s *search) satisfies(replaced map[int]hsm.Expr) (sheets, digits int, err error) {
	for i, expr := range replaced {
		v, wrong := s.sheets[i]
		if !wrong {
			continue
		}
		a, err := s.ask(reading{expr: expr, alg: s.alg, method: s.sheetM}, v)
		if err != nil {
			return 0, 0, err
		}
		if a.Match {
			sheets, digits = sheets+1, digits+a.Digits
		}
	}
	return sheets, digits, nil
}

// weighParity counts the parity bits of an unwrapped DES key as evidence when they became odd by the hypothesis.
func (s *search) weighParity(c *claim, h hit) error {
	if !h.alg.IsDES() {
		return nil
	}
	found, err := s.parityBy(s.byWhom(h.reading), h.expr)
	if err != nil {
		return err
	}
	c.evidence.Parity = found
	if !h.unwraps || found != ParityOdd {
		return nil
	}
	before, err := s.parity(s.expr)
	if err != nil {
		return err
	}
	if before != ParityOdd {
		c.bits, err = s.byWhom(h.reading).Len(h.expr)
	}
	return err
}

// parity looks at the parity bits of what an expression forms; "" where the prober does not tell them.
func (s *search) parity(e hsm.Expr) (Parity, error) { return s.parityBy(s.facts.Prober, e) }

func (s *search) parityBy(by hsm.Prober, e hsm.Expr) (Parity, error) {
	whole, err := by.Parity(s.ctx, e)
	if fault.Is(err, fault.NotPermitted) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	switch whole {
	case keys.ParityOdd:
		return ParityOdd, nil
	case keys.ParityEven:
		return ParityEven, nil
	}
	n, err := by.Len(e)
	if err != nil || n <= 8 {
		return ParityMixed, err
	}
	head, err := by.Parity(s.ctx, hsm.Slice{Of: e, To: 8})
	if err != nil {
		return "", err
	}
	if head == keys.ParityOdd {
		return ParityFirst8Odd, nil
	}
	return ParityMixed, nil
}

// odds is the chance that the claim is an accident.
func (s *search) odds(c claim) float64 {
	switch {
	case c.chance > 0:
		return c.chance
	case c.digits == 0:
		return 1
	}
	asked := s.asked
	switch {
	case c.asked > 0:
		asked = c.asked
	case s.askedBefore > 0:
		asked = s.askedBefore
	}
	return min(1, float64(asked)*kcv.ChanceOfFalseMatch(c.digits)*math.Pow(2, -float64(c.bits)))
}

// The limits of the certainties.
const (
	provenBelow = 1e-4
	likelyBelow = 1e-2
)

// totalRight reports whether the parts together are right, so that a sheet that disagrees is itself wrong.
func (s *search) totalRight() bool {
	for _, t := range s.closed {
		if t.side == SideGiven {
			return true
		}
	}
	return false
}

// settled reports whether a claim reproduces everything and is no chance.
func (s *search) settled(claims []claim) bool {
	for _, c := range claims {
		if c.whole && c.most == "" && s.odds(c) < provenBelow {
			return true
		}
	}
	return false
}

func anyWhole(claims []claim) bool {
	for _, c := range claims {
		if c.whole {
			return true
		}
	}
	return false
}
