package diagnose

// Pieces with a digit too few or too many: nothing can be compared as given, so the place of that digit is searched at
// once.

import (
	"poskey/internal/fault"
	"poskey/internal/text"
	"poskey/pkg/hsm"
	"poskey/pkg/kcv"
)

func (s *search) runOdd() (Report, error) {
	seeker, ok := s.facts.Prober.(hsm.Searcher)
	if err := s.oddCanBeSearched(ok); err != nil {
		return Report{}, err
	}
	s.open = s.targets()
	s.sheets, s.sheetM = map[int]kcv.Expected{}, s.facts.Method
	for part, v := range s.facts.PartExpected {
		if s.typed(part) != 0 && v.Digits != "" {
			s.sheets[part] = v
		}
	}
	if len(s.sheets) > 0 {
		claims, err := s.deepBySheet(seeker)
		if err != nil || len(claims) > 0 {
			return s.report(claims), err
		}
	}
	var claims []claim
	for _, t := range s.open {
		found, err := s.deepFor(seeker, t)
		if err != nil {
			return Report{}, err
		}
		claims = append(claims, found...)
	}
	r := s.report(claims)
	if r.Verdict == Unexplained {
		r.NextStep = text.New("a digit more or less in one place does not give the value: type the piece with the wrong number of digits again")
	}
	return r, nil
}

// oddCanBeSearched wants one odd piece, or a check value for each of them: two unknown places together are too many.
func (s *search) oddCanBeSearched(seeker bool) error {
	odd, known := []int{}, 0
	for i := range s.facts.Typed {
		if s.typed(i) == 0 {
			continue
		}
		odd = append(odd, i)
		if i < len(s.facts.PartExpected) && s.facts.PartExpected[i].Digits != "" {
			known++
		}
	}
	want := 2 * s.size
	for _, i := range odd {
		if n := s.typed(i); s.size == 0 || n != want-1 && n != want+1 {
			return fault.New(fault.MalformedLength, "part %d has %d hex digits, a key for %s has %d", i+1, n, s.facts.Algorithm, want)
		}
	}
	if !seeker || s.facts.Kind == Cryptogram || s.facts.Search == 0 || len(odd) > 1 && known < len(odd) {
		return fault.New(fault.MalformedLength,
			"parts %s have an odd number of hex digits; type them again, or give the check value of each part and let the slip be searched (--search)", list(odd))
	}
	return nil
}

// oddPieces are the pieces that must hold the slip when a number of digits is wrong.
func (s *search) oddPieces() []piece {
	var out []piece
	for _, p := range s.pieces() {
		if s.typed(p.part) != 0 {
			out = append(out, p)
		}
	}
	return out
}
