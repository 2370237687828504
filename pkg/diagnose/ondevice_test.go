package diagnose_test

// Devices in trouble: every sign names its cause, and a healthy device names none.

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"poskey/pkg/device"
	"poskey/pkg/device/manage"
	"poskey/pkg/diagnose"
	"poskey/pkg/kcv"
	"poskey/pkg/keys"
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
		{diagnose.CauseProcedure, false, func(c *diagnose.Case) {
			c.Device.Slots[0].Check = ecb("123456")
			c.Device.Events = []device.LogEvent{{Kind: "stored", Detail: "slot 0, usage K0, length 16, check 123456 (ecb-zero)"}}
		}},
		{diagnose.CauseKCVMethod, false, func(c *diagnose.Case) {
			c.Device.Slots[0].Check = kcv.Value{Method: kcv.CMACEmpty, Digits: "123456"}
		}},
		{diagnose.CauseKeyExposed, false, func(c *diagnose.Case) { c.Wanted[0].State = "suspended" }},
		{diagnose.CauseParityBitTypo, false, func(c *diagnose.Case) { c.Device.Slots[0].Parity = keys.ParityEven }},
		{diagnose.CauseFirmwareOld, false, func(c *diagnose.Case) { c.Device.POIVersion, c.POI = "4.1", "6.2" }},
		{diagnose.CauseFirmwareOld, true, func(c *diagnose.Case) { lacksAES(c, true) }},
		{diagnose.CauseFirmwareOld, false, func(c *diagnose.Case) { lacksAES(c, false) }},
		{diagnose.CausePowerLoss, true, func(c *diagnose.Case) {
			c.Device.Events = []device.LogEvent{{Kind: "stored", Detail: "slot 1, usage P0"}, {Kind: "restarted", Detail: "power failure"}}
		}},
		{diagnose.CausePowerLoss, false, func(c *diagnose.Case) {
			c.Device.Events = []device.LogEvent{{Kind: "restarted", Detail: "power failure"}}
		}},
		{diagnose.CauseLinkFault, false, func(c *diagnose.Case) { c.Line = &diagnose.Line{Dialect: "visa", Asked: 9, Unacked: 9} }},
		{diagnose.CauseLinkFault, false, func(c *diagnose.Case) { c.Line = &diagnose.Line{Dialect: "visa", Asked: 9, Unended: 9} }},
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

// lacksAES is a device that takes TDES keys, while the inventory wants an AES key in a slot that is empty.
func lacksAES(c *diagnose.Case, told bool) {
	c.Device.Slots = c.Device.Slots[:1]
	c.Wanted[1].Algorithm, c.Wanted[1].Usage = keys.AES128, keys.UsagePIN
	c.Line = &diagnose.Line{Dialect: "visa", Asked: 9}
	c.Takes = &diagnose.DeviceTakes{Told: told, Capabilities: device.Capabilities{Slots: []device.SlotRule{
		{Slots: "01", Usage: keys.UsagePIN, Algorithms: "T"}}}}
	if !told { // the empty slot is proven; here it is not asked about
		c.Line.Untold = nil
		c.Device.Slots = append(c.Device.Slots, device.SlotReport{Slot: "1", SlotState: device.SlotState{Loaded: true}})
	}
}

