package diagnose_test

// Devices in trouble: every sign names its cause, and a healthy device names none.

import (
	"testing"
	"time"

	"poskey/pkg/device"
	"poskey/pkg/diagnose"
	"poskey/pkg/kcv"
)

// now is the day of the tests.
func now() time.Time { return time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC) }

func ecb(digits string) kcv.Value { return kcv.Value{Method: kcv.ECBZero, Digits: digits} }

// healthy is a device with the two keys that the inventory wants.
func healthy() diagnose.Case {
	slot := func(name, check string) device.SlotReport {
		return device.SlotReport{Slot: device.Slot(name), SlotState: device.SlotState{Loaded: true, Check: ecb(check)}}
	}
	return diagnose.Case{Now: now(), Device: &device.Status{Serial: "TEST-1", Now: now().Add(20 * time.Second),
		Battery: device.Battery{Millivolts: 3100}, Environment: device.Environment{Celsius: 22, Humidity: 40},
		Link: device.Link{Kind: "ethernet", Quality: 100}, Slots: []device.SlotReport{slot("0", "43C6CC"), slot("1", "8D0A74")},
		Initial: []device.InitialReport{{Slot: "90", KSN: "FFFF9876543210E00005", Check: ecb("AF8C07"), Left: 1000}}},
		Wanted: []diagnose.Wanted{{Slot: "0", Label: "TMK#1", Check: ecb("43C6CC"), State: "active", LoadedAt: now().Add(-48 * time.Hour)},
			{Slot: "1", Label: "PIK#1", Check: ecb("8D0A74B8"), State: "active"},
			{Slot: "90", Label: "BDK#1", Check: ecb("AF8C07"), KSN: "FFFF9876543210E00000", State: "active"}}}
}

func TestAHealthyDeviceHasNoCause(t *testing.T) {
	r := diagnosed(t, healthy())
	if r.Verdict != diagnose.Match || len(r.Findings) != 0 || len(r.RuledOut) < 6 {
		t.Errorf("%s %+v ruled out %+v", r.Verdict, r.Findings, r.RuledOut)
	}
}

func TestEverySignOfADeviceNamesItsCause(t *testing.T) {
	for _, c := range []struct {
		cause   diagnose.Cause
		proven  bool
		breakIt func(c *diagnose.Case)
	}{
		{diagnose.CauseTamper, true, func(c *diagnose.Case) {
			c.Device.Tamper.Tripped, c.Device.Slots, c.Device.Initial = true, nil, nil
		}},
		{diagnose.CauseTamper, true, func(c *diagnose.Case) { c.Device.Locks = []device.LockState{{Kind: device.LockTamper}} }},
		{diagnose.CauseStorageCorrupt, true, func(c *diagnose.Case) { c.Device.Slots[1].Damaged = true }},
		{diagnose.CauseKeyExpired, true, func(c *diagnose.Case) { c.Device.Slots[0].Expires = now().Add(-time.Hour) }},
		{diagnose.CauseKeyExpired, true, func(c *diagnose.Case) { c.Wanted[1].Expires = now().Add(-time.Hour) }},
		{diagnose.CauseKeyExpired, true, func(c *diagnose.Case) { c.Device.Initial[0].Left = 0 }},
		{diagnose.CauseWrongSlot, true, func(c *diagnose.Case) { c.Device.Slots[1].Slot = "7" }},
		{diagnose.CauseEmptySlot, true, func(c *diagnose.Case) { c.Device.Slots = c.Device.Slots[:1] }},
		{diagnose.CauseEmptySlot, true, func(c *diagnose.Case) {
			c.Wanted, c.Device.Slots, c.Device.Initial = nil, nil, nil
		}},
		{diagnose.CauseKeyExposed, true, func(c *diagnose.Case) { c.Wanted[0].State = "compromised" }},
		{diagnose.CauseKSNMismatch, true, func(c *diagnose.Case) { c.Wanted[2].KSN = "FFFF9876543211000000" }},
		{diagnose.CauseInjectorClock, true, func(c *diagnose.Case) { c.Device.Now = now().Add(26 * time.Hour) }},
		{diagnose.CauseInjectorClock, false, func(c *diagnose.Case) { c.Device.Now = now().Add(-7 * time.Minute) }},
		{diagnose.CausePowerLoss, true, func(c *diagnose.Case) { c.Device.Battery = device.Battery{Millivolts: 2400, Low: true} }},
		{diagnose.CauseDuplicateValue, false, func(c *diagnose.Case) {
			c.Wanted = nil
			c.Device.Slots[1].Check = c.Device.Slots[0].Check
		}},
		{diagnose.CauseDuplicateKCVFleet, false, func(c *diagnose.Case) { c.Wanted[0].Devices = []string{"TEST-2"} }},
		{diagnose.CauseLinkFault, false, func(c *diagnose.Case) { c.Device.Link.Quality = 12 }},
		{diagnose.CauseLinkFault, true, func(c *diagnose.Case) {
			c.Line = &diagnose.Line{Dialect: "visa", Asked: 10, Failed: 2, TimedOut: 2}
		}},
		{diagnose.CauseEnvironment, false, func(c *diagnose.Case) { c.Device.Environment.Celsius = 63 }},
		{diagnose.CauseEnvironment, false, func(c *diagnose.Case) { c.Device.Environment.Humidity = 95 }},
		{diagnose.CauseProcedure, false, func(c *diagnose.Case) {
			c.Device.Slots[0].Check = ecb("123456")
			c.Device.Events = []device.LogEvent{{Kind: "stored", Detail: "slot 0 usage K0", At: now().Add(-time.Hour)}}
		}},
		{diagnose.CauseStorageCorrupt, false, func(c *diagnose.Case) { c.Device.Slots[0].Check = ecb("123456") }},
	} {
		k := healthy()
		c.breakIt(&k)
		r := diagnosed(t, k)
		f := first(t, r)
		if f.Cause != c.cause || (f.Certainty == diagnose.Proven) != c.proven {
			t.Errorf("%s: first is %s %s: %s", c.cause, f.Certainty, f.Cause, f.Summary)
		}
		for _, x := range r.RuledOut {
			if x.Cause == c.cause {
				t.Errorf("%s is found and ruled out: %s", c.cause, x.Reason)
			}
		}
	}
}

func TestALockThatKeepsTheKeysIsANoteAndNoCause(t *testing.T) {
	c := healthy()
	c.Device.Locks = []device.LockState{{Kind: device.LockRemote}}
	if r := diagnosed(t, c); r.Verdict != diagnose.Match || len(r.Notes) != 1 {
		t.Errorf("%s %+v %+v", r.Verdict, r.Findings, r.Notes)
	}
}

func TestTheSameCaseHasTheSameAnswer(t *testing.T) {
	c := healthy()
	c.Device.Slots, c.Device.Tamper.Tripped, c.Device.Battery.Low = nil, true, true
	want := diagnosed(t, c)
	for range 20 {
		if got := diagnosed(t, c); len(got.Findings) != len(want.Findings) || got.Findings[0].Cause != want.Findings[0].Cause ||
			got.Findings[1].Cause != want.Findings[1].Cause {
			t.Fatalf("%+v, then %+v", want.Findings, got.Findings)
		}
	}
}
