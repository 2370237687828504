//go:build cgo && !windows

package pkcs11

// What the token can do, found by trying: each step with throw-away session objects, and a known answer where it has one.

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"sync"
	"unsafe"

	p11 "github.com/miekg/pkcs11"

	"poskey/internal/fault"
	"poskey/internal/secret"
	"poskey/internal/text"
	"poskey/pkg/kcv"
	"poskey/pkg/keys"
)

/*
#include <stdlib.h>
#include <string.h>
*/
import "C"

// step is one thing that a token may be able to do.
type step struct {
	id        string
	text      text.Text
	mechanism uint
	name      string // of the mechanism
	job       Job    // that does it in process memory, or ""
	instead   *step  // another step by which the token gets there, or nil
	try       func(s *session) error
}

// abilities remembers what was tried, per open token.
type abilities struct {
	mu    sync.Mutex
	known map[string]error
}

// can tries a step once. An error of a try means that the token cannot; the one who asks has another way.
func (s *session) can(x step) bool {
	a := &s.abilities
	a.mu.Lock()
	err, tried := a.known[x.id]
	a.mu.Unlock()
	if tried {
		return err == nil
	}
	err = x.try(s)
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.known == nil {
		a.known = map[string]error{}
	}
	a.known[x.id] = err
	return err == nil
}

// wrong says that a step was done, and not as it should be.
type wrong struct{ error }

func errWrong() error { return wrong{fault.New(fault.SelftestFailed, "the result is wrong")} }

func (w wrong) Unwrap() error { return w.error }

func isWrong(err error) bool {
	var w wrong
	return errors.As(err, &w)
}

// testKey gives published bytes as long as a key of the algorithm: TEST keys.
func testKey(alg keys.Algorithm) *secret.Bytes {
	digits := "000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F"
	if alg.IsDES() {
		digits = "0123456789ABCDEFFEDCBA987654321089ABCDEF01234567"
	}
	b, err := hex.DecodeString(digits)
	if err != nil {
		return secret.New(0)
	}
	return secret.Copy(bytes.Repeat(b, 2)[:alg.DefaultLen()])
}

func generateStep(alg keys.Algorithm) step {
	k, _ := kindOf(alg)
	return step{"generate-" + string(alg), text.New("generate a key: %s", alg), k.generate, generateName(alg),
		JobGenerate, nil,
		func(s *session) error { return s.tryGenerate(alg, k) }}
}

func generateName(alg keys.Algorithm) string {
	switch {
	case alg == keys.DES:
		return "CKM_DES_KEY_GEN"
	case alg == keys.TDES128:
		return "CKM_DES2_KEY_GEN"
	case alg == keys.TDES192:
		return "CKM_DES3_KEY_GEN"
	case alg.IsAES():
		return "CKM_AES_KEY_GEN"
	}
	return "CKM_GENERIC_SECRET_KEY_GEN"
}

// generated makes a key of the algorithm inside.
func (s *session) generated(alg keys.Algorithm, k kind, x template) (p11.ObjectHandle, error) {
	x.keyType = k.keyType
	if alg.KeyLen() == 0 || alg.IsAES() || k.ecb == 0 {
		x.valueLen = alg.DefaultLen()
	}
	return s.m.GenerateKey(s.h, mechanism(k.generate, nil), s.attributes(x))
}

// tryGenerate looks at a key that is thrown away: length, parity, no weakness, and that the next one is another.
func (s *session) tryGenerate(alg keys.Algorithm, k kind) error {
	first, err := s.thrownAway(alg, k)
	if err != nil {
		return err
	}
	defer first.Wipe()
	second, err := s.thrownAway(alg, k)
	if err != nil {
		return err
	}
	defer second.Wipe()
	sound := first.Len() == alg.DefaultLen() && !first.Equal(second) && len(keys.WeaknessesOf(alg, first.Expose())) == 0
	if !sound || alg.IsDES() && keys.ParityOf(first.Expose()) != keys.ParityOdd {
		return errWrong()
	}
	return nil
}

func (s *session) thrownAway(alg keys.Algorithm, k kind) (*secret.Bytes, error) {
	o, err := s.generated(alg, k, template{readable: true})
	if err != nil {
		return nil, err
	}
	defer s.destroy(o)
	return s.m.value(s.h, o)
}

