package hsm

// What a strict boundary tells where another one tells all.

import (
	"poskey/internal/text"
	"poskey/pkg/kcv"
	"poskey/pkg/keyblock"
	"poskey/pkg/keys"
)

// verdict compares no more digits than a check value has, and tells of a computed value that differs no more than
// [Boundary.CheckValue] would.
func verdict(alg keys.Algorithm, e kcv.Expected, m kcv.Method, full []byte) (kcv.Comparison, error) {
	if err := bounded(e, mostDigits(alg, m)); err != nil {
		return kcv.Comparison{}, err
	}
	c := e.Compare(m, full)
	if !c.Match {
		c.Computed.Digits = c.Computed.Digits[:min(len(c.Computed.Digits), toldDigits(alg, m))]
	}
	return c, nil
}

// identify is kcv.Identify on at most eight digits, the fewest that are compared by any method.
func identify(key []byte, e kcv.Expected, alg keys.Algorithm) ([]kcv.Match, error) {
	if err := bounded(e, 8); err != nil {
		return nil, err
	}
	return kcv.Identify(key, e, alg)
}

// examine tells what is proven and nothing that was weighed: whether a payload that nobody authenticated decrypts to
// something plausible is an oracle. Repairs of blocks with a MAC of four bytes are not looked for: so many tries a call
// would forge one.
func examine(b *keyblock.Block, kbpk *keys.Key) ([]keyblock.Finding, error) {
	p, err := keyblock.NewProtector(b.Version, kbpk)
	if err != nil {
		return nil, err
	}
	if u, err := p.Unwrap(b); err == nil {
		u.Wipe()
		return nil, nil
	} else if !keyblock.Failed(err) {
		return unproven(), nil
	}
	if b.Version == 'A' || b.Version == 'C' {
		return unproven(), nil
	}
	found, err := keyblock.Examine(b, kbpk)
	if err != nil {
		return nil, err
	}
	for _, f := range found {
		if f.Certainty != keyblock.Proven {
			return unproven(), nil
		}
	}
	return found, nil
}

// unproven is the same for every block that nothing is proven of.
func unproven() []keyblock.Finding {
	return []keyblock.Finding{
		{Cause: keyblock.WrongKBPK, Certainty: keyblock.Possible,
			Text: text.New("another KBPK closed this block, or the block was damaged in more than one place; compare the check values of the KBPK on both sides")},
		{Cause: keyblock.PayloadEdited, Certainty: keyblock.Possible,
			Text: text.New("the encrypted key or the MAC was changed in more than one place; get the block again")},
	}
}
