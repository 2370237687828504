package component

import (
	"crypto/subtle"
	"fmt"
	"io"

	"poskey/internal/fault"
	"poskey/internal/secret"
	"poskey/pkg/kcv"
	"poskey/pkg/keys"
)

// Spec says how to cut a key.
type Spec struct {
	Scheme    Scheme
	Parts     int  // 2 to 9
	Threshold int  // Shamir: parts needed, 2 to Parts; XOR: Parts, or 0 for the same
	OddParity bool // XOR of DES keys only: every byte of every component has odd parity
}

// maxDraws bounds the redraws of refused parts. A sound source needs a second draw once in 300,000 splits.
const maxDraws = 16

// Split cuts the key into parts with sheets' data: a new set, numbers 1 to Parts, check values of part and key by the
// algorithm's default method. The key stays the caller's; the parts must be wiped. Errors: Usage for a Spec that
// cannot be, MalformedLength and WeakKey for a key that cannot be cut, Failure when the random source fails.
func Split(env keys.Env, key *keys.Key, spec Spec) ([]*Part, error) {
	if spec.Scheme == XOR && spec.Threshold == 0 {
		spec.Threshold = spec.Parts
	}
	if err := spec.check(key.Algorithm()); err != nil {
		return nil, err
	}
	if err := checkKey(key); err != nil {
		return nil, err
	}
	keyCheck, err := kcv.Of(key.Algorithm(), key.Secret().Expose(), kcv.Default(key.Algorithm()), 0)
	if err != nil {
		return nil, err
	}
	set, err := drawSet(env.Rand)
	if err != nil {
		return nil, err
	}
	for range maxDraws {
		values, err := draw(env.Rand, key, spec)
		if err != nil {
			return nil, err
		}
		parts, err := label(values, set, key, keyCheck, spec)
		if err != nil {
			return nil, err
		}
		if usable(parts, key) {
			return proven(parts, key, spec)
		}
		WipeAll(parts)
	}
	return nil, fault.New(fault.Failure, "the random source gave %d unusable draws in a row; it is broken", maxDraws)
}

func (s Spec) check(alg keys.Algorithm) error {
	switch {
	case s.Scheme != XOR && s.Scheme != Shamir:
		return fault.New(fault.Usage, "unknown scheme %q; known: xor shamir", string(s.Scheme))
	case s.Parts < MinParts || s.Parts > MaxParts:
		return fault.New(fault.Usage, "a key is cut into %d to %d parts, not %d", MinParts, MaxParts, s.Parts)
	case s.Scheme == XOR && s.Threshold != s.Parts:
		return fault.New(fault.Usage, "XOR needs all %d parts; a threshold of %d asks for scheme shamir",
			s.Parts, s.Threshold)
	case s.Scheme == Shamir && (s.Threshold < MinParts || s.Threshold > s.Parts):
		return fault.New(fault.Usage, "the threshold is %d, want %d to %d", s.Threshold, MinParts, s.Parts)
	case s.OddParity && s.Scheme != XOR:
		return fault.New(fault.Usage, "Shamir shares cannot have odd parity; XOR components can")
	case s.OddParity && !alg.IsDES():
		return fault.New(fault.Usage, "keys for %s have no parity bits", alg)
	}
	return nil
}

func checkKey(key *keys.Key) error {
	if err := checkAlgorithm(key.Algorithm()); err != nil {
		return err
	}
	if n := key.Len(); n < minBytes || n > maxBytes {
		return fault.New(fault.MalformedLength, "the key has %d bytes, a key that is cut into parts has %d to %d",
			n, minBytes, maxBytes)
	}
	if isZero(key.Algorithm(), key.Secret().Expose()) {
		return fault.New(fault.WeakKey, "the key is zero and cannot be cut into parts")
	}
	return nil
}

func drawSet(random io.Reader) (string, error) {
	var id [4]byte
	if _, err := io.ReadFull(random, id[:]); err != nil {
		return "", fault.WrapAs(fault.Failure, err, "draw the number of the set")
	}
	return fmt.Sprintf("%X-%X", id[:2], id[2:]), nil
}

// draw makes the values of all parts from fresh randomness.
func draw(random io.Reader, key *keys.Key, spec Spec) ([]*secret.Bytes, error) {
	n := spec.Parts - 1 // XOR: all components but one are drawn
	if spec.Scheme == Shamir {
		n = spec.Threshold - 1 // one coefficient for each degree
	}
	fresh, err := secret.Read(random, n*key.Len())
	if err != nil {
		return nil, fault.WrapAs(fault.Failure, err, "draw the parts")
	}
	defer fresh.Wipe()
	values := make([]*secret.Bytes, spec.Parts)
	for i := range values {
		values[i] = secret.New(key.Len())
	}
	if spec.Scheme == Shamir {
		for i, v := range values {
			evaluate(v.Expose(), key.Secret().Expose(), fresh.Expose(), byte(i+1))
		}
		return values, nil
	}
	components(values, key.Secret().Expose(), fresh.Expose(), spec.OddParity)
	return values, nil
}

// components deals the drawn bytes out and leaves the rest of the key to the last component. Each one alone, and any
// n-1 of them together, are uniformly random: over all bytes, or with odd parity over the bytes that have it.
func components(values []*secret.Bytes, key, fresh []byte, oddParity bool) {
	rest := values[len(values)-1].Expose()
	copy(rest, key)
	for _, v := range values[:len(values)-1] {
		fresh = fresh[copy(v.Expose(), fresh):]
		if oddParity {
			keys.FixParity(v.Expose())
		}
		subtle.XORBytes(rest, rest, v.Expose())
	}
	if oddParity {
		keys.FixParity(rest)
	}
}

// label makes parts of values, which are the parts' or wiped afterwards.
func label(values []*secret.Bytes, set string, key *keys.Key, keyCheck kcv.Value, spec Spec) ([]*Part, error) {
	parts := make([]*Part, len(values))
	for i, v := range values {
		parts[i] = &Part{Set: set, Index: i + 1, Of: spec.Parts, Threshold: spec.Threshold, Scheme: spec.Scheme,
			Algorithm: key.Algorithm(), KeyCheck: keyCheck, Value: v}
	}
	for _, p := range parts {
		if err := p.addCheck(); err != nil {
			WipeAll(parts)
			return nil, err
		}
	}
	return parts, nil
}

// usable reports whether Combine would take the parts, and whether each check value names one part: key-injection
// devices refuse a component with the check value of the key.
func usable(parts []*Part, key *keys.Key) bool {
	seen := map[kcv.Value]bool{parts[0].KeyCheck: true}
	for _, p := range parts {
		if seen[p.Check] {
			return false
		}
		seen[p.Check] = true
	}
	return refuseParts(parts, Options{}) == nil && refuseRelations(parts, key.Secret().Expose()) == nil
}

// proven combines the parts and compares with the key before anybody gets them.
func proven(parts []*Part, key *keys.Key, spec Spec) ([]*Part, error) {
	back, err := Combine(key.Algorithm(), parts)
	if err != nil {
		WipeAll(parts)
		return nil, fault.WrapAs(fault.Bug, err, "the parts do not combine")
	}
	defer back.Wipe()
	same := equalBytes(back.Secret().Expose(), key.Secret().Expose())
	if spec.OddParity {
		same = equalValues(key.Algorithm(), back.Secret().Expose(), key.Secret().Expose())
	}
	if !same {
		WipeAll(parts)
		return nil, fault.New(fault.Bug, "the parts do not give the key back")
	}
	return parts, nil
}
