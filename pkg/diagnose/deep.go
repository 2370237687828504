package diagnose

// Typing, the whole of it: every slip that pkg/slip knows, up to so many wrong digits, searched by the boundary.

import (
	"math"

	"poskey/internal/fault"
	"poskey/internal/text"
	"poskey/pkg/hsm"
	"poskey/pkg/kcv"
	"poskey/pkg/slip"
)

// maxMatches bounds the matches of one search that become claims: short check values give thousands by chance.
const maxMatches = 200

// maxPairings bounds what the matches of several parts may leave to combine.
const maxPairings = 1 << 18

// deep searches slips value by value: in the parts whose sheets disagree, each by its own value, then in all pieces that
// may hold one.
func (s *search) deep() ([]claim, error) {
	seeker, ok := s.facts.Prober.(hsm.Searcher)
	if s.facts.Search == 0 || s.facts.Kind == Cryptogram || s.facts.Kind == Base || s.unformed || !ok || !s.fits() || !s.alg.IsBlockCipher() {
		return nil, nil
	}
	s.depth, s.askedBefore = s.facts.Search, s.asked-s.inPairs
	var claims []claim
	if len(s.sheets) > 0 && !s.totalRight() {
		found, err := s.deepBySheet(seeker)
		if err != nil {
			return nil, err
		}
		claims = found
	}
	for _, t := range s.open {
		if t.side == SideGiven && anyWhole(claims) {
			continue
		}
		found, err := s.deepFor(seeker, t)
		if err != nil {
			return nil, err
		}
		claims = append(claims, found...)
	}
	return claims, nil
}

// alreadyTried reports slips that the stages before made claims of: one digit, one swap of neighbours and, in keys of two
// halves, the halves. With an odd piece there were no stages before.
func (s *search) alreadyTried(slips ...slip.Slip) bool {
	if s.facts.anyOdd() {
		return false
	}
	for _, sl := range slips {
		digit := sl.Kind == slip.Wrong && len(sl.Digits) == 1
		neighbours := sl.Kind == slip.Swapped && sl.Digits[0].With == sl.Digits[0].At+1
		halves := sl.Kind == slip.Halves && len(slips) == 1 && len(s.open) > 0 && (s.size == 16 || s.size == 32)
		if !digit && !neighbours && !halves {
			return false
		}
	}
	return true
}

// seek asks the boundary for the slips of some pieces and counts what was tried. One over keys of a store does not search
// every piece: where it refuses, the pieces are asked about one by one.
func (s *search) seek(by hsm.Searcher, q hsm.SearchQuestion) (slip.Answer, error) {
	q.Algorithm, q.Digits, q.Progress = s.alg, s.facts.Search, s.facts.Progress
	a, err := by.Search(s.ctx, q)
	switch {
	case fault.Is(err, fault.NotPermitted) && len(q.Pieces) > 1:
		return s.seekEach(by, q)
	case fault.Is(err, fault.NotPermitted):
		s.unanswered++
		s.refusal = err
		return slip.Answer{}, nil
	case err != nil:
		return slip.Answer{}, err
	}
	s.asked += a.Tried
	s.matches += a.Keys
	s.chance += float64(a.Tried) * kcv.ChanceOfFalseMatch(a.Digits)
	return a, nil
}

func (s *search) seekEach(by hsm.Searcher, q hsm.SearchQuestion) (slip.Answer, error) {
	var all slip.Answer
	for i := range q.Pieces {
		one := q
		one.Pieces = q.Pieces[i : i+1]
		a, err := s.seek(by, one)
		if err != nil {
			return slip.Answer{}, err
		}
		for _, m := range a.Matches {
			m.Piece = i
			all.Matches = append(all.Matches, m)
		}
		all.Keys, all.Tried, all.Digits = all.Keys+a.Keys, all.Tried+a.Tried, max(all.Digits, a.Digits)
	}
	return all, nil
}

