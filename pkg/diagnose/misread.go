package diagnose

// Typing, the other way round: the key is right and the check value itself was misread or mistyped.

import (
	"poskey/internal/text"
	"poskey/pkg/kcv"
)

// maxMisread is the number of digits of a check value in which a slip is searched; longer ones are not read by people.
const maxMisread = 16

// weightOfMisread is below that of one slip in a key, above that of several: a check value has fewer digits to misread.
const weightOfMisread = 0.1

func misreadAdvice() advice {
	return advice{
		text.New(
			"read the check value again where it was written down first; 8 and B, 0 and D, 6 and b, 5 and S are often confused",
		),
		text.New("correct the check value, not the key; when it stays as it was, the key is wrong and this is chance"),
		text.New("copy check values by machine, or read them back aloud"),
		text.New("nothing stops but the comparison; changing the key to fit a misread value would throw a good key away"),
	}
}

// variantsOf lists the values that one wrong digit or two swapped neighbours make of a value, with the place.
func variantsOf(v kcv.Expected) ([]oneSlip, []kcv.Expected) {
	digits := []byte(v.Digits[:min(len(v.Digits), maxMisread)])
	var slips []oneSlip
	var values []kcv.Expected
	add := func(sl oneSlip, changed []byte) {
		slips = append(slips, sl)
		values = append(values, kcv.Expected{Digits: string(changed)})
	}
	for i := range digits {
		for delta := byte(1); delta < 16; delta++ {
			changed := append([]byte(nil), digits...)
			changed[i] = turnedDigit(digits[i], delta)
			add(oneSlip{i, delta}, changed)
		}
		if i+1 < len(digits) && digits[i] != digits[i+1] {
			changed := append([]byte(nil), digits...)
			changed[i], changed[i+1] = digits[i+1], digits[i]
			add(oneSlip{digit: i}, changed)
		}
	}
	return slips, values
}

// misread asks whether the material as given has the value with one slip in it. It is never more than likely: it says
// that a value given is wrong.
func (s *search) misread(r reading, v kcv.Expected, side Side) (claim, bool, error) {
	slips, values := variantsOf(v)
	for i, changed := range values {
		a, err := s.ask(r, changed)
		if err != nil {
			return claim{}, false, err
		}
		if a.Match && a.Digits > slips[i].digit {
			return s.misreadClaim(slips[i], v.Digits, changed.Digits, a.Digits, side), true, nil
		}
	}
	return claim{}, false, nil
}

// misreadValues is misread for two values without a key.
func (s *search) misreadValues(expected, got kcv.Expected) (claim, bool) {
	slips, values := variantsOf(expected)
	n := min(len(expected.Digits), len(got.Digits))
	s.asked += len(values)
	s.chance += float64(len(values)) * kcv.ChanceOfFalseMatch(n)
	for i, changed := range values {
		if slips[i].digit < n && agree(changed, got) {
			return s.misreadClaim(slips[i], expected.Digits, changed.Digits, n, SideGiven), true
		}
	}
	return claim{}, false
}

func (s *search) misreadClaim(sl oneSlip, written, right string, digits int, side Side) claim {
	c := claim{cause: CauseMistypedDigit, advice: misreadAdvice(), most: Likely, digits: digits, weight: weightOfMisread}
	c.evidence = Evidence{Computed: right, Expected: s.facts.Expected.Digits, Got: s.facts.Got.Digits, AsGiven: s.shown,
		Algorithm: s.facts.Algorithm, Method: s.facts.Method, Digits: digits}
	for _, e := range sl.edits(piece{piece: PieceValue, part: -1}, side, false) {
		e.Group = 0
		e.Entered, e.Correct = written[e.Digit-1:e.Digit], right[e.Digit-1:e.Digit]
		c.evidence.Edits = append(c.evidence.Edits, e)
	}
	c.summary = text.New(
		"the key may be right and the check value misread: %s and %s differ in digit %d only",
		written, right, sl.digit+1,
	)
	if sl.swap() {
		c.summary = text.New(
			"the key may be right and the check value misread: %s and %s differ in digits %d and %d, which are swapped",
			written, right, sl.digit+1, sl.digit+2,
		)
	}
	return c
}

// misreadSheets explains sheets that disagree although the parts together are right.
func (s *search) misreadSheets() ([]claim, error) {
	var claims []claim
	for _, p := range s.pieces() {
		v, wrong := s.sheets[p.part]
		if p.piece != PiecePart || !wrong {
			continue
		}
		c, ok, err := s.misread(reading{expr: p.expr, alg: s.alg, method: s.sheetM}, v, SideGiven)
		if err != nil {
			return nil, err
		}
		if ok {
			c.evidence.Parts, c.evidence.Expected = []int{p.part + 1}, v.Digits
			claims = append(claims, c)
		}
	}
	return claims, nil
}
