package slip

// One candidate against the value expected.

import (
	"crypto/cipher"
	"encoding/hex"

	"poskey/internal/cipherx"
	"poskey/internal/fault"
	"poskey/pkg/kcv"
	"poskey/pkg/keys"
)

// target is the value that a key must have, with the digits that are compared.
type target struct {
	alg    keys.Algorithm
	method kcv.Method
	value  kcv.Expected
	want   []byte // the digits as bytes, an odd one filled with zero
	digits int    // compared
}

func newTarget(alg keys.Algorithm, m kcv.Method, value kcv.Expected) (target, error) {
	full, err := kcv.Compute(alg, make([]byte, alg.DefaultLen()), m) // whoever computes it knows what exists
	if err != nil {
		return target{}, err
	}
	t := target{alg: alg, method: m, value: value, digits: min(len(value.Digits), 2*len(full))}
	t.want, err = hex.DecodeString((value.Digits + "0")[:(t.digits+1)/2*2])
	if err != nil || t.digits < 4 {
		return target{}, fault.New(fault.MalformedHex, "the expected check value is not hex of 4 digits and more")
	}
	return t, nil
}

// hidden reports whether the value does not show the lowest bits of the key's bytes.
func (t target) hidden() bool {
	switch t.method {
	case kcv.SHA1, kcv.SHA256, kcv.CCASHA256:
		return false
	}
	return t.alg.IsDES()
}

// agrees compares on the digits that both have.
func (t target) agrees(full []byte) bool {
	whole := t.digits / 2
	if full[0] != t.want[0] {
		return false
	}
	for i := 1; i < whole; i++ {
		if full[i] != t.want[i] {
			return false
		}
	}
	return t.digits%2 == 0 || full[whole]>>4 == t.want[whole]>>4
}

// trial tries keys one after the other, with memory of its own, so that a candidate costs its cipher and nothing else.
type trial struct {
	target
	out  [16]byte
	zero [16]byte
}

// fits reports whether the key has the value. A key that the cipher refuses has not.
func (t *trial) fits(key []byte) bool {
	if t.method != kcv.ECBZero && t.method != kcv.CMAC || !t.alg.IsBlockCipher() {
		full, err := kcv.Compute(t.alg, key, t.method)
		ok := err == nil && t.agrees(full)
		clear(full)
		return ok
	}
	b, err := t.cipher(key)
	if err != nil {
		return false
	}
	n := b.BlockSize()
	b.Encrypt(t.out[:n], t.zero[:n])
	if t.method == kcv.CMAC { // of one zero block: the subkey alone goes through the cipher
		cipherx.Double(t.out[:n])
		b.Encrypt(t.out[:n], t.out[:n])
	}
	return t.agrees(t.out[:n])
}

func (t *trial) cipher(key []byte) (cipher.Block, error) {
	switch {
	case t.alg.IsDES():
		return cipherx.NewTDES(key)
	case t.alg.IsAES():
		return cipherx.NewAES(key)
	}
	return keys.NewCipher(t.alg, key)
}