// deepFor explains one value of the whole key.
func (s *search) deepFor(by hsm.Searcher, t target) ([]claim, error) {
	suspects := s.suspects(t)
	q := hsm.SearchQuestion{Method: s.facts.Method, Expected: t.value, OnOther: t.side == SideOther}
	for _, p := range suspects {
		q.Pieces = append(q.Pieces, hsm.SearchPiece{Typed: p.expr, Digits: s.typed(p.part), Others: s.others(p)})
	}
	before := float64(s.asked - s.inPairs)
	a, err := s.seek(by, q)
	if err != nil {
		return nil, err
	}
	var claims []claim
	for _, m := range a.Matches[:min(len(a.Matches), maxMatches)] {
		if m.Slip.Kind == "" {
			c := s.untold(suspects[m.Piece], t, a.Digits)
			c.whole = len(s.open) == 1 && len(s.sheets) == 0
			claims = append(claims, c)
			continue
		}
		if s.alreadyTried(m.Slip) {
			continue
		}
		p := suspects[m.Piece]
		r := reading{cause: causeOf(m.Slip), expr: p.wrap(s.corrected(p, m.Slip)), alg: s.alg, method: s.facts.Method}
		r.mark = func(e *Evidence) { e.Edits = s.editsOf(p, m.Slip, t.side) }
		r.says = func(v string) text.Text {
			return saysSlips(p, m.Slip, t.side, len(suspects) > 1, v)
		}
		h, ok, err := s.hits(r, t)
		if err != nil {
			return nil, err
		}
		if !ok {
			continue // parity made it another key, which a value of a hash shows
		}
		c := claim{cause: r.cause, hits: []hit{h}, preferred: m.Slip.Odd, weight: m.Slip.Weight}
		if m.Slip.Kind == slip.Swapped && len(suspects) > 1 { // two wrong digits of another part come to the same key
			c.most = Likely
		}
		if err := s.weigh(&c); err != nil {
			return nil, err
		}
		c.chance = chanceAmong(before+float64(m.Among), c)
		c.advice = s.slipAdvice(c)
		claims = append(claims, c)
	}
	return claims, nil
}

// untold is a slip of which a boundary over keys of a store tells the piece alone: its place would be a step towards the key.
// Nothing is known of the candidates that it came out of, so it is never more than likely.
func (s *search) untold(p piece, t target, digits int) claim {
	c := claim{cause: CauseMistypedDigit, advice: CauseMistypedDigit.advice(), most: Likely, digits: digits}
	c.chance = min(1, s.chance)
	c.evidence = Evidence{Computed: t.value.Digits[:digits], Expected: s.facts.Expected.Digits, Got: s.facts.Got.Digits,
		Algorithm: s.alg, Method: s.facts.Method, Digits: digits}
	where := text.New("the key")
	if p.piece == PiecePart {
		where = text.New("part %d", p.part+1)
		c.evidence.Parts = []int{p.part + 1}
	}
	c.summary = text.New("a slip in typing %s gives %s; of a key of the store its place is not told: enter that again",
		where, c.evidence.Computed)
	return c
}

// chanceAmong is the chance that one of so many hypotheses agrees with everything that the claim agrees with.
func chanceAmong(hypotheses float64, c claim) float64 {
	return min(1, hypotheses*kcv.ChanceOfFalseMatch(c.digits)*math.Pow(2, -float64(c.bits)))
}

// typed is the number of digits typed of a part; 0 is all of it.
func (s *search) typed(part int) int {
	if part < len(s.facts.Typed) {
		return s.facts.Typed[part]
	}
	return 0
}

// others is what is XORed onto a piece to form the key.
func (s *search) others(p piece) hsm.Expr {
	if s.facts.Kind != Parts {
		return nil
	}
	return allBut(s.facts.Parts, p.part)
}

func (s *search) corrected(p piece, sl slip.Slip) hsm.Expr {
	return hsm.Corrected{Of: p.expr, Digits: s.typed(p.part), Slip: sl, Size: s.size}
}

func causeOf(sl slip.Slip) Cause {
	if sl.Kind == slip.Halves {
		return CauseHalvesSwapped
	}
	return CauseMistypedDigit
}
