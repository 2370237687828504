package diagnose

// Two mistakes at once: one in what is formed or typed, one in how it is compared or cut.

import (
	"slices"

	"poskey/internal/text"
	"poskey/pkg/hsm"
	"poskey/pkg/kcv"
	"poskey/pkg/keys"
)

// pairs tries two mistakes together, where no single one explains the values. It asks for what a boundary tells only of
// keys given on the spot, and some thousand times: of keys of a store nothing is asked.
func (s *search) pairs() ([]claim, error) {
	if !s.mayPair() || s.whole {
		return nil, nil
	}
	start := s.asked
	defer func() { s.inPairs = s.asked - start }()
	var claims []claim
	for _, two := range []func() ([]reading, error){s.formedAndCompared, s.typedAndCompared, s.typedAndFormed} {
		readings, err := two()
		if err != nil {
			return nil, err
		}
		found, err := s.try(readings)
		if err != nil {
			return nil, err
		}
		claims = append(claims, found...)
		if anyWhole(claims) {
			break
		}
	}
	return claims, nil
}

// seenAs is the search on what another reading forms, for the makers of readings.
func (s *search) seenAs(r reading) (*search, error) {
	n, err := s.facts.Prober.Len(r.expr)
	if err != nil {
		return nil, err
	}
	view := *s
	view.expr, view.size, view.alg = r.expr, n, r.alg
	view.facts.Algorithm, view.facts.Method = r.alg, r.method
	view.facts.Kind = Key // the parts, or the cryptogram, are in the expression
	return &view, nil
}

// formed lists the single mistakes in what is formed.
func (s *search) formed() ([]reading, error) {
	out := s.shapes()
	switch s.facts.Kind {
	case Parts:
		more, err := s.components()
		return append(out, more...), err
	case Cryptogram:
		more, err := s.unwrapping()
		return append(out, more...), err
	}
	return out, nil
}

// formedAndCompared follows every mistake in what is formed by one in the comparison, and by one in the shape.
func (s *search) formedAndCompared() ([]reading, error) {
	first, err := s.formed()
	if err != nil {
		return nil, err
	}
	var out []reading
	for _, one := range first {
		if one.alg == keys.Raw {
			continue
		}
		view, err := s.seenAs(one)
		if err != nil {
			return nil, err
		}
		for _, two := range append(view.rules(), view.shapes()...) {
			out = appendPair(out, one, two)
		}
	}
	return out, nil
}

// hitsOtherwise asks whether the parts put right give the value by another rule, or in another shape: a second mistake
// beside the slip, which the sheets have proven.
func (s *search) hitsOtherwise(sum reading, t target) (hit, bool, error) {
	if !s.mayPair() {
		return hit{}, false, nil
	}
	view, err := s.seenAs(sum)
	if err != nil {
		return hit{}, false, err
	}
	for _, two := range append(view.rules(), view.shapes()...) {
		two.also, two.cause = two.cause, sum.cause
		if h, ok, err := s.hits(two, t); err != nil || ok {
			return h, ok, err
		}
	}
	return hit{}, false, nil
}

// mayPair reports whether two mistakes are searched: a boundary that answers in verdicts is not asked so often.
func (s *search) mayPair() bool {
	_, tells := s.facts.Prober.(hsm.DigitTeller)
	return tells && s.alg != keys.Raw
}

// typedAndCompared follows every wrong digit by another rule of comparison.
func (s *search) typedAndCompared() ([]reading, error) {
	return s.typedAnd(func(view *search) []reading {
		return slices.DeleteFunc(slices.Concat(view.otherMethods(), view.otherData(), view.otherCiphers(view.expr, view.size)), rare)
	})
}

// rare rules are not tried beside a wrong digit, of which there are hundreds: hashes, and methods of another cipher that
// nobody takes for the usual one.
func rare(r reading) bool {
	return isHash(r.method) || r.cause == CauseCipherFamily && r.method != kcv.ECBZero && r.method != kcv.Default(r.alg)
}

// typedAndFormed follows every wrong digit by another shape; of a wrapped key, by the other mode too.
func (s *search) typedAndFormed() ([]reading, error) {
	out, err := s.typedAnd(func(view *search) []reading { return view.shapes() })
	if err != nil || s.facts.Kind != Cryptogram {
		return out, err
	}
	for _, p := range s.pieces() {
		for _, one := range s.slipReadings(p) {
			of, key := hsm.Expr(hsm.Part(0)), hsm.Expr(hsm.Part(1))
			if p.piece == PieceKEK {
				key = one.typed
			} else {
				of = one.typed
			}
			cbc := hsm.Crypt{Of: of, Key: key, Algorithm: s.kek, Mode: hsm.CBC}
			out = appendPair(out, one.reading, s.as(CauseECBCBC, cbc, s.alg, nil))
		}
	}
	return out, nil
}

// typedReading is a slip together with the piece put right.
type typedReading struct {
	reading
	typed hsm.Expr
}

// slipReadings lists one wrong digit, or a swap of neighbours, in a piece.
func (s *search) slipReadings(p piece) []typedReading {
	var out []typedReading
	for _, sl := range append(slipsOf(p.size, p.hidden(s.facts.Method)), swapsOf(p.size)...) {
		typed := sl.of(p.expr)
		r := s.as(CauseMistypedDigit, p.wrap(typed), s.alg, nil)
		out = append(out, typedReading{typed: typed, reading: r.marked(func(e *Evidence) {
			e.Edits = sl.edits(p, SideGiven, p.alg.IsDES() && !sl.swap() && sl.digit%2 == 1)
		})})
	}
	return out
}

// typedAnd follows every slip by the mistakes that a view of it lists.
func (s *search) typedAnd(then func(view *search) []reading) ([]reading, error) {
	if !s.fits() || len(s.sheets) > 0 {
		return nil, nil
	}
	var out []reading
	for i, p := range s.pieces() {
		if i > 0 {
			break // XOR does not tell which part is wrong; of a wrapped key the KEK comes first, and a cryptogram is copied
		}
		for _, one := range s.slipReadings(p) {
			view, err := s.seenAs(one.reading)
			if err != nil {
				return nil, err
			}
			for _, two := range then(view) {
				out = appendPair(out, one.reading, two)
			}
		}
	}
	return out, nil
}

// appendPair adds one reading of two mistakes: what the second forms out of the first.
func appendPair(all []reading, one, two reading) []reading {
	if one.cause == two.cause {
		return all
	}
	pair := two
	pair.cause, pair.also = one.cause, two.cause
	pair.replaced, pair.unwraps = one.replaced, one.unwraps
	pair.says = func(v string) text.Text {
		return text.New("%s comes out of two mistakes at once: %s; and %s", v, one.cause.Title(), two.cause.Title())
	}
	pair.mark = func(e *Evidence) {
		for _, mark := range []func(*Evidence){one.mark, two.mark} {
			if mark != nil {
				mark(e)
			}
		}
	}
	return append(all, pair)
}
