package dukpt

import (
	"reflect"
	"testing"

	"poskey/pkg/kcv"
)

// TestRegistersAreToldWithoutAKey: what the counter alone says is what a device with keys shows, from the first
// transaction over a stretch of counters to the end of life.
func TestRegistersAreToldWithoutAKey(t *testing.T) {
	nothingLeft(t)
	stretches(t, 30, func(_ string, d *Device, state State) {
		for i := range state.Registers {
			state.Registers[i].Check = kcv.Value{}
		}
		if got := state.KSN.Registers(); !reflect.DeepEqual(got, state.Registers) {
			t.Fatalf("%s: %+v, want %+v", state.KSN, got, state.Registers)
		}
		next(t, d).Wipe()
	})
}

func TestCountersThatNoDeviceUsesHaveNoRegisters(t *testing.T) {
	for _, s := range []string{tdesKSN, aesKSN, "FFFF9876543210FFFFFF", "12345678901234560001FFFF"} {
		if got := ksnOf(t, s).Registers(); got != nil {
			t.Errorf("%s: %+v", s, got)
		}
	}
	if got := (KSN{}).Registers(); got != nil {
		t.Errorf("no KSN: %+v", got)
	}
}
