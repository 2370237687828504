package fleet_test

import (
	"testing"

	"poskey/pkg/fleet"
)

func TestARunLoadsEveryDeviceOnce(t *testing.T) {
	f := open(t, onFile(t))
	f.begin("R1", 50)
	s := newShelf(50)
	got, err := fleet.Run(t.Context(), f.options("R1", "A", s))
	must(t, err)
	if got.Counts != (fleet.Counts{Expected: 50, Confirmed: 50}) {
		t.Errorf("%+v", got)
	}
	seen := map[string]bool{}
	for i := range 50 {
		p := s.of(i)
		if len(p.slots["90"]) != 1 || len(p.slots["0"]) != 1 || seen[p.slots["90"][0].ksn] {
			t.Errorf("%s: %+v", serialOf(i), p.slots)
		}
		seen[p.slots["90"][0].ksn] = true
	}
}
