package diagnose

// One slip in each part whose sheet shows another check value.

import (
	"sort"

	"poskey/internal/text"
	"poskey/pkg/hsm"
	"poskey/pkg/kcv"
)

// slipsBySheet searches one slip in each part whose sheet shows another check value, then holds the sum of all against
// the values given.
func (s *search) slipsBySheet() ([]claim, error) {
	var combinations = []map[int]found{{}}
	for _, p := range s.pieces() {
		v, wrong := s.sheets[p.part]
		if !wrong {
			continue
		}
		hits, err := s.slipsInPart(p, v)
		if err != nil {
			return nil, err
		}
		combinations = combine(combinations, p.part, hits)
	}
	var claims []claim
	for _, c := range combinations {
		found, err := s.sheetClaim(c)
		if err != nil {
			return nil, err
		}
		if found.cause != "" {
			claims = append(claims, found)
		}
	}
	return claims, nil
}

// maxCombinations bounds what short check values may leave to combine.
const maxCombinations = 64

func combine(heads []map[int]found, part int, hits []found) []map[int]found {
	if len(hits) == 0 {
		return heads // this part stays unexplained
	}
	var out []map[int]found
	for _, head := range heads {
		for _, h := range hits {
			if len(out) == maxCombinations {
				return out
			}
			next := map[int]found{part: h}
			for i, f := range head {
				next[i] = f
			}
			out = append(out, next)
		}
	}
	return out
}

func (s *search) slipsInPart(p piece, v kcv.Expected) ([]found, error) {
	var all []found
	for _, sl := range append(slipsOf(p.size, p.hidden(s.sheetM)), swapsOf(p.size)...) {
		r := reading{cause: CauseMistypedDigit, expr: sl.of(p.expr), alg: s.alg, method: s.sheetM}
		h, ok, err := s.hits(r, target{v, SideGiven})
		if err != nil {
			return nil, err
		}
		if ok {
			all = append(all, found{oneSlip: sl, piece: p, hit: h})
		}
	}
	for i := range all {
		if err := s.readParity(&all[i]); err != nil {
			return nil, err
		}
	}
	return likelierByParity(all), nil
}

// sheetClaim makes one claim of slips in different parts: they must give the sheets' values, which they do, and all
// values given that the material does not.
func (s *search) sheetClaim(slips map[int]found) (claim, error) {
	if len(slips) == 0 {
		return claim{}, nil
	}
	replaced, parts := map[int]hsm.Expr{}, []int{}
	for i, f := range slips {
		replaced[i] = f.of(f.piece.expr)
		parts = append(parts, i)
	}
	sort.Ints(parts)
	first := slips[parts[0]]
	c := claim{cause: CauseMistypedDigit, advice: CauseMistypedDigit.advice(), weight: 1}
	sum := reading{cause: c.cause, expr: withParts(s.facts.Parts, replaced), alg: s.alg, method: s.facts.Method}
	for _, t := range s.open {
		h, ok, err := s.hits(sum, t)
		if err == nil && !ok {
			h, ok, err = s.hitsOtherwise(sum, t)
		}
		if err != nil {
			return claim{}, err
		}
		if ok {
			c.hits = append(c.hits, h)
			c.digits += h.answer.Digits
			c.also = h.also
		}
	}
	c.evidence = s.evidenceOf(first.hit)
	if len(c.hits) > 0 {
		c.evidence = s.evidenceOf(c.hits[0])
	}
	c.evidence.Parts = countFromOne(parts)
	for _, i := range parts {
		f := slips[i]
		c.digits += f.hit.answer.Digits
		c.preferred = f.odd
		c.evidence.Edits = append(c.evidence.Edits, f.edits(f.piece, SideGiven, f.unseen)...)
	}
	c.whole = len(c.hits) == len(s.open) && len(slips) == len(s.sheets)
	c.summary = saysSlip(first, SideGiven, 1, c.evidence.Computed)
	if len(parts) > 1 {
		c.summary = saysParts(parts, c)
	}
	if c.also != "" {
		c.summary = text.New("%s; besides: %s", c.summary, c.also.Title())
	}
	return c, nil
}
