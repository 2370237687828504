//go:build !cgo || windows

package pkcs11

import (
	"strings"
	"testing"

	"poskey/internal/fault"
)

func TestABuildWithoutPKCS11SaysSo(t *testing.T) {
	if Available() {
		t.Fatal("it says that it has PKCS#11")
	}
	calls := map[string]error{"initialise": Initialise(t.Context(), URI{}, Options{})}
	_, calls["open"] = Open(t.Context(), URI{}, Options{})
	_, calls["connect"] = Connect(t.Context(), URI{}, Options{})
	_, calls["slots"] = Slots(t.Context(), URI{}, Options{})
	for what, err := range calls {
		if !fault.Is(err, fault.Usage) || !strings.Contains(err.Error(), "this build has no PKCS#11") {
			t.Errorf("%s: %v", what, err)
		}
	}
}
