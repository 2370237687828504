package i18n

import (
	"testing"

	"poskey/internal/text"
)

// TestStoredSentencesAreTranslated: a record has its findings in English, and its minutes are read in Chinese.
func TestStoredSentencesAreTranslated(t *testing.T) {
	zh, en := New(Chinese), New(English)
	known := []text.Text{
		text.New("the bag is damaged"),
		text.New("%s is witness, and custodian of part %d of %s", "witness.a", 2, "ZMK"),
		text.New("%s is drawn in production; keys are generated inside a secure cryptographic device", "TMK"),
		text.New("that failed: %s", text.New("the bag is damaged")),
		text.New("expected: %s", "100% of it"),
	}
	for _, want := range known {
		if got := zh.Text(text.Known(want.String())); got != zh.Text(want) || got == want.String() {
			t.Errorf("%q is shown as %q, want %q", want, got, zh.Text(want))
		}
		if got := en.Text(text.Known(want.String())); got != want.String() {
			t.Errorf("in English %q is shown as %q", want, got)
		}
	}
	for _, own := range []string{"", "BAG-7", "A: B", "custodian.a", "100% sure of %s", "the courier's van had a flat tyre"} {
		if got := zh.Text(text.Known(own)); got != own {
			t.Errorf("what people wrote, %q, is shown as %q", own, got)
		}
	}
}
