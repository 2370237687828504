package audit

import (
	"testing"

	"golang.org/x/mod/sumdb/tlog"
)

// TestRootIsThatOfTransparencyLogs holds the right edge against the tree of tlog, which stores all hashes.
func TestRootIsThatOfTransparencyLogs(t *testing.T) {
	var stored []tlog.Hash
	reader := tlog.HashReaderFunc(func(at []int64) ([]tlog.Hash, error) {
		var out []tlog.Hash
		for _, i := range at {
			out = append(out, stored[i])
		}
		return out, nil
	})
	var ours tree
	for n := range int64(300) {
		record := DigestOf([]byte{byte(n), byte(n >> 8)})
		more, err := tlog.StoredHashes(n, record.sum[:], reader)
		if err != nil {
			t.Fatal(err)
		}
		stored = append(stored, more...)
		ours.add(record)
		want, err := tlog.TreeHash(n+1, reader)
		if err != nil || ours.root() != want {
			t.Fatalf("root of %d records: %s, want %s (%v)", n+1, ours.root(), want, err)
		}
		if n == 200 {
			proof, err := tlog.ProveRecord(n+1, 17, reader)
			if err != nil {
				t.Fatal(err)
			}
			leaf := DigestOf([]byte{17, 0})
			if err := tlog.CheckRecord(proof, n+1, ours.root(), 17, tlog.RecordHash(leaf.sum[:])); err != nil {
				t.Errorf("a proof of transparency logs does not hold: %v", err)
			}
		}
	}
	if (&tree{}).root() != (tlog.Hash{}) {
		t.Error("no records, no root")
	}
}
