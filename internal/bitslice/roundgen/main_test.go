package main

import (
	"bytes"
	"os"
	"testing"
)

// TestTheRoundIsWhatTheCircuitsSay: whoever changes a circuit writes the round anew, with make sboxes.
func TestTheRoundIsWhatTheCircuitsSay(t *testing.T) {
	want, err := generate()
	if err != nil {
		t.Fatal(err)
	}
	have, err := os.ReadFile("../round_gen.go")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(have, want) {
		t.Error("internal/bitslice/round_gen.go is not what the circuits give; run make sboxes")
	}
}
