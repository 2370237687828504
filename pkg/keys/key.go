// Package keys is the vocabulary of symmetric payment keys: algorithms, usages, the key itself, its parity, its
// strength and what makes it weak.
//
// A [Key] is an algorithm and secret bytes of the right length. TDES keys of 16 bytes mean K1‖K2‖K1, of 24 bytes
// K1‖K2‖K3. Parity is the lowest bit of each byte of a DES key (odd when right); it is kept as given, because DES
// ignores it while XOR, HMAC and AES do not. Nothing here prints, stores or compares keys in the open.
package keys

import (
	"crypto/cipher"
	"io"
	"math/bits"
	"time"

	"poskey/internal/cipherx"
	"poskey/internal/fault"
	"poskey/internal/secret"
	"poskey/internal/text"
)

// Env is what the outside world gives to code that must not reach for it: randomness and the time of day.
type Env struct {
	Rand io.Reader
	Now  func() time.Time
}

// Key is key bytes with the algorithm they are for.
type Key struct {
	alg Algorithm
	sec *secret.Bytes
}

// New takes ownership of sec. A length that the algorithm does not have is an error, and sec is wiped.
func New(alg Algorithm, sec *secret.Bytes) (*Key, error) {
	if want := alg.KeyLen(); want != 0 && sec.Len() != want {
		got := sec.Len()
		sec.Wipe()
		return nil, fault.New(fault.MalformedLength, "key for %s has %d bytes (%d hex digits), want %d bytes (%d hex digits)",
			alg, got, 2*got, want, 2*want)
	}
	if sec.Len() == 0 {
		sec.Wipe()
		return nil, fault.New(fault.MalformedLength, "the key is empty")
	}
	return &Key{alg, sec}, nil
}

// Algorithm gives the algorithm.
func (k *Key) Algorithm() Algorithm { return k.alg }

// Secret gives the bytes; they stay the key's.
func (k *Key) Secret() *secret.Bytes { return k.sec }

// Len is the length in bytes.
func (k *Key) Len() int { return k.sec.Len() }

// Strength is the strength in bits.
func (k *Key) Strength() int { return k.alg.Strength(k.Len()) }

// Wipe destroys the key.
func (k *Key) Wipe() {
	if k != nil {
		k.sec.Wipe()
	}
}

// Cipher gives the key's block cipher.
func (k *Key) Cipher() (cipher.Block, error) { return NewCipher(k.alg, k.sec.Expose()) }

// NewCipher makes the block cipher of alg for raw key bytes.
func NewCipher(alg Algorithm, key []byte) (cipher.Block, error) {
	switch {
	case alg.IsDES():
		return cipherx.NewTDES(key)
	case alg.IsAES():
		return cipherx.NewAES(key)
	case alg == SM4:
		return cipherx.NewSM4(key)
	}
	return nil, fault.New(fault.Usage, "%s has no block cipher", alg)
}

// Parity says how the parity bits of a DES key stand.
type Parity string

// The states of parity. Even on all bytes is what XOR of an even number of odd-parity components gives.
const (
	ParityNone  Parity = ""
	ParityOdd   Parity = "odd"
	ParityEven  Parity = "even"
	ParityMixed Parity = "mixed"
)

// Text is what people are told: two odd components always combine to even parity, and that is taken for a fault.
func (p Parity) Text() text.Text {
	switch p {
	case ParityOdd:
		return text.New("odd")
	case ParityEven:
		return text.New("even (an even number of odd-parity components gives that; the check value is the same)")
	case ParityMixed:
		return text.New("mixed (HSMs set odd parity; the check value is the same)")
	}
	return text.Text{}
}

// Parity looks at the parity bits; ParityNone for algorithms that have none.
func (k *Key) Parity() Parity {
	if !k.alg.IsDES() {
		return ParityNone
	}
	return ParityOf(k.sec.Expose())
}

// ParityOf looks at the parity of raw bytes.
func ParityOf(b []byte) Parity {
	odd := 0
	for _, v := range b {
		odd += bits.OnesCount8(v) & 1
	}
	switch odd {
	case len(b):
		return ParityOdd
	case 0:
		return ParityEven
	}
	return ParityMixed
}

// FixParity sets odd parity in place: the lowest bit of each byte makes the number of ones odd (FIPS 46-3).
func FixParity(b []byte) {
	for i, v := range b {
		b[i] = v&0xFE | byte(bits.OnesCount8(v>>1)+1)&1
	}
}

// Generate draws a key. DES keys get odd parity. A draw that turns out weak is thrown away; with a sound random
// source that never happens in practice, so ten such draws are taken as a broken source.
func Generate(random io.Reader, alg Algorithm) (*Key, error) {
	for range 10 {
		sec, err := secret.Read(random, alg.DefaultLen())
		if err != nil {
			return nil, fault.WrapAs(fault.Failure, err, "generate a %s key", alg)
		}
		if alg.IsDES() {
			FixParity(sec.Expose())
		}
		k, err := New(alg, sec)
		if err != nil {
			return nil, err
		}
		if len(k.Weaknesses()) == 0 {
			return k, nil
		}
		k.Wipe()
	}
	return nil, fault.New(fault.Failure, "the random source gave ten weak keys in a row; it is broken")
}
