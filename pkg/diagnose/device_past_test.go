package diagnose_test

// What is over is no cause, what was not asked is not ruled out, and what is proven of a key comes first.

import (
	"testing"
	"time"

	"poskey/internal/text"
	"poskey/pkg/device"
	"poskey/pkg/diagnose"
)

func TestTroubleOfADeviceThatALoadPutRightIsHistory(t *testing.T) {
	event := func(kind, detail string, ago time.Duration) device.LogEvent {
		return device.LogEvent{Kind: kind, Detail: detail, At: now().Add(-ago)}
	}
	confirmed := diagnose.DeviceLoad{Slot: "0", Outcome: diagnose.LoadConfirmed, Check: ecb("43C6CC"),
		At: now().Add(-time.Hour)}
	for name, c := range map[string]struct {
		events []device.LogEvent
		loads  []diagnose.DeviceLoad
		off    time.Duration  // of the device's clock
		cause  diagnose.Cause // "" is a note alone
	}{
		"memory, loaded since by the device's log": {events: []device.LogEvent{
			event("corrupted", "slot 1", 3*time.Hour), event("stored", "slot 1, usage P0", 2*time.Hour)}},
		"memory, loaded since by the inventory": {events: []device.LogEvent{event("corrupted", "slot 0", 50*time.Hour)}},
		"memory, and the slot has its key":      {events: []device.LogEvent{event("corrupted", "slot 1", time.Hour)}},
		"memory of a slot that has no key now": {events: []device.LogEvent{event("corrupted", "slot 7", time.Hour)},
			cause: diagnose.CauseStorageCorrupt},
		"power, loaded since by the journal": {events: []device.LogEvent{event("stored", "slot 0", 3*time.Hour),
			event("restarted", "power failure", 3*time.Hour)}, loads: []diagnose.DeviceLoad{confirmed}},
		"power, another slot was loaded since": {events: []device.LogEvent{event("stored", "slot 7", 3*time.Hour),
			event("restarted", "power failure", 3*time.Hour)}, loads: []diagnose.DeviceLoad{confirmed}, cause: diagnose.CausePowerLoss},
		"power, long ago": {events: []device.LogEvent{event("stored", "slot 7", 300*time.Hour),
			event("restarted", "power failure", 300*time.Hour)}},
		"frames, long ago": {events: []device.LogEvent{event("damaged", "", 300*time.Hour)}},
		"frames, now":      {events: []device.LogEvent{event("damaged", "", time.Minute)}, cause: diagnose.CauseLinkFault},
		"frames before a load, by both clocks": {events: []device.LogEvent{event("damaged", "", 49*time.Hour)},
			off: 4 * time.Minute},
	} {
		k := healthy()
		k.Device.Events, k.Loads, k.Device.Now = c.events, c.loads, now().Add(c.off)
		r := diagnosed(t, k)
		if c.cause != "" {
			if f := first(t, r); f.Cause != c.cause {
				t.Errorf("%s: %s", name, f.Cause)
			}
			continue
		}
		if r.Verdict != diagnose.Match || len(r.Findings) != 0 || len(r.Notes) != 1 {
			t.Errorf("%s: %s %+v, notes %v", name, r.Verdict, r.Findings, r.Notes)
		}
	}
}

// TestTheDevicesPastComesAfterItsPresent: both are likely, and the past would weigh more by its cause.
func TestTheDevicesPastComesAfterItsPresent(t *testing.T) {
	c := healthy()
	c.Device.Link.Quality = 12
	c.Device.Events = []device.LogEvent{{Kind: "corrupted", Detail: "slot 7", At: now()}}
	if r := diagnosed(t, c); len(r.Findings) != 2 || r.Findings[0].Cause != diagnose.CauseLinkFault {
		t.Errorf("%+v", r.Findings)
	}
}

func TestATamperOfThePastIsToldWhileNothingWasLoadedSince(t *testing.T) {
	c := healthy()
	c.Device.Events = []device.LogEvent{{Kind: "tampered", Detail: "case", At: now().Add(-time.Hour)}}
	c.Device.Slots, c.Device.Initial, c.Wanted = nil, nil, nil
	r := diagnosed(t, c)
	if f := first(t, r); f.Cause != diagnose.CauseEmptySlot || len(r.Notes) != 1 || isRuledOut(r, diagnose.CauseTamper) {
		t.Errorf("%s, notes %v, ruled out %+v", f.Cause, r.Notes, r.RuledOut)
	}
}

