package vault

import (
	"os"
	"testing"
)

// TestMain also is the processes that the tests start: their names are the first argument.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 {
		if be, ok := children()[os.Args[1]]; ok {
			os.Exit(be(os.Args[2:]))
		}
	}
	code := m.Run()
	tearDown()
	os.Exit(code)
}