func valueStep(alg keys.Algorithm, m kcv.Method) step {
	k, _ := kindOf(alg)
	id, name := k.ecb, "CKM_"+family(alg)+"_ECB"
	if m != kcv.ECBZero {
		id, name = k.sign, "CKM_"+family(alg)+"_CMAC"
	}
	var instead *step
	if m == kcv.CMAC {
		ecb := valueStep(alg, kcv.ECBZero)
		instead = &ecb
	}
	if k.ecb == 0 {
		name = hmacName(alg)
	}
	return step{"value-" + string(m) + "-" + string(alg), text.New("check value: %s by %s", alg, m), id, name,
		JobValue, instead,
		func(s *session) error { return s.tryValue(alg, k, m) }}
}

func family(alg keys.Algorithm) string {
	switch {
	case alg == keys.DES:
		return "DES"
	case alg.IsDES():
		return "DES3"
	}
	return "AES"
}

func hmacName(alg keys.Algorithm) string {
	switch alg {
	case keys.HMACSHA1:
		return "CKM_SHA_1_HMAC"
	case keys.HMACSHA224:
		return "CKM_SHA224_HMAC"
	case keys.HMACSHA256:
		return "CKM_SHA256_HMAC"
	case keys.HMACSHA384:
		return "CKM_SHA384_HMAC"
	}
	return "CKM_SHA512_HMAC"
}

// tryValue holds the token's own value of a test key against ours.
func (s *session) tryValue(alg keys.Algorithm, k kind, m kcv.Method) error {
	r, ok := recipeOf(alg, k, m)
	if !ok {
		return p11.Error(p11.CKR_MECHANISM_INVALID)
	}
	clear := testKey(alg)
	defer clear.Wipe()
	o, err := s.m.create(s.h, s.attributes(template{keyType: k.keyType, uses: k.usesOf()}), clear)
	if err != nil {
		return err
	}
	defer s.destroy(o)
	got, err := s.value(o, k, r, true)
	if err != nil {
		return err
	}
	want, err := kcv.Compute(alg, clear.Expose(), m)
	if err != nil || !bytes.Equal(got, want) {
		return errWrong()
	}
	return nil
}

func wrapStep() step {
	return step{"wrap-master", text.New("wrap and unwrap keys under the master key"), wrapPad,
		"CKM_AES_KEY_WRAP_PAD", "", nil, (*session).tryWrap}
}

// masterKey makes a wrapping key to throw away.
func (s *session) masterKey() (p11.ObjectHandle, error) {
	return s.m.GenerateKey(s.h, mechanism(p11.CKM_AES_KEY_GEN, nil), s.attributes(template{keyType: p11.CKK_AES,
		valueLen: 32,
		uses:     []uint{p11.CKA_WRAP, p11.CKA_UNWRAP}}))
}

