//go:build cgo && !windows

package pkcs11

// Check values computed by the token: by ciphers and HMACs, never read from CKA_CHECK_VALUE.

import (
	"encoding/binary"
	"strconv"
	"strings"

	p11 "github.com/miekg/pkcs11"

	"poskey/internal/cipherx"
	"poskey/pkg/kcv"
	"poskey/pkg/keys"
)

// recipe is how a token computes the value of a method. ok is false for methods that need the bytes themselves.
type recipe struct {
	ecb     []byte // block to encrypt, nil for a MAC
	message []byte // of a MAC
	cut     int    // bytes of the result that count; 0 is all
}

func recipeOf(alg keys.Algorithm, k kind, m kcv.Method) (recipe, bool) {
	switch {
	case k.ecb == 0:
		return hmacRecipe(k, m)
	case m == kcv.ECBZero:
		return recipe{ecb: make([]byte, k.block)}, true
	case m == kcv.ECBOne && k.block == 16:
		return recipe{ecb: []byte(strings.Repeat("\x01", 16))}, true
	case m == kcv.PAXMode1 && alg.IsDES():
		return recipe{ecb: make([]byte, k.block), cut: 4}, true
	case m == kcv.PAXMode2 && alg.IsDES():
		return recipe{ecb: binary.BigEndian.AppendUint64(nil, kcv.PAXMode2Block), cut: 4}, true
	case m == kcv.CMAC:
		return recipe{message: make([]byte, k.block)}, true
	case m == kcv.CMACEmpty:
		return recipe{message: []byte{}}, true
	case m == kcv.CMAC16 && alg.IsDES():
		return recipe{message: make([]byte, 16)}, true
	}
	return recipe{}, false
}

func hmacRecipe(k kind, m kcv.Method) (recipe, bool) {
	if k.sign == 0 {
		return recipe{}, false
	}
	if m == kcv.HMACEmpty {
		return recipe{message: []byte{}}, true
	}
	n, err := strconv.Atoi(strings.TrimPrefix(string(m), "hmac-zeros-"))
	if err != nil || n < 1 || n > 4096 || m != kcv.HMACZeros(n) {
		return recipe{}, false
	}
	return recipe{message: make([]byte, n)}, true
}

// value computes a whole check value with a key that is there. native says that the token's own CMAC works.
func (s *session) value(o p11.ObjectHandle, k kind, r recipe, native bool) ([]byte, error) {
	var out []byte
	var err error
	switch {
	case r.ecb != nil:
		out, err = s.encrypt(o, k.ecb, r.ecb)
	case k.ecb == 0 || native:
		out, err = s.sign(o, k.sign, r.message)
	default:
		out, err = s.cmac(o, k, r.message)
	}
	if err != nil {
		return nil, err
	}
	if r.cut != 0 && r.cut < len(out) {
		out = out[:r.cut]
	}
	return out, nil
}

// cmac is SP 800-38B with the token as the cipher: two or three blocks, and the key stays where it is.
func (s *session) cmac(o p11.ObjectHandle, k kind, message []byte) ([]byte, error) {
	b := &block{s: s, o: o, k: k}
	out := make([]byte, k.block)
	cipherx.NewCMAC(b).Sum(out, message)
	return out, b.fail
}
