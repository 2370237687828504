package chained

// The hash at the end of a line.

import (
	"bytes"
	"crypto/sha256"

	"poskey/internal/fault"
)

// Sum is a SHA-256 value.
type Sum = [sha256.Size]byte

const (
	hashStart = `,"hash":"`
	hashEnd   = `"}`

	// SealLength is the end of a line, which its hash does not cover.
	SealLength = len(hashStart) + 2*len(Sum{}) + len(hashEnd)
)

const upperHex = "0123456789ABCDEF"

// AppendHex writes a hash as 64 upper-case hex digits.
func AppendHex(dst []byte, sum Sum) []byte {
	for _, b := range sum {
		dst = append(dst, upperHex[b>>4], upperHex[b&15])
	}
	return dst
}

// ParseHex reads what AppendHex wrote; lower case is refused.
func ParseHex(s string) (Sum, error) {
	var sum Sum
	if len(s) != 2*len(sum) || !All(s, IsHex) {
		return Sum{}, fault.New(fault.Malformed, "a hash has 64 upper-case hex digits")
	}
	for i := range sum {
		sum[i] = nibble(s[2*i])<<4 | nibble(s[2*i+1])
	}
	return sum, nil
}

// nibble reads a digit that IsHex has accepted.
func nibble(c byte) byte {
	if IsDigit(c) {
		return c - '0'
	}
	return c - 'A' + 10
}

// Hash hashes the bytes of a line that stand before its own hash. The domain keeps it apart from every other use of
// SHA-256; a line feed stands between.
func Hash(domain string, body []byte) Sum {
	h := sha256.New()
	h.Write([]byte(domain + "\n"))
	h.Write(body)
	var sum Sum
	h.Sum(sum[:0])
	return sum
}

// AppendSeal ends a line with its hash.
func AppendSeal(dst []byte, sum Sum) []byte {
	return append(AppendHex(append(dst, hashStart...), sum), hashEnd...)
}

// CutSeal takes the hash off a line and gives it with the bytes before it. Error: malformed.
func CutSeal(line []byte) (body []byte, carried Sum, err error) {
	cut := len(line) - SealLength
	if cut < 0 || !bytes.HasPrefix(line[cut:], []byte(hashStart)) || !bytes.HasSuffix(line, []byte(hashEnd)) {
		return nil, Sum{}, fault.New(fault.Malformed, "it does not end in its hash")
	}
	carried, err = ParseHex(string(line[cut+len(hashStart) : len(line)-len(hashEnd)]))
	if err != nil {
		return nil, Sum{}, err
	}
	return line[:cut], carried, nil
}

// CommonLength is the number of bytes in which two texts agree from their beginning on.
func CommonLength(a, b []byte) int {
	n := 0
	for n < min(len(a), len(b)) && a[n] == b[n] {
		n++
	}
	return n
}