// TestHowALoadEndedAndWhatIsThereSayWhy: journal and device together.
func TestHowALoadEndedAndWhatIsThereSayWhy(t *testing.T) {
	sent := ecb("D118D0")
	for name, c := range map[string]struct {
		load   diagnose.DeviceLoad
		holds  string // the value in slot 5; "" is empty
		events []device.LogEvent
		cause  diagnose.Cause // "" is none
		proven bool
	}{
		"the key is there, and nobody heard": {diagnose.DeviceLoad{Outcome: diagnose.LoadUnknown, Check: sent}, "D118D0", nil,
			diagnose.CauseLinkFault, false},
		"the host broke off, and it is not there": {diagnose.DeviceLoad{Outcome: diagnose.LoadSent, Check: sent}, "", nil,
			diagnose.CauseLinkFault, false},
		"it was given up": {diagnose.DeviceLoad{Outcome: diagnose.LoadFailed, Check: sent, Said: "the line failed"}, "", nil,
			diagnose.CauseLinkFault, false},
		"there is no memory, says the host": {diagnose.DeviceLoad{Outcome: diagnose.LoadFailed, Check: sent,
			Said: "load slot 5: the terminal answered memory: no memory is left for keys; erase"}, "", nil, diagnose.CauseEmptySlot, true},
		"there is no memory, says its answer": {diagnose.DeviceLoad{Outcome: diagnose.LoadFailed, Check: sent,
			Dialect: "visa", Answer: "02?3", Said: "the terminal answered 02?9: in words of another time"}, "", nil,
			diagnose.CauseEmptySlot, true},
		"there is no memory, says the log": {diagnose.DeviceLoad{Outcome: diagnose.LoadFailed, Check: sent}, "",
			[]device.LogEvent{{Kind: "refused", Detail: "slot 5, reason memory"}}, diagnose.CauseEmptySlot, true},
		"the block is of a version that it does not take": {diagnose.DeviceLoad{Outcome: diagnose.LoadFailed, Check: sent,
			Said: "the terminal answered block-version: the terminal takes no key block of this version; wrap"}, "", nil,
			diagnose.CauseFirmwareOld, false},
		"power failed after the store": {diagnose.DeviceLoad{Outcome: diagnose.LoadUnknown, Check: sent}, "D118D0",
			[]device.LogEvent{{Kind: "stored", Detail: "slot 5, check D118D0"}, {Kind: "restarted", Detail: "power failure"}},
			diagnose.CausePowerLoss, true},
		"it is confirmed":  {diagnose.DeviceLoad{Outcome: diagnose.LoadConfirmed, Check: sent}, "D118D0", nil, "", false},
		"nothing was sent": {diagnose.DeviceLoad{Outcome: diagnose.LoadFailed}, "", nil, "", false},
	} {
		k := healthy()
		c.load.Slot, c.load.Label = "5", "TPK#1"
		k.Loads, k.Device.Events = []diagnose.DeviceLoad{c.load}, c.events
		if c.holds != "" {
			k.Device.Slots = append(k.Device.Slots, device.SlotReport{Slot: "5", SlotState: device.SlotState{Loaded: true, Check: ecb(c.holds)}})
		}
		r := diagnosed(t, k)
		if c.cause == "" {
			if len(r.Findings) != 0 {
				t.Errorf("%s: %+v", name, r.Findings)
			}
			continue
		}
		if f := first(t, r); f.Cause != c.cause || (f.Certainty == diagnose.Proven) != c.proven || len(r.Findings) != 1 {
			t.Errorf("%s: %d findings, first %s %s: %s", name, len(r.Findings), f.Certainty, f.Cause, f.Summary)
		}
	}
}

// TestTheNewestLoadOfASlotCounts, in whatever order the journal tells them.
func TestTheNewestLoadOfASlotCounts(t *testing.T) {
	old := diagnose.DeviceLoad{Slot: "0", Outcome: diagnose.LoadUnknown, Check: ecb("D118D0"), At: now().Add(-2 * time.Hour)}
	good := diagnose.DeviceLoad{Slot: "0", Outcome: diagnose.LoadConfirmed, Check: ecb("43C6CC"), At: now().Add(-time.Hour)}
	for _, loads := range [][]diagnose.DeviceLoad{{old, good}, {good, old}} {
		c := healthy()
		c.Loads = loads
		if r := diagnosed(t, c); r.Verdict != diagnose.Match || len(r.Findings) != 0 {
			t.Errorf("%s %+v", r.Verdict, r.Findings)
		}
	}
}

// TestEveryCodeOfARefusalNamesACauseAndNoneIsProven: a code alone is no proof.
func TestEveryCodeOfARefusalNamesACauseAndNoneIsProven(t *testing.T) {
	for _, row := range manage.Codes() {
		r := diagnosed(t, diagnose.Case{Refusals: []diagnose.Refusal{{Dialect: device.Agent, CodeInfo: device.CodeInfo{Code: row.Code,
			Meaning: row.Meaning, Action: row.Action, Cause: row.Cause}}}})
		if f := first(t, r); string(f.Cause) != row.Cause || f.Certainty == diagnose.Proven || r.Verdict != diagnose.Explained {
			t.Errorf("%s: %s %s, verdict %s", row.Code, f.Certainty, f.Cause, r.Verdict)
		}
	}
	r := diagnosed(t, diagnose.Case{Refusals: []diagnose.Refusal{{CodeInfo: device.CodeInfo{Code: "new"}}}})
	if r.Verdict != diagnose.Unexplained || r.NextStep.IsZero() {
		t.Errorf("a code that nobody knows: %s %+v", r.Verdict, r.Findings)
	}
}

// TestASlotThatWasNotAnsweredIsNotEmpty: what nobody told is not known.
func TestASlotThatWasNotAnsweredIsNotEmpty(t *testing.T) {
	c := healthy()
	c.Device.Slots = c.Device.Slots[:1]
	c.Line = &diagnose.Line{Dialect: "visa", Asked: 3, Failed: 1, TimedOut: 1, Untold: []device.Slot{"1"}}
	r := diagnosed(t, c)
	if f := first(t, r); f.Cause != diagnose.CauseLinkFault || len(r.Findings) != 1 {
		t.Errorf("%+v", r.Findings)
	}
}

func TestALockThatKeepsTheKeysIsANoteAndNoCause(t *testing.T) {
	c := healthy()
	c.Device.Locks = []device.LockState{{Kind: device.LockRemote}}
	if r := diagnosed(t, c); r.Verdict != diagnose.Match || len(r.Notes) != 1 {
		t.Errorf("%s %+v %+v", r.Verdict, r.Findings, r.Notes)
	}
}

