package keys

import (
	"slices"
	"testing"
)

func TestEveryPublishedKeyIsKnownAsOne(t *testing.T) {
	total := 0
	for n, alg := range map[int]Algorithm{8: DES, 16: AES128, 24: AES192, 32: AES256} {
		all := PublishedKeys(n)
		total += len(all)
		for _, b := range all {
			if len(b) != n || !slices.Contains(WeaknessesOf(alg, b), PublishedSample) {
				t.Errorf("%d bytes: one is not found", n)
			}
		}
	}
	if total < 30 {
		t.Errorf("only %d published keys", total)
	}
	if got := PublishedKeys(7); got != nil {
		t.Errorf("%d keys of 7 bytes", len(got))
	}
}
