package keys

import (
	"math/rand/v2"
	"testing"

	"poskey/internal/fault"
	"poskey/internal/secret"
)

// noLeaks holds the number of live secrets at the end against that of the beginning.
func noLeaks(t *testing.T) {
	t.Helper()
	before := secret.Live()
	t.Cleanup(func() {
		if got := secret.Live(); got != before {
			t.Errorf("%d secrets live, %d before the test", got, before)
		}
	})
}

// seeded is a random source that gives the same bytes in every run.
func seeded(name string) *rand.ChaCha8 {
	var seed [32]byte
	copy(seed[:], name)
	return rand.NewChaCha8(seed)
}

func wantKind(t *testing.T, err error, kind fault.Kind) {
	t.Helper()
	if !fault.Is(err, kind) {
		t.Errorf("got error %v of kind %s, want %s", err, fault.KindOf(err), kind)
	}
}

func hasWeakness(all []Weakness, w Weakness) bool {
	for _, have := range all {
		if have == w {
			return true
		}
	}
	return false
}
