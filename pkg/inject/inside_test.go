package inject

import (
	"strings"
	"testing"

	"poskey/pkg/device"
	"poskey/pkg/kcv"
	"poskey/pkg/store"
)

func TestARequestHasANameOfItsOwnThatTheJournalTakes(t *testing.T) {
	long := strings.Repeat("R", 64)
	seen := map[string]string{}
	for _, run := range []string{"r", "r-1", long} {
		for _, serial := range []string{"1", "SN1", "SN/1", strings.Repeat("S", 64)} {
			for _, slot := range []device.Slot{"1", "90", "/1"} {
				for _, n := range []int{1, 2, 11, 1 << 30} {
					id := requestID(run, serial, slot, n)
					what := run + " " + serial + " " + string(slot)
					if len(id) > maxRequest || attemptOf(id) != n || strings.ContainsAny(id, " \t") {
						t.Errorf("%s, %d: %q", what, n, id)
					}
					if slot == "/1" { // no slot has such a name; with one the names would not be apart
						continue
					}
					if other, has := seen[id]; has {
						t.Errorf("%s and %s have one name", what, other)
					}
					seen[id] = what
				}
			}
		}
	}
	for _, id := range []string{"", "x", "run/serial/slot/", "run/serial/slot/x", "run/serial/slot/-1"} {
		if n := attemptOf(id); n != 0 {
			t.Errorf("%q is attempt %d", id, n)
		}
	}
}

func TestACheckValueOrNumberThatCannotBeComparedTellsNothing(t *testing.T) {
	ecb := func(digits string) kcv.Value { return kcv.Value{Method: kcv.ECBZero, Digits: digits} }
	const ksn, same, other = "FFFF9876540000200000", "FFFF9876540000200005", "FFFF9876540000400000"
	for name, c := range map[string]struct {
		told    kcv.Value
		toldKSN string
		want    kcv.Value
		wantKSN string
		verdict verdict
	}{
		"equal":                     {ecb("08D7B4"), "", ecb("08D7B4"), "", holdsIt},
		"equal as far as told":      {ecb("08d7"), "", ecb("08D7B4"), "", holdsIt},
		"equal, and told in full":   {ecb("08D7B4FB629D0885"), "", ecb("08D7B4"), "", holdsIt},
		"another":                   {ecb("08D7B5"), "", ecb("08D7B4"), "", holdsOther},
		"nothing told":              {ecb(""), "", ecb("08D7B4"), "", cannotTell},
		"too little told":           {ecb("08D"), "", ecb("08D7B4"), "", cannotTell},
		"too little, and different": {ecb("FFF"), "", ecb("08D7B4"), "", cannotTell},
		"another method":            {kcv.Value{Method: kcv.CMAC, Digits: "08D7B4"}, "", ecb("08D7B4"), "", cannotTell},
		"the number too":            {ecb("08D7B4"), ksn, ecb("08D7B4"), ksn, holdsIt},
		"the number, used since":    {ecb("08D7B4"), same, ecb("08D7B4"), ksn, holdsIt},
		"another number":            {ecb("08D7B4"), other, ecb("08D7B4"), ksn, holdsOther},
		"a number that is none":     {ecb("08D7B4"), "12", ecb("08D7B4"), ksn, cannotTell},
		"an initial key id":         {ecb("08D7B4"), "1234567800000001", ecb("08D7B4"), "123456780000000100000000", holdsIt},
		"another initial key id":    {ecb("08D7B4"), "1234567800000002", ecb("08D7B4"), "123456780000000100000000", holdsOther},
	} {
		now := device.SlotState{Loaded: true, Check: c.told, KSN: c.toldKSN}
		last := store.Load{Check: c.want, KSN: c.wantKSN}
		if got := byCheck(now, last); got != c.verdict {
			t.Errorf("%s: %d, want %d", name, got, c.verdict)
		}
	}
}
