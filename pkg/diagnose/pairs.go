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
	n, err := s.byWhom(r).Len(r.expr)
	if err != nil {
		return nil, err
	}
	view := *s
	view.expr, view.size, view.alg = r.expr, n, r.alg
	view.facts.Algorithm, view.facts.Method = r.alg, r.method
	view.facts.Prober = s.byWhom(r)
	view.facts.Kind = Key // the parts, or the cryptogram, are in the expression
	return &view, nil
}

// formed lists the single mistakes in what is formed.
func (s *search) formed() ([]reading, error) {
	var out []reading
	if !s.unformed {
		out = s.shapes()
	}
	out = append(out, s.derived(true)...)
	switch s.facts.Kind {
	case Unopened:
		return append(out, s.unopened()...), nil
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
		for _, two := range append(view.seconds(one.cause), s.runOtherwise(one)...) {
			out = appendPair(out, one, two)
		}
	}
	return out, nil
}

// runOtherwise opens in CBC mode, or encrypts, under another form of the key-encrypting key.
func (s *search) runOtherwise(one reading) []reading {
	c, ok := one.expr.(hsm.Crypt)
	if !ok || c.Mode != hsm.ECB || c.Encrypt {
		return nil
	}
	back := c
	back.Encrypt = true
	out := []reading{s.as(CauseWrongDirection, back, one.alg, nil).marked(func(e *Evidence) { e.Mode, e.Direction = hsm.ECB, "encrypt" })}
	if s.size > blockLen(c.Algorithm) { // one block alone is the same in both modes
		c.Mode = hsm.CBC
		out = append(out, s.as(CauseECBCBC, c, one.alg, nil).marked(func(e *Evidence) { e.Mode, e.Direction = hsm.CBC, "decrypt" }))
	}
	return out
}

// seconds lists what may have gone wrong after a mistake in what is formed. Of other key serial numbers there are hundreds:
// beside them the rare is left out.
func (s *search) seconds(first Cause) []reading {
	if first != CauseKSNMismatch {
		return append(s.rules(), s.shapes()...)
	}
	return slices.DeleteFunc(slices.Concat(s.otherMethods(), s.otherData(), s.otherCiphers(s.expr, s.size), s.reordered(s.expr, s.size),
		s.cut(s.expr, s.size)), rare)
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
	out, err := s.typedAnd((*search).usualShapes)
	if err != nil || s.facts.Kind != Cryptogram || s.unformed {
		return out, err
	}
	for _, one := range s.slipReadings(s.pieces()[0]) { // the KEK: a cryptogram is copied
		cbc := hsm.Crypt{Of: hsm.Part(0), Key: one.typed, Algorithm: s.kek, Mode: hsm.CBC}
		out = appendPair(out, one.reading, s.as(CauseECBCBC, cbc, s.alg, nil))
	}
	return out, nil
}

// usualShapes are those that are tried beside a wrong digit, of which there are hundreds: halves exchanged, and the first
// bytes of the key alone.
func (s *search) usualShapes() []reading {
	var out []reading
	if s.size != 24 {
		out = s.reordered(s.expr, s.size)
	}
	for _, r := range s.cut(s.expr, s.size) {
		if piece, ok := r.expr.(hsm.Slice); ok && piece.From == 0 {
			out = append(out, r)
		}
	}
	return out
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
	if !s.fits() || len(s.sheets) > 0 || s.unformed || s.facts.Kind == Base {
		return nil, nil // of a base derivation key, a slip and another mistake together would take too long
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
	pair.replaced, pair.unwraps, pair.by = one.replaced, one.unwraps, one.by
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
