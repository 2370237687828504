package diagnose

// What a hit is worth: the readings that are asked become hits, hits become claims, and claims have odds.

import (
	"math"

	"poskey/internal/fault"
	"poskey/internal/text"
	"poskey/pkg/hsm"
	"poskey/pkg/kcv"
	"poskey/pkg/keys"
)

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
