//go:build linux || darwin

package agent

import (
	"testing"

	"poskey/pkg/audit"
	"poskey/pkg/custody"
	"poskey/pkg/hsm"
	"poskey/pkg/keys"
)

func BenchmarkCheckValueInTheAgent(b *testing.B) {
	_, path := freely(b)
	c, err := Dial(b.Context(), path, storeID)
	if err != nil {
		b.Fatal(err)
	}
	w, err := c.Begin(b.Context(), intent(custody.KeyGenerate, "A#1"))
	if err != nil {
		b.Fatal(err)
	}
	defer w.Close()
	k, err := w.Generate(b.Context(), hsm.Attributes{Algorithm: keys.TDES128}, hsm.Policy{})
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := w.CheckValue(b.Context(), k, "", 0); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkOperation is one whole operation: admitted, recorded twice with fsync, done.
func BenchmarkOperation(b *testing.B) {
	_, path := freely(b)
	c, err := Dial(b.Context(), path, storeID)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		w, err := c.Begin(b.Context(), intent(custody.KeyGenerate, "A#1"))
		if err != nil {
			b.Fatal(err)
		}
		if err := w.Done(b.Context(), Outcome{Outcome: audit.OK()}); err != nil {
			b.Fatal(err)
		}
		_ = w.Close()
	}
}
