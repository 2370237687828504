package custody

import (
	"bytes"
	"testing"

	"filippo.io/age"

	"poskey/internal/secret"
)

// TestAgeReadsTheKeysAsTheyAreWritten holds the writer against age's own reader and writer.
func TestAgeReadsTheKeysAsTheyAreWritten(t *testing.T) {
	noLeaks(t)
	scalars := [][]byte{make([]byte, 32), bytes.Repeat([]byte{0xFF}, 32), bytes.Repeat([]byte{0x01}, 32)}
	random := newDRBG("scalars")
	for range 200 {
		b := make([]byte, 32)
		_, _ = random.Read(b)
		scalars = append(scalars, b)
	}
	for _, b := range scalars {
		s := secret.Copy(b)
		text := ageSecret(s)
		got, err := age.ParseX25519Identity(string(text.Expose()))
		if err != nil {
			t.Fatalf("%X: %v", b, err)
		}
		if got.String() != string(text.Expose()) {
			t.Errorf("%X is written %s, age writes %s", b, text.Expose(), got)
		}
		text.Wipe()
		s.Wipe()
	}
}
