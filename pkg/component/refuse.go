package component

import (
	"crypto/subtle"
	"math/bits"
	"slices"

	"poskey/internal/fault"
	"poskey/internal/secret"
	"poskey/pkg/keys"
)

// refuseParts looks at each part alone.
func refuseParts(parts []*Part, opts Options) error {
	if opts.AllowWeak {
		return nil
	}
	for i, p := range parts {
		if err := refuseValue(p.Algorithm, p.Value.Expose()); err != nil {
			return p.place(err, i+1)
		}
	}
	return nil
}

func refuseValue(alg keys.Algorithm, value []byte) error {
	weak := keys.WeaknessesOf(alg, value)
	switch {
	case isZero(alg, value):
		return fault.New(fault.PartRefused, "it is zero and adds no secrecy")
	case hasFill(alg, value) && !slices.Contains(weak, keys.RepeatedPattern):
		return fault.New(fault.PartRefused, "eight bytes in a row are equal, as in a half that was filled up: "+
			"components have full length and are combined by XOR; halves are never joined (PCI PIN 12-4)")
	case len(weak) > 0:
		return fault.New(fault.PartRefused, "it adds no secrecy: %s", weak[0].Text())
	}
	return nil
}

// refuseRelations looks at what parts are to each other and to the key they give. Nothing lifts these rules: where
// they are broken, fewer people than planned know the key.
func refuseRelations(parts []*Part, key []byte) error {
	if parts[0].Scheme == Shamir {
		return refuseEqualShares(parts, key)
	}
	sum := secret.New(len(key))
	defer sum.Wipe()
	for size := 1; size <= len(parts); size++ {
		if size == 1 && len(parts) > 2 {
			continue // a zero part among several is a matter of refuseParts
		}
		for chosen := range subsets(len(parts)) {
			if bits.OnesCount(chosen) != size {
				continue
			}
			addUp(sum.Expose(), parts, chosen)
			if isZero(parts[0].Algorithm, sum.Expose()) {
				return cancelError(parts, chosen)
			}
		}
	}
	return nil
}

// cancelError words what it means that the chosen parts XOR to zero.
func cancelError(parts []*Part, chosen uint) error {
	all := numbers(parts)
	in, out := pick(all, chosen), pick(all, ^chosen)
	switch {
	case len(in) == 2:
		return fault.New(fault.PartRefused, "parts %d and %d are equal: the same part was entered twice, or one was copied",
			in[0], in[1])
	case len(out) == 0:
		return fault.New(fault.PartRefused, "the parts cancel out: the combined key would be zero")
	case len(out) == 1:
		return fault.New(fault.PartRefused, "part %d equals the combined key, because the others cancel out: "+
			"its custodian would know the key", out[0])
	}
	return fault.New(fault.PartRefused, "parts %s cancel out: parts %s alone would give the key", list(in), list(out))
}

// refuseEqualShares: Split never makes equal shares nor one that equals the key.
func refuseEqualShares(parts []*Part, key []byte) error {
	alg := parts[0].Algorithm
	for i, p := range parts {
		for _, q := range parts[:i] {
			if equalValues(alg, p.Value.Expose(), q.Value.Expose()) {
				return fault.New(fault.PartRefused, "shares %d and %d are equal: one was entered under two numbers",
					q.Index, p.Index)
			}
		}
	}
	for i, p := range parts {
		if equalValues(alg, p.Value.Expose(), key) {
			return p.place(fault.New(fault.PartRefused, "it equals the combined key: its custodian would know the key"), i+1)
		}
	}
	if isZero(alg, key) {
		return fault.New(fault.PartRefused, "the combined key would be zero")
	}
	return nil
}

// subsets counts through the non-empty choices of n parts as bit sets.
func subsets(n int) func(yield func(uint) bool) {
	return func(yield func(uint) bool) {
		for chosen := uint(1); chosen < 1<<n; chosen++ {
			if !yield(chosen) {
				return
			}
		}
	}
}

func pick(all []int, chosen uint) []int {
	var picked []int
	for i, n := range all {
		if chosen>>i&1 == 1 {
			picked = append(picked, n)
		}
	}
	return picked
}

// addUp writes the XOR of the chosen parts, which all have the length of sum.
func addUp(sum []byte, parts []*Part, chosen uint) {
	clear(sum)
	for i, p := range parts {
		if chosen>>i&1 == 1 {
			subtle.XORBytes(sum, sum, p.Value.Expose())
		}
	}
}

// keyBits masks the parity bits of DES keys away, which take no part in the key.
func keyBits(alg keys.Algorithm) byte {
	if alg.IsDES() {
		return 0xFE
	}
	return 0xFF
}

func isZero(alg keys.Algorithm, b []byte) bool {
	var or byte
	for _, v := range b {
		or |= v
	}
	return subtle.ConstantTimeByteEq(or&keyBits(alg), 0) == 1
}

// equalValues compares two values of equal length as the algorithm sees them.
func equalValues(alg keys.Algorithm, a, b []byte) bool {
	var diff byte
	for i := range a {
		diff |= a[i] ^ b[i]
	}
	return subtle.ConstantTimeByteEq(diff&keyBits(alg), 0) == 1
}

func equalBytes(a, b []byte) bool { return subtle.ConstantTimeCompare(a, b) == 1 }

// hasFill reports eight equal bytes in a row within a longer value. Chance makes that once in 2^44 parts.
func hasFill(alg keys.Algorithm, b []byte) bool {
	if len(b) <= 8 {
		return false
	}
	found := 0
	for at := 0; at+8 <= len(b); at++ {
		var diff byte
		for _, v := range b[at+1 : at+8] {
			diff |= v ^ b[at]
		}
		found |= subtle.ConstantTimeByteEq(diff&keyBits(alg), 0)
	}
	return found == 1
}
