package component

// Checks for those who combine elsewhere, as inside a token: all that can be said of parts without their sum.

import (
	"poskey/internal/fault"
	"poskey/internal/secret"
	"poskey/pkg/kcv"
	"poskey/pkg/keys"
)

// Admitted is what is known of a key before it is combined.
type Admitted struct {
	Algorithm keys.Algorithm
	Set       string    // of the sheets; "" without any
	KeyCheck  kcv.Value // the key's check value on the sheets; zero without any
}

// Admit makes the checks of [CombineWith] on XOR components and combines nothing: the sum of all parts, which is the key,
// is in no memory of this process. Who combines them compares the key with KeyCheck. Errors are those of CombineWith;
// Shamir shares are refused (kind usage).
func Admit(alg keys.Algorithm, parts []*Part, opts Options) (Admitted, error) {
	if len(parts) > MaxParts {
		return Admitted{}, fault.New(fault.Usage, "%d parts were given, a key has %d to %d", len(parts), MinParts, MaxParts)
	}
	if err := checkEach(parts); err != nil {
		return Admitted{}, err
	}
	fam, err := gather(alg, parts)
	if err != nil {
		return Admitted{}, err
	}
	if fam.scheme != XOR {
		return Admitted{}, fault.New(fault.Usage, "Shamir shares are combined in one place only")
	}
	if err := refuseParts(parts, opts); err != nil {
		return Admitted{}, err
	}
	if err := refuseChoices(parts); err != nil {
		return Admitted{}, err
	}
	return Admitted{fam.algorithm, fam.set, fam.keyCheck}, nil
}

// refuseChoices is refuseRelations without the sum of all: that they cancel out is seen on the sum of all but the last,
// which would equal the last.
func refuseChoices(parts []*Part) error {
	all := uint(1)<<len(parts) - 1
	sum := secret.New(parts[0].Value.Len())
	defer sum.Wipe()
	for chosen := range subsets(len(parts)) {
		if chosen == all || chosen&(chosen-1) == 0 && len(parts) > 2 {
			continue
		}
		addUp(sum.Expose(), parts, chosen)
		if isZero(parts[0].Algorithm, sum.Expose()) {
			return cancelError(parts, chosen)
		}
	}
	last := len(parts) - 1
	addUp(sum.Expose(), parts, all&^(1<<last))
	if equalValues(parts[0].Algorithm, sum.Expose(), parts[last].Value.Expose()) {
		return cancelError(parts, all)
	}
	return nil
}
