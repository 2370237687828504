// Package kcv computes, reads, compares and identifies check values of keys.
//
// A check value is never a bare string: it is a method and digits. The methods, with the names used everywhere:
//
//	ecb-zero      E_K(one zero block): ANSI X9.24 method 1, "legacy", VISA, CCA ENC-ZERO, UnionPay
//	cmac          CMAC over one zero block: X9.24-1:2017 Annex A, X9.143 KC/KP type 01, the rule for AES
//	cmac-empty    CMAC over the empty message
//	cmac-16       CMAC over 16 zero bytes, two blocks of TDES (pkcs11-tools p11kcv)
//	ecb-one       AES of 16 bytes 01: GlobalPlatform Amendment D 7.2.2, GSMA SGP.02
//	sha1, sha256  leading bytes of the hash of the key
//	cca-sha256    SHA-256(01 ‖ key), leftmost 8 bytes: IBM CCA
//	hmac-empty    HMAC over the empty message with the key's hash
//	hmac-zeros-N  HMAC over N zero bytes
//	pax-mode-1    ecb-zero, 4 bytes: PAX iCheckMode 1
//	pax-mode-2    odd parity forced, then E_K(1234567890123456), 4 bytes: PAX iCheckMode 2
//
// Defaults and the longest value that may be shown follow PCI PIN 15-1: TDES by ecb-zero up to 6 digits or by cmac up
// to 10, AES by cmac up to 10. SM4 is outside that rule: 8 digits by UnionPay's practice. A longer value is computed
// when asked for, and [Limit] lets the caller warn.
//
// The package takes raw key bytes with an algorithm, so that diagnosis can compute values of what is not a key.
package kcv

import (
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/binary"
	"encoding/hex"
	"hash"
	"strconv"
	"strings"

	"poskey/internal/cipherx"
	"poskey/internal/fault"
	"poskey/internal/text"
	"poskey/pkg/keys"
)

// Method names a way to compute a check value.
type Method string

// The methods; hmac-zeros-N is made with [HMACZeros].
const (
	ECBZero   Method = "ecb-zero"
	CMAC      Method = "cmac"
	CMACEmpty Method = "cmac-empty"
	CMAC16    Method = "cmac-16"
	ECBOne    Method = "ecb-one"
	SHA1      Method = "sha1"
	SHA256    Method = "sha256"
	CCASHA256 Method = "cca-sha256"
	HMACEmpty Method = "hmac-empty"
	PAXMode1  Method = "pax-mode-1"
	PAXMode2  Method = "pax-mode-2"
)

const zerosPrefix = "hmac-zeros-"

// maxHMACZeros bounds N: nobody asks for more than a few blocks, and the argument comes from outside.
const maxHMACZeros = 4096

// HMACZeros names the method over n zero bytes.
func HMACZeros(n int) Method { return Method(zerosPrefix + strconv.Itoa(n)) }

func (m Method) hmacZeros() (n int, ok bool) {
	tail, ok := strings.CutPrefix(string(m), zerosPrefix)
	if !ok {
		return 0, false
	}
	n, err := strconv.Atoi(tail)
	return n, err == nil && n > 0 && n <= maxHMACZeros && strconv.Itoa(n) == tail
}

// ParseMethod reads a method's name in either case.
func ParseMethod(s string) (Method, error) {
	m := Method(strings.ToLower(strings.TrimSpace(s)))
	if _, ok := m.hmacZeros(); ok {
		return m, nil
	}
	switch m {
	case ECBZero, CMAC, CMACEmpty, CMAC16, ECBOne, SHA1, SHA256, CCASHA256, HMACEmpty, PAXMode1, PAXMode2:
		return m, nil
	}
	return "", fault.New(fault.Usage, "unknown check-value method %q; known: %s", text.Redact(s),
		"ecb-zero cmac cmac-empty cmac-16 ecb-one sha1 sha256 cca-sha256 hmac-empty hmac-zeros-N pax-mode-1 pax-mode-2")
}

// Methods lists the methods that an algorithm has, the default first. hmac-zeros-N stands with N = 32, the length
// that p11kcv users choose most; other N are computed when asked for.
func Methods(alg keys.Algorithm) []Method {
	switch {
	case alg.IsDES():
		return []Method{ECBZero, CMAC, CMACEmpty, CMAC16, PAXMode1, PAXMode2, SHA1, SHA256, CCASHA256}
	case alg.IsAES():
		return []Method{CMAC, ECBZero, CMACEmpty, ECBOne, SHA1, SHA256, CCASHA256}
	case alg == keys.SM4:
		return []Method{ECBZero, CMAC, CMACEmpty, ECBOne, SHA1, SHA256}
	case alg.IsHMAC():
		return []Method{HMACEmpty, HMACZeros(32), SHA1, SHA256}
	}
	return []Method{SHA256, SHA1}
}

// Default is the method used when none is named.
func Default(alg keys.Algorithm) Method {
	switch {
	case alg.IsDES() || alg == keys.SM4:
		return ECBZero
	case alg.IsAES():
		return CMAC
	case alg.IsHMAC():
		return HMACEmpty
	}
	return SHA256
}

// DefaultDigits is how many hex digits are shown when nothing else is said.
func DefaultDigits(alg keys.Algorithm, m Method) int {
	switch {
	case m == CCASHA256:
		return 16
	case m == PAXMode1 || m == PAXMode2 || alg == keys.SM4:
		return 8
	}
	return 6
}

