package cli

import (
	"context"
	"testing"
	"time"

	"poskey/internal/fault"
	"poskey/pkg/device"
	"poskey/pkg/keys"
)

// TestATamperUnlockIsNoRepair: the device must say that it is not opened any more and holds nothing, and nobody reads of
// keys that were kept.
func TestATamperUnlockIsNoRepair(t *testing.T) {
	opened := device.TamperState{Tripped: true, Sensor: "case"}
	on := []device.LockState{{Kind: device.LockTamper}}
	slots := []device.SlotReport{{Slot: "0", SlotState: device.SlotState{Loaded: true}}}
	for what, c := range map[string]struct {
		lock  device.LockKind
		after device.Status
		good  bool
	}{
		"empty and closed":           {device.LockTamper, device.Status{}, true},
		"locked still":               {device.LockTamper, device.Status{Locks: on}, false},
		"opened still":               {device.LockTamper, device.Status{Tamper: opened}, false},
		"with a key":                 {device.LockTamper, device.Status{Slots: slots}, false},
		"with an initial key":        {device.LockTamper, device.Status{Initial: []device.InitialReport{{Slot: "90"}}}, false},
		"another lock, with a key":   {device.LockRemote, device.Status{Slots: slots}, true},
		"another lock, tamper stays": {device.LockRemote, device.Status{Locks: on, Tamper: opened}, true},
	} {
		if err := lifted(c.lock, &c.after); (err == nil) != c.good || err != nil && !fault.Is(err, fault.DeviceFailed) {
			t.Errorf("%s: %v", what, err)
		}
	}
	a := &App{Env: keys.Env{Now: time.Now}}
	for _, c := range []struct {
		order device.Order
		kept  bool
	}{
		{device.Order{Verb: device.Unlock, Lock: device.LockTamper}, false}, {device.Order{Verb: device.Reset}, false},
		{device.Order{Verb: device.Unlock, Lock: device.LockRemote}, true}, {device.Order{Verb: device.Restart}, true},
	} {
		d := ordering{app: a, order: c.order} // no keys before, and none afterwards
		if doc := d.doc(&device.Status{}); doc.KeysKept != c.kept {
			t.Errorf("%s %s: keys_kept is %t", c.order.Verb, c.order.Lock, doc.KeysKept)
		}
	}
}

// TestNothingIsOrderedOfADeviceThatNobodyCanName: nor anything that no device could carry out. Nobody has logged in then,
// and nothing was recorded.
func TestNothingIsOrderedOfADeviceThatNobodyCanName(t *testing.T) {
	for what, c := range map[string]struct {
		order  device.Order
		serial string
		kind   fault.Kind
	}{
		"no serial number": {device.Order{Verb: device.Restart}, "", fault.NotPermitted},
		"no software":      {device.Order{Verb: device.Update, Manifest: []byte("m")}, "PK00000001", fault.Usage},
	} {
		d := ordering{app: &App{}, order: c.order, before: device.Status{Serial: c.serial}}
		if _, err := d.carry(t.Context()); !fault.Is(err, c.kind) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// log is a device's log that comes in pages.
type log struct {
	device.Manager
	events []device.LogEvent
	page   int
}

func (l *log) Logs(_ context.Context, after uint64, most int) ([]device.LogEvent, error) {
	rest := l.events[min(int(after), len(l.events)):]
	return rest[:min(most, l.page, len(rest))], nil
}

func TestALogOfManyPagesIsPulledWhole(t *testing.T) {
	l := &log{page: 500}
	for seq := range uint64(1200) {
		l.events = append(l.events, device.LogEvent{Seq: seq + 1})
	}
	for most, want := range map[int]int{1: 1, 500: 500, 501: 501, 1000: 1000, 5000: 1200} {
		events, err := pullLog(t.Context(), l, 0, most)
		if err != nil || len(events) != want || events[want-1].Seq != uint64(want) {
			t.Errorf("of %d: %d events, %v", most, len(events), err)
		}
	}
	if events, err := pullLog(t.Context(), l, 1199, 10); err != nil || len(events) != 1 {
		t.Errorf("%d events, %v", len(events), err)
	}
}
