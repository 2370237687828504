package audit

// The Merkle tree of RFC 6962 over the hashes of the records, kept as its right edge.

import (
	"golang.org/x/mod/sumdb/tlog"
)

// tree holds the roots of the perfect subtrees that the leaves so far make up, largest first: as many as the number of
// leaves has bits set.
type tree struct {
	leaves uint64
	peaks  []tlog.Hash
}

// add appends a leaf: a record, by its hash.
func (t *tree) add(record Digest) {
	h := tlog.RecordHash(record.sum[:])
	for n := t.leaves; n&1 == 1; n >>= 1 {
		h = tlog.NodeHash(t.peaks[len(t.peaks)-1], h)
		t.peaks = t.peaks[:len(t.peaks)-1]
	}
	t.peaks = append(t.peaks, h)
	t.leaves++
}

// root gives the hash of the whole tree; there is none without leaves.
func (t *tree) root() tlog.Hash {
	if t.leaves == 0 {
		return tlog.Hash{}
	}
	h := t.peaks[len(t.peaks)-1]
	for i := len(t.peaks) - 2; i >= 0; i-- {
		h = tlog.NodeHash(t.peaks[i], h)
	}
	return h
}
