package transcript

import (
	"os"
	"testing"
)

// childMark asks the test binary to be a process that writes a record until it is killed.
const childMark = "POSKEY_TRANSCRIPT_CHILD"

func TestMain(m *testing.M) {
	if path := os.Getenv(childMark); path != "" {
		os.Exit(writeForEver(path))
	}
	os.Exit(m.Run())
}
