//go:build cgo && !windows

package pkcs11

// Weak keys found without their bytes. The key is the XOR of its parts, so any choice of its bytes, in any order, is the
// XOR of the same choice of each part, and can be formed inside as a key of its own. Two choices are equal when both
// encrypt a block of zeros to the same value (by chance once in 2^64); a choice is a known one when it encrypts to that
// one's value. What is told of the key here is no more than the answer: weak or not.

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"

	"poskey/internal/secret"
	"poskey/pkg/kcv"
	"poskey/pkg/keys"
)

// suspect is a key that is looked at so.
type suspect struct {
	s     *session
	alg   keys.Algorithm
	parts []*secret.Bytes
	n     int
	seen  map[string][]byte // values by algorithm and places, which are asked for more than once
	fail  error             // of the first call that failed
}

// weaknesses is keys.WeaknessesOf of the XOR of the parts, in its order.
func (s *session) weaknesses(alg keys.Algorithm, parts []*secret.Bytes) ([]keys.Weakness, error) {
	x := &suspect{s: s, alg: alg, parts: parts, n: parts[0].Len(), seen: map[string][]byte{}}
	var found []keys.Weakness
	add := func(is bool, w keys.Weakness) {
		if is {
			found = append(found, w)
		}
	}
	zero := x.is(make([]byte, x.n))
	add(zero, keys.AllZero)
	add(!zero && x.repeats(), keys.RepeatedPattern)
	add(x.counts(), keys.CountingPattern)
	if alg.IsDES() {
		weak, semi := x.weakDES()
		add(weak, keys.WeakDES)
		add(semi, keys.SemiWeakDES)
		add(x.equalParts(), keys.EqualHalves)
	}
	add(x.published(), keys.PublishedSample)
	return found, x.fail
}

// value encrypts a block of zeros under the bytes at these 16 places, taken as a key of alg.
func (x *suspect) value(alg keys.Algorithm, places []int) []byte {
	if x.fail != nil {
		return nil
	}
	name := fmt.Sprint(alg, places)
	if v := x.seen[name]; v != nil {
		return v
	}
	x.seen[name] = x.compute(alg, places)
	return x.seen[name]
}

func (x *suspect) compute(alg keys.Algorithm, places []int) []byte {
	chosen := make([]*secret.Bytes, len(x.parts))
	for i, p := range x.parts {
		chosen[i] = secret.New(len(places))
		defer chosen[i].Wipe()
		for at, from := range places {
			chosen[i].Expose()[at] = p.Expose()[from]
		}
	}
	k, _ := kindOf(alg)
	o, err := x.s.xored(chosen, template{keyType: k.keyType, uses: k.usesOf()})
	if err != nil {
		x.fail = err
		return nil
	}
	defer x.s.destroy(o)
	out, err := x.s.encrypt(o, k.ecb, make([]byte, k.block))
	if err != nil {
		x.fail = err
	}
	return out
}

// known is the value of bytes that are no secret.
func (x *suspect) known(alg keys.Algorithm, key []byte) []byte {
	out, err := kcv.Compute(alg, key, kcv.ECBZero)
	if err != nil && x.fail == nil {
		x.fail = err
	}
	return out
}

// windows cuts places from up to to into windows of 16: the last one ends with them, a short range goes round.
func windows(from, to int) [][]int {
	var all [][]int
	for at := from; at < to; at += 16 {
		w := make([]int, 16)
		for i := range w {
			switch {
			case to-from < 16:
				w[i] = from + i%(to-from)
			case at+16 > to:
				w[i] = to - 16 + i
			default:
				w[i] = at + i
			}
		}
		all = append(all, w)
	}
	return all
}

// is reports whether the key is this one, to the bit.
func (x *suspect) is(key []byte) bool {
	for _, w := range windows(0, x.n) {
		if !x.windowIs(w, key) {
			return false
		}
	}
	return x.fail == nil
}

func (x *suspect) windowIs(w []int, key []byte) bool {
	return bytes.Equal(x.value(keys.AES128, w), x.known(keys.AES128, choose(key, w)))
}

func choose(key []byte, places []int) []byte {
	out := make([]byte, len(places))
	for i, from := range places {
		out[i] = key[from]
	}
	return out
}

func (x *suspect) repeats() bool {
	for _, period := range []int{1, 2, 4, 8, 12, 16, 32} {
		if x.n >= 2*period && x.same(windows(period, x.n), windows(0, x.n-period)) {
			return true
		}
	}
	return false
}

func (x *suspect) same(a, b [][]int) bool {
	for i := range a {
		if !bytes.Equal(x.value(keys.AES128, a[i]), x.value(keys.AES128, b[i])) {
			return false
		}
	}
	return x.fail == nil
}

// counts tries all keys that count: 256 first bytes, 255 steps.
func (x *suspect) counts() bool {
	if x.n < 3 {
		return false
	}
	w := windows(0, x.n)[0]
	seen := x.value(keys.AES128, w)
	key := make([]byte, x.n)
	for i := range 256 * 255 {
		first, step := byte(i), byte(i>>8+1)
		for at := range key {
			key[at] = first + byte(at)*step
		}
		if x.fail != nil {
			return false
		}
		if bytes.Equal(seen, x.known(keys.AES128, choose(key, w))) {
			return x.is(key)
		}
	}
	return false
}

// weakDES takes each 8 bytes twice, as a double-length key: that is single DES, which not every token has.
func (x *suspect) weakDES() (weak, semi bool) {
	var values [16][]byte
	for i, half := range keys.WeakDESKeys() {
		b := binary.BigEndian.AppendUint64(nil, half)
		values[i] = x.known(keys.TDES128, append(b, b...))
	}
	for at := 0; at+8 <= x.n; at += 8 {
		got := x.value(keys.TDES128, slices.Concat(places(at, 8), places(at, 8)))
		for i, v := range values {
			if bytes.Equal(got, v) {
				weak, semi = weak || i < 4, semi || i >= 4
			}
		}
	}
	return weak, semi
}

func places(from, n int) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = from + i
	}
	return out
}

// equalParts: neighbours are equal, parity aside, when swapping them changes nothing.
func (x *suspect) equalParts() bool {
	for at := 0; at+16 <= x.n; at += 8 {
		swapped := slices.Concat(places(at+8, 8), places(at, 8))
		if bytes.Equal(x.value(keys.TDES128, places(at, 16)), x.value(keys.TDES128, swapped)) {
			return x.fail == nil
		}
	}
	return false
}

// published compares with the sample keys; for DES without parity.
func (x *suspect) published() bool {
	for _, key := range keys.PublishedKeys(x.n) {
		if x.alg.IsDES() && x.isDES(key) || !x.alg.IsDES() && x.is(key) {
			return true
		}
	}
	return false
}

func (x *suspect) isDES(key []byte) bool {
	for at := 0; at < x.n; at += 8 {
		half := slices.Concat(places(at, 8), places(at, 8))
		if !bytes.Equal(x.value(keys.TDES128, half), x.known(keys.TDES128, choose(key, half))) {
			return false
		}
	}
	return x.fail == nil
}
