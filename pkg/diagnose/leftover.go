package diagnose

// What can be told when nothing reproduces the values: parts that are equal, a part known to be wrong, a value that is
// the key-encrypting key's own.

import (
	"maps"
	"slices"

	"poskey/internal/text"
	"poskey/pkg/hsm"
	"poskey/pkg/keys"
)

// leftover looks at the material for its own sake.
func (s *search) leftover(known []claim) ([]claim, error) {
	switch s.facts.Kind {
	case Parts:
		return s.partsThemselves(known)
	case Cryptogram:
		return nil, s.valueOfKEK()
	}
	if s.facts.NotTyped {
		s.special = notOfThisBlock()
	}
	return nil, nil
}

// notOfThisBlock is the next step where a key that came in a block does not have a value that is said to be its own.
func notOfThisBlock() text.Text {
	return text.New("the key came in a key block that opens: the value belongs to another key, or is made by a method that is not known; " +
		"ask who made the block which key it carries")
}

func (s *search) partsThemselves(known []claim) ([]claim, error) {
	claims, told, err := s.enteredTwice()
	if err != nil {
		return nil, err
	}
	if s.alg == keys.Raw || s.totalRight() {
		return claims, nil
	}
	for _, c := range known {
		for _, part := range c.evidence.Parts {
			told[part-1] = told[part-1] || c.cause == CauseMistypedDigit
		}
	}
	for _, part := range slices.Sorted(maps.Keys(s.sheets)) {
		if !told[part] {
			claims = append(claims, s.wrongPart(part))
		}
	}
	return claims, nil
}

// enteredTwice finds equal parts: their XOR has the check value of the zero key. It also says which parts it spoke of.
func (s *search) enteredTwice() ([]claim, map[int]bool, error) {
	told := map[int]bool{}
	if s.alg == keys.Raw || !s.alg.IsBlockCipher() {
		return nil, told, nil
	}
	var claims []claim
	for i := range s.facts.Parts {
		for j := i + 1; j < s.facts.Parts; j++ {
			equal, err := s.isZero(hsm.XOR{hsm.Part(i), hsm.Part(j)}, s.alg)
			if err != nil {
				return nil, nil, err
			}
			if !equal {
				continue
			}
			told[i], told[j] = true, true
			c := claim{cause: CauseComponentCount, advice: CauseComponentCount.advice(), most: Likely, digits: 16}
			c.summary = text.New(
				"parts %d and %d are the same: entered twice they cancel out, and another part is missing",
				i+1, j+1,
			)
			c.evidence = Evidence{Expected: s.facts.Expected.Digits, Got: s.facts.Got.Digits, AsGiven: s.shown,
				Algorithm: s.alg, Method: s.facts.Method, Parts: []int{i + 1, j + 1}}
			claims = append(claims, c)
		}
	}
	return claims, told, nil
}

// wrongPart says which part to enter again although the digit could not be found.
func (s *search) wrongPart(part int) claim {
	v := s.sheets[part]
	c := claim{cause: CauseMistypedDigit, advice: CauseMistypedDigit.advice(), most: Possible}
	c.summary = text.New(
		"part %d does not have the check value of its sheet, %s, and no slip that was tried explains it: more digits are wrong, or the sheet belongs to another part",
		part+1, v.Digits,
	)
	c.evidence = Evidence{Expected: v.Digits, Algorithm: s.alg, Method: s.sheetM, Parts: []int{part + 1}}
	return c
}

// untrueSheets tells of the sheets that disagree although the parts together are right, and whose value is no slip away from
// the right one.
func (s *search) untrueSheets(known []claim) []claim {
	if !s.totalRight() {
		return nil
	}
	told := map[int]bool{}
	for _, c := range known {
		for _, part := range c.evidence.Parts {
			told[part-1] = true
		}
	}
	var claims []claim
	for _, part := range slices.Sorted(maps.Keys(s.sheets)) {
		if told[part] {
			continue
		}
		v := s.sheets[part]
		c := claim{cause: CauseMistypedDigit, advice: misreadAdvice(), most: Possible}
		c.summary = text.New(
			"the parts together are right, so part %d is: the value of its sheet, %s, is not its check value by any method known; it was written down wrongly or belongs to another sheet",
			part+1, v.Digits)
		c.evidence = Evidence{Expected: v.Digits, Algorithm: s.alg, Method: s.sheetM, Parts: []int{part + 1}}
		claims = append(claims, c)
	}
	return claims
}

// valueOfKEK notices that a value given is the key-encrypting key's own, which is a mix-up of labels and no fault of a
// key.
func (s *search) valueOfKEK() error {
	for _, t := range s.open {
		a, err := s.ask(reading{expr: hsm.Part(1), alg: s.kek, method: methodFor(s.kek, s.facts.Method)}, t.value)
		if err != nil {
			return err
		}
		if a.Match {
			s.special = text.New(
				"%s is the check value of the key-encrypting key itself, not of the key under it: compare with the value of the wrapped key",
				t.value.Digits,
			)
		}
	}
	return nil
}
