//go:build cgo && !windows

package pkcs11

// How the trade's algorithms are called in PKCS#11, and the calls for one block.

import (
	"crypto/cipher"

	p11 "github.com/miekg/pkcs11"

	"poskey/pkg/keys"
)

// wrapPad is CKM_AES_KEY_WRAP_PAD; the library has the name of the older wrap only.
const wrapPad = 0x210A

// kind is how a token holds and uses a key.
type kind struct {
	keyType  uint
	generate uint
	ecb      uint // 0 where there is no cipher
	sign     uint // CMAC or HMAC
	block    int
}

// kindOf gives the kind of an algorithm; ok is false for those that a token only stores.
func kindOf(alg keys.Algorithm) (kind, bool) {
	switch {
	case alg == keys.DES:
		return kind{p11.CKK_DES, p11.CKM_DES_KEY_GEN, p11.CKM_DES_ECB, 0, 8}, true
	case alg == keys.TDES128:
		return kind{p11.CKK_DES2, p11.CKM_DES2_KEY_GEN, p11.CKM_DES3_ECB, p11.CKM_DES3_CMAC, 8}, true
	case alg == keys.TDES192:
		return kind{p11.CKK_DES3, p11.CKM_DES3_KEY_GEN, p11.CKM_DES3_ECB, p11.CKM_DES3_CMAC, 8}, true
	case alg.IsAES():
		return kind{p11.CKK_AES, p11.CKM_AES_KEY_GEN, p11.CKM_AES_ECB, p11.CKM_AES_CMAC, 16}, true
	}
	k := kind{keyType: p11.CKK_GENERIC_SECRET, generate: p11.CKM_GENERIC_SECRET_KEY_GEN}
	switch alg {
	case keys.HMACSHA1:
		k.sign = p11.CKM_SHA_1_HMAC
	case keys.HMACSHA224:
		k.sign = p11.CKM_SHA224_HMAC
	case keys.HMACSHA256:
		k.sign = p11.CKM_SHA256_HMAC
	case keys.HMACSHA384:
		k.sign = p11.CKM_SHA384_HMAC
	case keys.HMACSHA512:
		k.sign = p11.CKM_SHA512_HMAC
	default:
		return k, false
	}
	return k, true
}

func mechanism(id uint, parameter []byte) []*p11.Mechanism {
	if parameter == nil {
		return []*p11.Mechanism{p11.NewMechanism(id, nil)}
	}
	return []*p11.Mechanism{p11.NewMechanism(id, parameter)}
}

// template is that of a session object. Readable ones are for the fallback only; others can be wrapped or not.
type template struct {
	keyType  uint
	readable bool
	wrapped  bool // may be wrapped under the master key
	uses     []uint
	valueLen int // of a generated key whose type does not fix it
}

func (t *Token) attributes(x template) []*p11.Attribute {
	list := []*p11.Attribute{
		p11.NewAttribute(p11.CKA_CLASS, p11.CKO_SECRET_KEY),
		p11.NewAttribute(p11.CKA_KEY_TYPE, x.keyType),
		p11.NewAttribute(p11.CKA_TOKEN, false),
		p11.NewAttribute(p11.CKA_PRIVATE, t.login),
		p11.NewAttribute(p11.CKA_SENSITIVE, !x.readable),
		p11.NewAttribute(p11.CKA_EXTRACTABLE, x.readable || x.wrapped),
	}
	for _, use := range x.uses {
		list = append(list, p11.NewAttribute(use, true))
	}
	if x.valueLen != 0 {
		list = append(list, p11.NewAttribute(p11.CKA_VALUE_LEN, x.valueLen))
	}
	return list
}

// usesOf lists what a key of the algorithm must be allowed for its check values.
func (k kind) usesOf() []uint {
	var uses []uint
	if k.ecb != 0 {
		uses = append(uses, p11.CKA_ENCRYPT)
	}
	if k.sign != 0 {
		uses = append(uses, p11.CKA_SIGN)
	}
	return uses
}

// encrypt runs ECB over whole blocks.
func (s *session) encrypt(o p11.ObjectHandle, ecb uint, blocks []byte) ([]byte, error) {
	if err := s.m.EncryptInit(s.h, mechanism(ecb, nil), o); err != nil {
		return nil, err
	}
	return s.m.Encrypt(s.h, blocks)
}

func (s *session) sign(o p11.ObjectHandle, mech uint, message []byte) ([]byte, error) {
	if err := s.m.SignInit(s.h, mechanism(mech, nil), o); err != nil {
		return nil, err
	}
	return s.m.Sign(s.h, message)
}

func (s *session) destroy(o p11.ObjectHandle) { _ = s.m.DestroyObject(s.h, o) }

// block is a key of a token as a cipher, for a CMAC where the token has none: it only ever encrypts.
type block struct {
	s    *session
	o    p11.ObjectHandle
	k    kind
	fail error // of the first call that failed; what came out is worth nothing then
}

var _ cipher.Block = (*block)(nil)

func (b *block) BlockSize() int { return b.k.block }

func (b *block) Encrypt(dst, src []byte) {
	out, err := b.s.encrypt(b.o, b.k.ecb, src[:b.k.block])
	if err == nil && len(out) != b.k.block {
		err = p11.Error(p11.CKR_DATA_LEN_RANGE)
	}
	if err != nil {
		if b.fail == nil {
			b.fail = err
		}
		return
	}
	copy(dst, out)
}

// Decrypt is not needed by any check value, and keys used for those may not decrypt.
func (b *block) Decrypt(_, _ []byte) { b.fail = p11.Error(p11.CKR_FUNCTION_NOT_SUPPORTED) }