func isRuledOut(r diagnose.Report, c diagnose.Cause) bool {
	for _, x := range r.RuledOut {
		if x.Cause == c {
			return true
		}
	}
	return false
}

// TestWhatWasNotAskedIsNotRuledOut: a device that is asked slot by slot says nothing of its switch and its memory.
func TestWhatWasNotAskedIsNotRuledOut(t *testing.T) {
	c := diagnose.Case{Now: now(), Line: &diagnose.Line{Dialect: device.Visa, Asked: 3},
		Device: &device.Status{Slots: []device.SlotReport{{Slot: "0", SlotState: device.SlotState{Loaded: true}},
			{Slot: "1", SlotState: device.SlotState{Loaded: true}}}}}
	for name, wanted := range map[string][]diagnose.Wanted{"without an inventory": nil, "with one": healthy().Wanted[:2]} {
		c.Wanted = wanted
		r := diagnosed(t, c)
		for _, x := range r.RuledOut {
			if x.Cause != diagnose.CauseLinkFault && !(wanted != nil && x.Cause == diagnose.CauseEmptySlot) {
				t.Errorf("%s: %s is ruled out: %s", name, x.Cause, x.Reason)
			}
		}
	}
}

// TestADeviceThatHasNoKeyForAnySlotItAnswersForIsEmpty, though it does not answer for all of them.
func TestADeviceThatHasNoKeyForAnySlotItAnswersForIsEmpty(t *testing.T) {
	for _, c := range []struct {
		line  diagnose.Line
		worth diagnose.Certainty
	}{
		{diagnose.Line{Asked: 16, Empty: 16, Untold: []device.Slot{"90"}}, diagnose.Likely},
		{diagnose.Line{Asked: 3, Empty: 2, Unended: 2, Untold: []device.Slot{"90"}}, diagnose.Possible},
	} {
		r := diagnosed(t, diagnose.Case{Now: now(), Line: &c.line, Device: &device.Status{}})
		found := false
		for _, f := range r.Findings {
			found = found || f.Cause == diagnose.CauseEmptySlot && f.Certainty == c.worth
		}
		if !found {
			t.Errorf("%+v: %+v", c.line, r.Findings)
		}
	}
	silent := &diagnose.Line{Asked: 2, Failed: 2, TimedOut: 2}
	r := diagnosed(t, diagnose.Case{Now: now(), Line: silent, Device: &device.Status{}})
	if f := first(t, r); f.Cause != diagnose.CauseLinkFault || len(r.Findings) != 1 || len(r.RuledOut) != 0 {
		t.Errorf("%+v, ruled out %+v", r.Findings, r.RuledOut)
	}
}

// TestALineThatBrokeIsNamedWithWhatBrokeIt: nothing was told, so nothing is proven, and nothing ruled out.
func TestALineThatBrokeIsNamedWithWhatBrokeIt(t *testing.T) {
	for closed, worth := range map[bool]diagnose.Certainty{false: diagnose.Likely, true: diagnose.Possible} {
		r := diagnosed(t, diagnose.Case{Line: &diagnose.Line{Dialect: device.Agent, Asked: 1, Failed: 1,
			Broke: text.Raw("it hung up"), Closed: closed}})
		if f := first(t, r); f.Cause != diagnose.CauseLinkFault || f.Certainty != worth || len(r.RuledOut) != 0 {
			t.Errorf("%s %s, ruled out %+v", f.Certainty, f.Cause, r.RuledOut)
		}
	}
}

// TestAProvenChangeOfASlotsKeyComesBeforeWhatIsAroundIt, and after what explains it.
func TestAProvenChangeOfASlotsKeyComesBeforeWhatIsAroundIt(t *testing.T) {
	c := healthy()
	facts := tdesKey(t, "", "7B8358") // of keyT with its halves swapped
	facts.Prober = spot(t, keyT)
	c.Checks = []diagnose.Check{{Slot: "0", Label: "TMK#1", Facts: facts}}
	c.Device.Now = now().Add(26 * time.Hour)
	c.Device.Battery = device.Battery{Millivolts: 2100, Low: true}
	if f := first(t, diagnosed(t, c)); f.Cause != diagnose.CauseHalvesSwapped || f.Certainty != diagnose.Proven {
		t.Errorf("%s %s", f.Certainty, f.Cause)
	}
	c.Device.Slots[1].Damaged = true
	if f := first(t, diagnosed(t, c)); f.Cause != diagnose.CauseStorageCorrupt {
		t.Errorf("with damaged memory: %s %s", f.Certainty, f.Cause)
	}
}