// tryWrap looks whether bytes come back as they went, of lengths that do and do not fill a block, with any parity.
func (s *session) tryWrap() error {
	master, err := s.masterKey()
	if err != nil {
		return err
	}
	defer s.destroy(master)
	for _, n := range []int{8, 16, 20, 24, 28, 32, 48, 64} {
		clear := secret.New(n)
		for i := range clear.Expose() {
			clear.Expose()[i] = byte(3*i + n)
		}
		err := s.thereAndBack(master, clear)
		clear.Wipe()
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *session) thereAndBack(master p11.ObjectHandle, clear *secret.Bytes) error {
	o, err := s.stored(clear)
	if err != nil {
		return err
	}
	defer s.destroy(o)
	wrapped, err := s.m.WrapKey(s.h, mechanism(wrapPad, nil), master, o)
	if err != nil {
		return err
	}
	back, err := s.readBack(master, wrapped, clear.Len())
	if err != nil {
		return err
	}
	defer back.Wipe()
	if !back.Equal(clear) {
		return errWrong()
	}
	return nil
}

// stored takes clear bytes into the token as they are: as a generic secret, since some tokens set the parity of DES keys.
// Zeros fill them up to a multiple of 8 bytes: not every token wraps other lengths, and readBack takes them off.
func (s *session) stored(clear *secret.Bytes) (p11.ObjectHandle, error) {
	full := secret.New((clear.Len() + 7) / 8 * 8)
	defer full.Wipe()
	copy(full.Expose(), clear.Expose())
	return s.m.create(s.h, s.attributes(template{keyType: p11.CKK_GENERIC_SECRET, wrapped: true}), full)
}

// readBack unwraps into a readable object and reads a key of n bytes. SoftHSM2 leaves the padding of the wrap on a key
// that it made itself: zeros up to a multiple of 8 bytes, which are taken off here.
func (s *session) readBack(master p11.ObjectHandle, wrapped []byte, n int) (*secret.Bytes, error) {
	o, err := s.m.UnwrapKey(s.h, mechanism(wrapPad, nil), master, wrapped,
		s.attributes(template{keyType: p11.CKK_GENERIC_SECRET, readable: true}))
	if err != nil {
		return nil, err
	}
	defer s.destroy(o)
	clear, err := s.m.value(s.h, o)
	if err != nil {
		return nil, err
	}
	defer clear.Wipe()
	if clear.Len() < n || clear.Len() >= n+8 || !allZero(clear.Expose()[n:]) {
		return nil, errWrong()
	}
	return secret.Copy(clear.Expose()[:n]), nil
}

func allZero(b []byte) bool {
	var or byte
	for _, v := range b {
		or |= v
	}
	return or == 0
}

func xorStep() step {
	return step{"combine-xor", text.New("combine XOR components"), p11.CKM_XOR_BASE_AND_DATA,
		"CKM_XOR_BASE_AND_DATA", JobCombine, nil, (*session).tryXOR}
}

// tryXOR combines three components, and knows the key that they give: as AES and as triple DES.
func (s *session) tryXOR() error {
	parts := make([]*secret.Bytes, 3)
	sum := secret.New(16)
	defer sum.Wipe()
	for i := range parts {
		parts[i] = secret.New(16)
		defer parts[i].Wipe()
		for j := range parts[i].Expose() {
			v := byte(0x11*(i+1) + 7*j)
			parts[i].Expose()[j] = v
			sum.Expose()[j] ^= v
		}
	}
	for _, alg := range []keys.Algorithm{keys.AES128, keys.TDES128} {
		k, _ := kindOf(alg)
		o, err := s.xored(parts, template{keyType: k.keyType, uses: k.usesOf()})
		if err != nil {
			return err
		}
		r, _ := recipeOf(alg, k, kcv.ECBZero)
		got, err := s.value(o, k, r, false)
		s.destroy(o)
		if err != nil {
			return err
		}
		want, err := kcv.Compute(alg, sum.Expose(), kcv.ECBZero)
		if err != nil || !bytes.Equal(got, want) {
			return errWrong()
		}
	}
	return nil
}

// xored combines components inside: the first is taken in, the others are derived onto it, and the last step gives the
// key its type. The sum is never in this process.
func (s *session) xored(parts []*secret.Bytes, last template) (p11.ObjectHandle, error) {
	o, err := s.m.create(s.h, s.attributes(template{keyType: p11.CKK_GENERIC_SECRET, wrapped: true,
		uses: []uint{p11.CKA_DERIVE}}), parts[0])
	if err != nil {
		return 0, err
	}
	for i, p := range parts[1:] {
		x := template{keyType: p11.CKK_GENERIC_SECRET, wrapped: true, uses: []uint{p11.CKA_DERIVE}, valueLen: p.Len()}
		if i == len(parts)-2 {
			x = last
			if x.keyType == p11.CKK_AES || x.keyType == p11.CKK_GENERIC_SECRET {
				x.valueLen = p.Len()
			}
		}
		next, err := s.derive(p11.CKM_XOR_BASE_AND_DATA, o, p, x)
		s.destroy(o)
		if err != nil {
			return 0, err
		}
		o = next
	}
	return o, nil
}

// derive runs a derivation whose parameter is CK_KEY_DERIVATION_STRING_DATA: a pointer and a length, built by hand. The
// data may be a secret, so its copy is wiped.
func (s *session) derive(mech uint, base p11.ObjectHandle, data *secret.Bytes, x template) (p11.ObjectHandle, error) {
	n := data.Len()
	c := C.CBytes(data.Expose())
	defer func() {
		C.memset(c, 0, C.size_t(n))
		C.free(c)
	}()
	const word = int(unsafe.Sizeof(uintptr(0)))
	parameter := make([]byte, 2*word)
	if word == 8 {
		binary.NativeEndian.PutUint64(parameter, uint64(uintptr(c)))
		binary.NativeEndian.PutUint64(parameter[word:], uint64(n))
	} else {
		binary.NativeEndian.PutUint32(parameter, uint32(uintptr(c)))
		binary.NativeEndian.PutUint32(parameter[word:], uint32(n))
	}
	return s.m.DeriveKey(s.h, mechanism(mech, parameter), base, s.attributes(x))
}
