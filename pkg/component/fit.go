package component

import (
	"slices"

	"poskey/internal/fault"
	"poskey/internal/secret"
	"poskey/pkg/kcv"
	"poskey/pkg/keys"
)

// Fit is a choice of parts whose XOR has the check value looked for.
type Fit struct {
	Parts []int     // numbers of the parts: of the sheets, or positions from 1 when a part is bare
	Match kcv.Match // by which method, and on how many digits
}

// FitSubsets tells which of the parts, XORed, give the expected check value: most parts first, all of them included.
// A single part says that a component was taken for the key; a smaller choice that a part was entered that does not
// belong, or twice. None at all points to a slip in typing or a missing part.
//
// All methods of the algorithm are tried, so nine parts make up to 511 choices of nine methods: with six digits
// expected, chance finds one of them once in 3,600 calls.
func FitSubsets(alg keys.Algorithm, parts []*Part, expected kcv.Expected) ([]Fit, error) {
	if len(parts) == 0 || len(parts) > MaxParts {
		return nil, fault.New(fault.Usage, "%d parts were given, want 1 to %d", len(parts), MaxParts)
	}
	for i, p := range parts {
		if err := fitting(alg, p, parts[0].Value.Len()); err != nil {
			return nil, p.place(err, i+1)
		}
	}
	sum := secret.New(parts[0].Value.Len())
	defer sum.Wipe()
	var fits []Fit
	for chosen := range subsets(len(parts)) {
		addUp(sum.Expose(), parts, chosen)
		matches, err := kcv.Identify(sum.Expose(), expected, alg)
		if err != nil {
			return nil, err
		}
		if len(matches) > 0 {
			fits = append(fits, Fit{pick(numbers(parts), chosen), matches[0]})
		}
	}
	slices.SortStableFunc(fits, func(a, b Fit) int { return len(b.Parts) - len(a.Parts) })
	return fits, nil
}

func fitting(alg keys.Algorithm, p *Part, n int) error {
	if p.Scheme != XOR {
		return fault.New(fault.Usage, "it is a Shamir share; only XOR components are searched")
	}
	if err := checkLength(alg, p.Value.Len()); err != nil {
		return err
	}
	return checkSameLength(p, n)
}
