package diagnose

// The search of all slips, part by part: each part by the check value on its own sheet, and the sum of them by the key's.

import (
	"math"

	"poskey/internal/text"
	"poskey/pkg/hsm"
	"poskey/pkg/slip"
)

// deepBySheet searches each part whose sheet disagrees by its own value, and holds the sum of what was found against the
// key's.
func (s *search) deepBySheet(by hsm.Searcher) ([]claim, error) {
	var parts []matchesOfPart
	var claims []claim
	for _, p := range s.pieces() {
		v, wrong := s.sheets[p.part]
		if !wrong {
			continue
		}
		q := hsm.SearchQuestion{Method: s.sheetM, Expected: v, Pieces: []hsm.SearchPiece{{Typed: p.expr, Digits: s.typed(p.part)}}}
		a, err := s.seek(by, q)
		if err != nil {
			return nil, err
		}
		switch {
		case len(a.Matches) == 0: // the part stays unexplained
		case a.Matches[0].Slip.Kind == "":
			claims = append(claims, s.untold(p, target{v, SideGiven}, a.Digits))
		default:
			parts = append(parts, matchesOfPart{p, a})
		}
	}
	pairings, err := s.pairings(parts)
	if err != nil {
		return nil, err
	}
	for _, found := range pairings {
		if s.alreadyTried(found.slips...) {
			continue
		}
		c, err := s.sheetsClaim(found)
		if err != nil {
			return nil, err
		}
		claims = append(claims, c)
	}
	return onlyWhole(claims), nil
}

// matchesOfPart is what was found in one part.
type matchesOfPart struct {
	piece  piece
	answer slip.Answer
}

// pairings puts a match of each part together, the likeliest first. Short values leave thousands of chance matches: those
// are asked for whose sum has the key's value, and where none has, or none is known, the first ones stand.
func (s *search) pairings(parts []matchesOfPart) ([]slipsOfParts, error) {
	if len(parts) == 0 {
		return nil, nil
	}
	var first, right []slipsOfParts
	each := int(math.Pow(maxPairings, 1/float64(len(parts))))
	at := make([]int, len(parts))
	for more := true; more; more = advance(at, parts, each) {
		found := pairing(parts, at)
		if len(first) < maxMatches {
			first = append(first, found)
		}
		if len(s.open) == 0 {
			if len(first) == maxMatches {
				break // nothing decides between them
			}
			continue
		}
		if !s.allWhole(s.replacedBy(found)) {
			continue
		}
		_, ok, err := s.hits(s.sumOf(found), s.open[0])
		if err != nil {
			return nil, err
		}
		if ok {
			right = append(right, found)
		}
	}
	for _, p := range parts {
		s.cutShort = s.cutShort || len(p.answer.Matches) > each
	}
	if len(right) > 0 {
		return right[:min(len(right), maxMatches)], nil
	}
	return first, nil
}

// advance counts to the next pairing, of the first so many matches of each part.
func advance(at []int, parts []matchesOfPart, each int) bool {
	for i := len(at) - 1; i >= 0; i-- {
		if at[i]++; at[i] < min(each, len(parts[i].answer.Matches)) {
			return true
		}
		at[i] = 0
	}
	return false
}

func pairing(parts []matchesOfPart, at []int) slipsOfParts {
	found := slipsOfParts{among: 1, weight: 1}
	for i, p := range parts {
		m := p.answer.Matches[at[i]]
		found.pieces = append(found.pieces, p.piece)
		found.slips = append(found.slips, m.Slip)
		found.digits += p.answer.Digits
		found.among *= float64(m.Among)
		found.weight *= m.Slip.Weight
	}
	return found
}

// replacedBy gives the parts put right.
func (s *search) replacedBy(found slipsOfParts) map[int]hsm.Expr {
	replaced := map[int]hsm.Expr{}
	for i, p := range found.pieces {
		replaced[p.part] = s.corrected(p, found.slips[i])
	}
	return replaced
}

// sumOf is the key that the parts put right form.
func (s *search) sumOf(found slipsOfParts) reading {
	expr := withParts(s.facts.Parts, s.replacedBy(found))
	return reading{cause: causeOf(found.slips[0]), expr: expr, alg: s.alg, method: s.facts.Method}
}

// onlyWhole keeps the claims that explain everything where there are any: the others are then chance matches of a sheet.
func onlyWhole(claims []claim) []claim {
	if !anyWhole(claims) {
		return claims
	}
	var out []claim
	for _, c := range claims {
		if c.whole {
			out = append(out, c)
		}
	}
	return out
}

// slipsOfParts is one slip in each of some parts.
type slipsOfParts struct {
	pieces []piece
	slips  []slip.Slip
	digits int     // of the sheets' values that they give
	among  float64 // hypotheses that are as simple
	weight float64
}

// sheetsClaim makes one claim of slips in different parts.
func (s *search) sheetsClaim(found slipsOfParts) (claim, error) {
	var numbers []int
	for _, p := range found.pieces {
		numbers = append(numbers, p.part)
	}
	first := found.pieces[0]
	c := claim{cause: causeOf(found.slips[0]), digits: found.digits, weight: found.weight}
	c.evidence = s.evidenceOf(hit{reading: reading{alg: s.alg, method: s.sheetM}, target: target{value: s.sheets[first.part]},
		answer: hsm.Answer{Digits: len(s.sheets[first.part].Digits)}})
	for _, t := range s.open {
		if !s.allWhole(s.replacedBy(found)) {
			break
		}
		h, ok, err := s.hits(s.sumOf(found), t)
		if err != nil {
			return claim{}, err
		}
		if ok {
			if len(c.hits) == 0 {
				c.evidence = s.evidenceOf(h)
			}
			c.hits = append(c.hits, h)
			c.digits += h.answer.Digits
		}
	}
	c.preferred = true
	for i, p := range found.pieces {
		c.preferred = c.preferred && found.slips[i].Odd
		c.evidence.Edits = append(c.evidence.Edits, s.editsOf(p, found.slips[i], SideGiven)...)
	}
	c.evidence.Parts = countFromOne(numbers)
	c.whole = len(c.hits) == len(s.open) && len(found.slips) == len(s.sheets)
	c.chance = chanceAmong(found.among, c)
	c.advice = s.slipAdvice(c)
	s.sayOfParts(&c, found, numbers)
	return c, nil
}

// sayOfParts words slips in different parts.
func (s *search) sayOfParts(c *claim, found slipsOfParts, numbers []int) {
	first := found.pieces[0]
	c.summary = saysSlips(first, found.slips[0], SideGiven, false, c.evidence.Computed)
	if len(numbers) > 1 {
		c.summary = saysParts(numbers, *c)
	}
	if len(c.hits) == 0 && len(s.open) > 0 && len(found.slips) == len(s.sheets) {
		c.summary = text.New("%s; but the key does not have %s then", c.summary, s.open[0].value.Digits)
	}
}

// saysParts words slips in several parts.
func saysParts(numbers []int, c claim) text.Text {
	if len(c.hits) == 0 {
		return text.New("parts %s each have a slip in typing; corrected, each has the check value of its sheet", list(numbers))
	}
	return text.New("parts %s each have a slip in typing; corrected, each has the check value of its sheet and the key gives %s",
		list(numbers), c.evidence.Computed)
}

// allWhole reports whether every odd part is replaced: what the others form with an odd one is no key.
func (s *search) allWhole(replaced map[int]hsm.Expr) bool {
	for _, p := range s.oddPieces() {
		if replaced[p.part] == nil {
			return false
		}
	}
	return true
}
