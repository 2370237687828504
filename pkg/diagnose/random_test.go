package diagnose_test

import (
	"crypto/sha256"
	"encoding/binary"
)

// random gives bytes that are the same in every run: SHA-256 of a seed and a counter.
type random struct {
	seed string
	n    uint64
}

func newRandom(seed string) *random { return &random{seed: seed} }

func (r *random) bytes(n int) []byte {
	var out []byte
	for len(out) < n {
		r.n++
		sum := sha256.Sum256(binary.BigEndian.AppendUint64([]byte(r.seed), r.n))
		out = append(out, sum[:]...)
	}
	return out[:n]
}

func (r *random) below(n int) int { return int(binary.BigEndian.Uint32(r.bytes(4)) % uint32(n)) }
