package ceremony

import (
	"strings"
	"testing"
)

// TestAStopSaysWhatWillBe: what is not done yet is not told as done; the line after it is.
func TestAStopSaysWhatWillBe(t *testing.T) {
	s := smallStage(t, newPartner(t, "partner"), true)
	if _, err := s.led(nil); err != nil {
		t.Fatal(err)
	}
	seen := s.desk.seen.String()
	will, is := strings.Count(seen, "will be destroyed so: "), strings.Count(seen, " is destroyed\n")
	if sent := strings.Count(seen, " will go by "); will == 0 || will != is || strings.Contains(seen, "it is destroyed so") ||
		sent != strings.Count(seen, " goes by ") {
		t.Errorf("%d destructions to come, %d done; %d bags to go", will, is, sent)
	}
}
