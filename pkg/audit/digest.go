package audit

// Hashes: of requests, of batches, of records.

import (
	"crypto/sha256"
	"hash"

	"poskey/internal/fault"
)

// Digest is a SHA-256 value. It is made by hashing, here, so that nobody can put a 32-byte key into a record and call it
// a digest; only between processes it is read back ([ParseDigest]). The zero Digest stands for none.
//
// A digest of a secret is a secret: whoever can guess the content can test the guess. Requests that are hashed hold
// labels, attributes and key blocks, never clear keys, components, PINs or passphrases.
type Digest struct{ sum [sha256.Size]byte }

// DigestOf hashes a request or a document: SHA-256 of the bytes as they are.
func DigestOf(content []byte) Digest { return Digest{sha256.Sum256(content)} }

// IsZero reports whether there is no digest.
func (d Digest) IsZero() bool { return d == Digest{} }

// String gives 64 hex digits, upper case.
func (d Digest) String() string { return string(d.append(nil)) }

// Short gives the first twelve digits, for people.
func (d Digest) Short() string { return d.String()[:12] + "…" }

// MarshalText is String, for JSON.
func (d Digest) MarshalText() ([]byte, error) { return d.append(nil), nil }

const upperHex = "0123456789ABCDEF"

func (d Digest) append(dst []byte) []byte {
	for _, b := range d.sum {
		dst = append(dst, upperHex[b>>4], upperHex[b&15])
	}
	return dst
}

// ParseDigest reads what another process made by hashing and wrote with String. Error: malformed.
func ParseDigest(s string) (Digest, error) { return parseDigest(s) }

// parseDigest reads what String wrote; lower case is refused.
func parseDigest(s string) (Digest, error) {
	var d Digest
	if len(s) != 2*len(d.sum) || !all(s, isHex) {
		return Digest{}, fault.New(fault.Malformed, "a hash has 64 upper-case hex digits")
	}
	for i := range d.sum {
		d.sum[i] = nibble(s[2*i])<<4 | nibble(s[2*i+1])
	}
	return d, nil
}

// nibble reads a digit that isHex has accepted.
func nibble(c byte) byte {
	if isDigit(c) {
		return c - '0'
	}
	return c - 'A' + 10
}

// Digester hashes what is written to it: the lines of a batch, a long file.
type Digester struct{ h hash.Hash }

// NewDigester begins with nothing written.
func NewDigester() *Digester { return &Digester{sha256.New()} }

// Write never fails.
func (d *Digester) Write(p []byte) (int, error) { return d.h.Write(p) }

// Digest gives the hash of all that was written so far.
func (d *Digester) Digest() Digest {
	var sum Digest
	d.h.Sum(sum.sum[:0])
	return sum
}

// recordDomain keeps the hash of a record apart from every other use of SHA-256.
const recordDomain = Format + "/record\n"

// hashRecord hashes the bytes of a record that stand before its own hash.
func hashRecord(body []byte) Digest {
	h := sha256.New()
	h.Write([]byte(recordDomain))
	h.Write(body)
	var d Digest
	h.Sum(d.sum[:0])
	return d
}