// Limit is the largest number of digits that may be shown by rule; beyond it the caller warns. For methods outside
// PCI PIN 15-1 it is the length in which the method's users print it.
func Limit(alg keys.Algorithm, m Method) int {
	switch {
	case m == CMAC:
		return 10
	case m == CCASHA256:
		return 16
	case alg == keys.SM4 || m == PAXMode1 || m == PAXMode2:
		return 8
	case m == ECBZero && alg.IsDES():
		return 6
	}
	return 10
}

// Compute gives the whole value of a method, uncut (8 bytes and more; 4 for the PAX modes).
func Compute(alg keys.Algorithm, key []byte, m Method) ([]byte, error) {
	if n, ok := m.hmacZeros(); ok {
		return hmacValue(alg, key, m, make([]byte, n))
	}
	switch m {
	case SHA1:
		sum := sha1.Sum(key)
		return sum[:], nil
	case SHA256:
		sum := sha256.Sum256(key)
		return sum[:], nil
	case CCASHA256:
		return ccaSHA256(key), nil
	case HMACEmpty:
		return hmacValue(alg, key, m, nil)
	}
	if !alg.IsBlockCipher() {
		return nil, notFor(m, alg)
	}
	if alg == keys.TDES128 && len(key) == 16 && m == ECBZero { // the value that is made by the million
		var out [8]byte
		err := cipherx.EncryptTwoKey((*[16]byte)(key), &out)
		return out[:], err
	}
	b, err := keys.NewCipher(alg, key)
	if err != nil {
		return nil, err
	}
	return blockValue(alg, key, b, m)
}

func blockValue(alg keys.Algorithm, key []byte, b cipher.Block, m Method) ([]byte, error) {
	out := make([]byte, b.BlockSize())
	switch {
	case m == ECBZero:
		b.Encrypt(out, out)
	case m == CMAC:
		cipherx.NewCMAC(b).Sum(out, make([]byte, b.BlockSize()))
	case m == CMACEmpty:
		cipherx.NewCMAC(b).Sum(out)
	case m == CMAC16 && alg.IsDES():
		cipherx.NewCMAC(b).Sum(out, make([]byte, 16))
	case m == ECBOne && b.BlockSize() == 16:
		for i := range out {
			out[i] = 1
		}
		b.Encrypt(out, out)
	case m == PAXMode1 && alg.IsDES():
		b.Encrypt(out, out)
		return out[:4], nil
	case m == PAXMode2 && alg.IsDES():
		return paxMode2(key)
	default:
		return nil, notFor(m, alg)
	}
	return out, nil
}

// PAXMode2Block is what PAX mode 2 encrypts, first byte highest.
const PAXMode2Block = 0x1234567890123456

// paxMode2 forces odd parity as the device does; DES ignores it, so the value is the same as without, but the rule is
// written down as it was published.
func paxMode2(key []byte) ([]byte, error) {
	k := append([]byte(nil), key...)
	defer clear(k)
	keys.FixParity(k)
	b, err := cipherx.NewTDES(k)
	if err != nil {
		return nil, err
	}
	out := binary.BigEndian.AppendUint64(nil, PAXMode2Block)
	b.Encrypt(out, out)
	return out[:4], nil
}

func ccaSHA256(key []byte) []byte {
	h := sha256.New()
	h.Write([]byte{1})
	h.Write(key)
	return h.Sum(nil)[:8]
}

func hmacValue(alg keys.Algorithm, key []byte, m Method, msg []byte) ([]byte, error) {
	newHash := hashOf(alg)
	if newHash == nil {
		return nil, notFor(m, alg)
	}
	h := hmac.New(newHash, key)
	h.Write(msg)
	return h.Sum(nil), nil
}

func hashOf(alg keys.Algorithm) func() hash.Hash {
	switch alg {
	case keys.HMACSHA1:
		return sha1.New
	case keys.HMACSHA224:
		return sha256.New224
	case keys.HMACSHA256:
		return sha256.New
	case keys.HMACSHA384:
		return sha512.New384
	case keys.HMACSHA512:
		return sha512.New
	}
	return nil
}

func notFor(m Method, alg keys.Algorithm) error {
	return fault.New(fault.Usage, "check-value method %s does not exist for %s keys", m, alg)
}

// Value is a check value as it is shown: digits with the method that made them.
type Value struct {
	Method Method
	Digits string // upper-case hex
}

// String prints the value as people read it: 08D7B4 (ecb-zero).
func (v Value) String() string { return v.Digits + " (" + string(v.Method) + ")" }

// Of computes a value cut to digits; 0 takes the default length. More digits than the method yields is an error.
func Of(alg keys.Algorithm, key []byte, m Method, digits int) (Value, error) {
	full, err := Compute(alg, key, m)
	if err != nil {
		return Value{}, err
	}
	if digits == 0 {
		digits = DefaultDigits(alg, m)
	}
	if digits < 2 || digits > 2*len(full) {
		return Value{}, fault.New(fault.Usage, "check value %s has 2 to %d digits, asked for %d", m, 2*len(full), digits)
	}
	return Value{m, strings.ToUpper(hex.EncodeToString(full))[:digits]}, nil
}
