package fleet

import (
	"testing"

	"poskey/internal/fault"
	"poskey/pkg/store"
)

// TestAResultAfterTheEndIsRefused: the queue may give a worker up that is at a device still.
func TestAResultAfterTheEndIsRefused(t *testing.T) {
	l := newLedger(nil, store.Change{}, "R1", patience{})
	l.close()
	if err := l.record(store.RunResult{Serial: "SN1"}); !fault.Is(err, fault.Busy) {
		t.Errorf("%v", err)
	}
}
