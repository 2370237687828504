package cli

import (
	"strings"
	"testing"
)

// TestAKeyOnTheCommandLineIsNeitherShownNorKeptByAWalk: the record of a walk holds what was run.
func TestAKeyOnTheCommandLineIsNeitherShownNorKeptByAWalk(t *testing.T) {
	const key = "0123456789ABCDEFFEDCBA9876543210" // a published test key
	args := []string{"diagnose", "kcv", "--key", "hex:" + key, "--kbpk=hex:" + key, "--expected", "08D7B4"}
	got := strings.Join(shownArgs(args), " ")
	if strings.Contains(got, key) || !strings.Contains(got, "--expected 08D7B4") {
		t.Errorf("shown: %s", got)
	}
}
