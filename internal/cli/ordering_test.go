package cli

import (
	"crypto/rand"
	"testing"
	"time"

	"poskey/internal/fault"
	"poskey/pkg/custody"
	"poskey/pkg/device"
	"poskey/pkg/device/manage"
	"poskey/pkg/kcv"
	"poskey/pkg/keys"
)

// TestOfficersSignOnlyWhatWasOrdered: a device that is told to lift a lock gets no approvals for anything else, however
// alike it looks.
func TestOfficersSignOnlyWhatWasOrdered(t *testing.T) {
	now := time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)
	clock := func() custody.Instant { return custody.Instant{Wall: now} }
	officer, err := custody.NewOfficer(keys.Env{Rand: rand.Reader, Now: func() time.Time { return now }},
		custody.Officer{ID: "custodian.a", Name: "TEST custodian A", Roles: []custody.Role{custody.Custodian}, Environment: custody.Test})
	if err != nil {
		t.Fatal(err)
	}
	defer officer.Wipe()
	roster, err := custody.NewRoster(custody.Test, officer.Card())
	if err != nil {
		t.Fatal(err)
	}
	order := device.Order{Verb: device.Unlock, Lock: device.LockRemote, Reason: "acquirer-released"}
	d := &ordering{order: order, before: device.Status{Serial: "PK00000001"}}
	for name, c := range map[string]struct {
		serial string
		asks   device.Order
		life   time.Duration
		good   bool
	}{
		"the order":      {"PK00000001", order, 15 * time.Minute, true},
		"a reset":        {"PK00000001", device.Order{Verb: device.Reset, Reason: "remote: acquirer-released"}, 15 * time.Minute, false},
		"another lock":   {"PK00000001", device.Order{Verb: device.Unlock, Lock: device.LockTamper, Reason: "acquirer-released"}, 15 * time.Minute, false},
		"a lesser lock":  {"PK00000001", device.Order{Verb: device.Unlock, Lock: device.LockLocation, Reason: "acquirer-released"}, 15 * time.Minute, false},
		"another reason": {"PK00000001", device.Order{Verb: device.Unlock, Lock: device.LockRemote, Reason: "test"}, 15 * time.Minute, false},
		"another device": {"PK00000002", order, 15 * time.Minute, false},
		"a whole day":    {"PK00000001", order, 24 * time.Hour, false},
	} {
		book, err := custody.NewBook(rand.Reader, clock, c.serial, roster, custody.RecorderFunc(func(custody.Event) error { return nil }))
		if err != nil {
			t.Fatal(err)
		}
		q, err := book.Ask(manage.Action(c.asks), c.life)
		if err != nil {
			t.Fatal(err)
		}
		if err := d.suits(q); (err == nil) != c.good || err != nil && !fault.Is(err, fault.DeviceFailed) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestKeysAreKeptWhenTheirCheckValuesAre: as many slots as before is not enough, and a counter that moved is no new key.
func TestKeysAreKeptWhenTheirCheckValuesAre(t *testing.T) {
	slot := func(name device.Slot, check string) device.SlotReport {
		return device.SlotReport{Slot: name, SlotState: device.SlotState{Loaded: true, Check: kcv.Value{Digits: check, Method: kcv.ECBZero}}}
	}
	engine := func(ksn, check string) device.InitialReport {
		return device.InitialReport{Slot: "90", KSN: ksn, Check: kcv.Value{Digits: check, Method: kcv.ECBZero}}
	}
	before := device.Status{Slots: []device.SlotReport{slot("0", "08D7B4"), slot("F", "844876")},
		Initial: []device.InitialReport{engine("FFFF9876543210E00001", "AF8CBC")}}
	for name, c := range map[string]struct {
		slots   []device.SlotReport
		initial []device.InitialReport
		kept    bool
	}{
		"nothing moved":      {before.Slots, before.Initial, true},
		"a counter moved":    {before.Slots, []device.InitialReport{engine("FFFF9876543210E00002", "AF8CBC")}, true},
		"another key":        {[]device.SlotReport{slot("0", "C0D5B5"), slot("F", "844876")}, before.Initial, false},
		"another slot":       {[]device.SlotReport{slot("1", "08D7B4"), slot("F", "844876")}, before.Initial, false},
		"a slot less":        {before.Slots[1:], before.Initial, false},
		"no initial key":     {before.Slots, nil, false},
		"other initial keys": {before.Slots, []device.InitialReport{engine("FFFF9876543210E00001", "072043")}, false},
	} {
		after := device.Status{Slots: c.slots, Initial: c.initial}
		if kept := sameKeys(&before, &after); kept != c.kept {
			t.Errorf("%s: kept is %t", name, kept)
		}
	}
}
