package diagnose

// Pieces with a digit too few or too many: nothing can be compared as given, so the place of that digit is searched at
// once.

import (
	"poskey/internal/fault"
	"poskey/internal/text"
	"poskey/pkg/hsm"
	"poskey/pkg/kcv"
)

// runOdd searches the odd pieces by their own values, and parts that disagree with their sheets besides. One odd piece
// is searched by the key's value where it has none of its own. The values given, the one got too, are those of what the
// piece should have been: nobody can say of an odd piece that it is right.
func (s *search) runOdd() (Report, error) {
	seeker, ok := s.facts.Prober.(hsm.Searcher)
	if err := s.oddCanBeSearched(ok); err != nil {
		return Report{}, err
	}
	s.depth = s.facts.Search
	for _, t := range s.targets() {
		s.open = append(s.open, target{t.value, SideGiven})
	}
	if err := s.oddSheets(); err != nil {
		return Report{}, err
	}
	claims, err := s.deepBySheet(seeker)
	if err != nil {
		return Report{}, err
	}
	for _, t := range s.open {
		if anyWhole(claims) || len(s.oddPieces()) > 1 {
			break
		}
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

// oddSheets keeps the sheets' values of the odd parts, and of the others those that they do not have.
func (s *search) oddSheets() error {
	s.sheets, s.sheetM = map[int]kcv.Expected{}, s.facts.Method
	for part, v := range s.facts.PartExpected {
		if v.Digits == "" {
			continue
		}
		if s.typed(part) == 0 {
			ok, err := s.partHas(part, s.sheetM, v)
			if err != nil {
				return err
			}
			if ok {
				continue
			}
		}
		s.sheets[part] = v
	}
	return nil
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
	first, want := odd[0], 2*s.size
	switch {
	case s.facts.Kind == Cryptogram || !seeker || s.size == 0:
		return fault.New(fault.MalformedLength, "%s has an odd number of hex digits: %d; one is missing or one too many",
			s.nameOf(first), s.typed(first))
	case s.facts.Search == 0:
		return fault.New(fault.MalformedLength,
			"%s has an odd number of hex digits: %d; type it again, or let the place be searched (--search 1)", s.nameOf(first), s.typed(first))
	case len(odd) > 1 && known < len(odd):
		return fault.New(fault.MalformedLength,
			"parts %s have an odd number of hex digits; type them again, or give the check value of each (--part-expected)", list(odd))
	}
	for _, i := range odd {
		if n := s.typed(i); n != want-1 && n != want+1 {
			return fault.New(fault.MalformedLength, "%s has %d hex digits, a key for %s has %d", s.nameOf(i), n, s.facts.Algorithm, want)
		}
	}
	return nil
}

// nameOf names a piece of the material.
func (s *search) nameOf(part int) text.Text {
	if s.facts.Kind == Parts {
		return text.New("part %d", part+1)
	}
	return text.New("the key")
}

// oddPieces are the pieces with a digit too few or too many: each of them must hold a slip.
func (s *search) oddPieces() []piece {
	var out []piece
	for _, p := range s.pieces() {
		if s.typed(p.part) != 0 {
			out = append(out, p)
		}
	}
	return out
}
