package component

import (
	"poskey/internal/fault"
	"poskey/internal/secret"
	"poskey/pkg/kcv"
	"poskey/pkg/keys"
)

// Options lift rules of Combine.
type Options struct {
	AllowWeak bool // takes parts that are zero, patterns, published or filled up: test keys
}

// Combine puts a key together. The parts stay the caller's and as they are.
//
// XOR components may come from sheets, bare, or mixed as long as their number is that on the sheets. Shamir shares
// come from sheets or single lines, never bare; more than needed must agree with each other. An empty alg takes the
// parts' algorithm. The bytes are what the parts give: parity is not adjusted.
//
// Errors, each of which leaves no key behind: MalformedLength; PartRefused for a part or parts that break a
// rule of the package comment; PartForeign for one that does not belong; PartMissing; KCVMismatch for a part that does
// not have the check value of its sheet, and for a key that does not have that of the sheets.
func Combine(alg keys.Algorithm, parts []*Part) (*keys.Key, error) {
	return CombineWith(alg, parts, Options{})
}

// CombineWith is Combine with rules lifted.
func CombineWith(alg keys.Algorithm, parts []*Part, opts Options) (*keys.Key, error) {
	if len(parts) > MaxParts {
		return nil, fault.New(fault.Usage, "%d parts were given, a key has %d to %d", len(parts), MinParts, MaxParts)
	}
	if err := checkEach(parts); err != nil {
		return nil, err
	}
	fam, err := gather(alg, parts)
	if err != nil {
		return nil, err
	}
	if err := refuseParts(parts, opts); err != nil {
		return nil, err
	}
	sum, err := fam.combine()
	if err != nil {
		return nil, err
	}
	if err := refuseRelations(parts, sum.Expose()); err != nil {
		sum.Wipe()
		return nil, err
	}
	if err := fam.checkKey(sum); err != nil {
		sum.Wipe()
		return nil, err
	}
	return keys.New(fam.algorithm, sum)
}

// checkEach looks at what each part says of itself.
func checkEach(parts []*Part) error {
	for i, p := range parts {
		if err := p.checkForm(); err != nil {
			return p.place(err, i+1)
		}
		if err := p.checkOwn(); err != nil {
			return p.place(err, i+1)
		}
	}
	return nil
}

func (f *family) combine() (*secret.Bytes, error) {
	if f.scheme == Shamir {
		return f.combineShares()
	}
	sum := secret.New(f.parts[0].Value.Len())
	addUp(sum.Expose(), f.parts, ^uint(0))
	return sum, nil
}

func (f *family) combineShares() (*secret.Bytes, error) {
	shares := sharesOf(f.parts)
	if !onePolynomial(shares, f.threshold) {
		return nil, f.misfit(shares)
	}
	return interpolate(0, shares[:f.threshold]), nil
}

func sharesOf(parts []*Part) []share {
	shares := make([]share, len(parts))
	for i, p := range parts {
		shares[i] = share{byte(p.Index), p.Value.Expose()}
	}
	return shares
}

// misfit names the one share without which all others agree, if there is only one. With no more others than needed
// they always agree, so then only the check value of the key can tell.
func (f *family) misfit(shares []share) error {
	var suspects []int
	for i := range shares {
		others := append(append([]share(nil), shares[:i]...), shares[i+1:]...)
		if f.agree(others) {
			suspects = append(suspects, i)
		}
	}
	if len(suspects) == 1 {
		i := suspects[0]
		return f.parts[i].place(fault.New(fault.PartForeign, "it does not fit the other shares"), i+1)
	}
	return fault.New(fault.PartForeign, "the shares do not fit each other: at least one is wrong")
}

func (f *family) agree(shares []share) bool {
	if !onePolynomial(shares, f.threshold) {
		return false
	}
	key := interpolate(0, shares[:f.threshold])
	defer key.Wipe()
	return f.checkKey(key) == nil
}

// checkKey holds the key against the check value of the sheets, if there are any.
func (f *family) checkKey(key *secret.Bytes) error {
	if f.keyCheck == (kcv.Value{}) {
		return nil
	}
	got, err := kcv.Of(f.algorithm, key.Expose(), f.keyCheck.Method, len(f.keyCheck.Digits))
	if err != nil {
		return err
	}
	if got != f.keyCheck {
		return fault.New(fault.KCVMismatch, "the combined key has check value %s, the sheets of set %s say %s",
			got, f.set, f.keyCheck)
	}
	return nil
}
