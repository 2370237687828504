package dukpt

// The key serial number: its two lengths, its counter, its text.

import (
	"encoding/binary"

	"poskey/internal/fault"
	"poskey/pkg/keys"
)

// Scheme is a way of deriving. The length of the KSN decides it.
type Scheme string

// The schemes.
const (
	TDES Scheme = "tdes-dukpt"
	AES  Scheme = "aes-dukpt"
)

// Lengths of a KSN in bytes.
const (
	tdesLen = 10
	aesLen  = 12
)

// KSN is a key serial number. It is public, comparable with ==, and its zero value is none.
type KSN struct {
	n byte // length in bytes: 10, 12, or 0 for none
	b [aesLen]byte
}

// ParseKSN reads a KSN of 20 digits (TDES) or 24 (AES), in either case, with blanks, dashes and colons between digits.
// Errors are of kind malformed_hex, with the position, or ksn_length. A shorter KSN is refused, since each way to fill it
// up leads to other keys: see [ParseShortKSN].
func ParseKSN(s string) (KSN, error) {
	digits := keys.StripSeparators(s)
	n := len(digits)
	if n == 2*tdesLen || n == 2*aesLen {
		return decode(digits)
	}
	if n == 0 {
		return KSN{}, fault.New(fault.KSNLength, "the KSN is empty")
	}
	if err := checkDigits(digits); err != nil {
		return KSN{}, err
	}
	if n >= minShort && n < 2*tdesLen {
		return KSN{}, shortError(n)
	}
	return KSN{}, fault.New(fault.KSNLength, "the KSN has %d hex digits, want 20 (TDES DUKPT) or 24 (AES DUKPT)", n)
}

// decode reads text of 20 or 24 bytes.
func decode(digits string) (KSN, error) {
	raw, err := keys.ParseHex([]byte(digits))
	if err != nil {
		return KSN{}, fault.Wrap(err, "the KSN")
	}
	defer raw.Wipe()
	k := KSN{n: byte(raw.Len())}
	copy(k.b[:], raw.Expose())
	return k, nil
}

// Scheme tells by the length; "" for the zero value.
func (k KSN) Scheme() Scheme {
	switch k.n {
	case tdesLen:
		return TDES
	case aesLen:
		return AES
	}
	return ""
}

// IsZero reports whether there is no KSN.
func (k KSN) IsZero() bool { return k.n == 0 }

// Bytes gives the 10 or 12 bytes.
func (k KSN) Bytes() []byte { return append([]byte(nil), k.b[:k.n]...) }

// String gives 20 or 24 upper-case digits.
func (k KSN) String() string {
	const digits = "0123456789ABCDEF"
	var out [2 * len(k.b)]byte // by hand: it is said a million times in a batch
	for i, v := range k.b[:k.n] {
		out[2*i], out[2*i+1] = digits[v>>4], digits[v&15]
	}
	return string(out[:2*k.n])
}

// counterMask has the bits of the scheme's counter: the low 21 of a TDES KSN, the low 32 of an AES KSN.
func (k KSN) counterMask() uint32 {
	switch k.n {
	case tdesLen:
		return 1<<21 - 1
	case aesLen:
		return 1<<32 - 1
	}
	return 0
}

// last gives the last four bytes, where the counter is.
func (k *KSN) last() []byte {
	if k.n == 0 {
		return k.b[:4]
	}
	return k.b[k.n-4 : k.n]
}

// Counter is the transaction counter.
func (k KSN) Counter() uint32 { return binary.BigEndian.Uint32(k.last()) & k.counterMask() }

// withCounter replaces the counter by one that fits.
func (k KSN) withCounter(c uint32) KSN {
	mask := k.counterMask()
	kept := binary.BigEndian.Uint32(k.last()) &^ mask
	binary.BigEndian.PutUint32(k.last(), kept|c)
	return k
}

// WithCounter is the KSN of the same device with another counter; one that does not fit into the KSN is an error of kind
// counter_bits. Whether it is a transaction's, [KSN.CheckCounter] tells.
func (k KSN) WithCounter(c uint32) (KSN, error) {
	if c > k.counterMask() {
		return KSN{}, fault.New(fault.CounterBits, "counter %X is larger than the largest that the KSN can hold, %X",
			c, k.counterMask())
	}
	return k.withCounter(c), nil
}

// Update is the KSN with the counter that the update key is derived with, FFFFFFFF (6.5.3).
func (k KSN) Update() KSN { return k.withCounter(k.counterMask()) }

// Initial is the KSN with its counter cleared, which names the initial key.
func (k KSN) Initial() KSN { return k.withCounter(0) }