// TestADeviceWithTheKeyOfTheLoaderAloneIsToldOf: it is in order, and cannot trade.
func TestADeviceWithTheKeyOfTheLoaderAloneIsToldOf(t *testing.T) {
	for usage, told := range map[keys.Usage]bool{keys.UsageKEK: true, keys.UsageKBPK: true, keys.UsagePIN: false, "": false} {
		c := healthy()
		c.Wanted, c.Device.Initial, c.Device.Slots = nil, nil, c.Device.Slots[:1]
		c.Device.Slots[0].Usage = usage
		if r := diagnosed(t, c); r.Verdict != diagnose.Match || strings.Contains(notes(r), "no working key is loaded") != told {
			t.Errorf("usage %q: %s, notes %q", usage, r.Verdict, notes(r))
		}
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

// TestWhatMayBeAnAccidentOrHaveAnotherReasonIsNotProven: values of few digits, many comparisons, values of two methods, one of
// two clocks, a key that another slot would take, and key serial numbers that nobody can read.
func TestWhatMayBeAnAccidentOrHaveAnotherReasonIsNotProven(t *testing.T) {
	moved := func(check kcv.Value) func(c *diagnose.Case) {
		return func(c *diagnose.Case) { c.Device.Slots[1].Slot, c.Device.Slots[1].Check = "7", check }
	}
	for name, c := range map[string]struct {
		cause   diagnose.Cause
		breakIt func(c *diagnose.Case)
	}{
		"four digits": {diagnose.CauseWrongSlot, func(c *diagnose.Case) {
			moved(ecb("8D0A"))(c)
			c.Device.Slots = append(c.Device.Slots, device.SlotReport{Slot: "8", SlotState: device.SlotState{Loaded: true, Check: ecb("1111")}})
		}},
		"two methods": {diagnose.CauseWrongSlot, moved(kcv.Value{Method: kcv.CMAC, Digits: "8D0A74"})},
		"fifty slots": {diagnose.CauseWrongSlot, func(c *diagnose.Case) {
			moved(ecb("8D0A74"))(c)
			for i := range 50 {
				slot := device.Slot(strconv.Itoa(100 + i))
				check := ecb(fmt.Sprintf("%06X", 70001*i+5))
				c.Device.Slots = append(c.Device.Slots, device.SlotReport{Slot: slot, SlotState: device.SlotState{Loaded: true, Check: check}})
				c.Wanted = append(c.Wanted, diagnose.Wanted{Slot: slot, Label: "K#1", Check: check})
			}
		}},
		"our clock": {diagnose.CauseKeyExpired, func(c *diagnose.Case) {
			c.Now, c.Wanted[1].Expires = now().AddDate(4, 0, 0), now().AddDate(1, 0, 0)
		}},
		"another slot takes it": {diagnose.CauseFirmwareOld, func(c *diagnose.Case) {
			c.Device.Slots[1].Check, c.Wanted[1].Algorithm = ecb("111111"), keys.AES128
			c.Takes = &diagnose.DeviceTakes{Told: true, Capabilities: device.Capabilities{
				Slots: []device.SlotRule{{Slots: "1", Usage: "P0", Algorithms: "T"}, {Slots: "2", Usage: "P0", Algorithms: "A"}}}}
		}},
		"no key serial number": {diagnose.CauseKSNMismatch, func(c *diagnose.Case) { c.Device.Initial[0].KSN = "FFFF98" }},
	} {
		bad := healthy()
		c.breakIt(&bad)
		for _, f := range diagnosed(t, bad).Findings {
			if f.Cause == c.cause && f.Certainty == diagnose.Proven {
				t.Errorf("%s: %s is called proven, odds %g", name, f.Cause, f.Odds)
			}
		}
	}
}

func TestAKeySerialNumberWithoutItsPaddingIsTheSame(t *testing.T) {
	c := healthy()
	c.Device.Initial[0].KSN = "9876543210E00005"
	for _, f := range diagnosed(t, c).Findings {
		t.Errorf("%s: %s", f.Cause, f.Summary)
	}
}

func TestLongTimesAreToldInDays(t *testing.T) {
	for d, want := range map[time.Duration]string{0: "0s", 30 * time.Second: "30s", 10 * time.Minute: "10m", 70 * time.Minute: "1h10m",
		26 * time.Hour: "26h", 26*time.Hour + time.Second: "26h0m1s", 100 * time.Hour: "4 days"} {
		c := diagnose.Case{Now: time.Unix(1e9, 0), Device: &device.Status{Now: time.Unix(1e9, 0).Add(d)}}
		r, err := diagnose.Diagnose(t.Context(), c)
		if err != nil {
			t.Fatal(err)
		}
		said := ""
		for _, f := range r.Findings {
			said += f.Summary.String() + " "
		}
		for _, x := range r.RuledOut {
			said += x.Reason.String() + " "
		}
		if !strings.Contains(said, " "+want+" ") {
			t.Errorf("%s: %q", want, said)
		}
	}
}
