package audit

// Hashes: of requests, of batches, of records.

import (
	"crypto/sha256"
	"hash"

	"poskey/internal/chained"
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

func (d Digest) append(dst []byte) []byte { return chained.AppendHex(dst, d.sum) }

// ParseDigest reads what another process made by hashing and wrote with String. Error: malformed.
func ParseDigest(s string) (Digest, error) { return parseDigest(s) }

// parseDigest reads what String wrote; lower case is refused.
func parseDigest(s string) (Digest, error) {
	sum, err := chained.ParseHex(s)
	return Digest{sum}, err
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
const recordDomain = Format + "/record"

// hashRecord hashes the bytes of a record that stand before its own hash.
func hashRecord(body []byte) Digest { return Digest{chained.Hash(recordDomain, body)} }
