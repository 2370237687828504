package diagnose

// Where this package knows words of other packages by heart: each list is held against its owner.

import (
	"slices"
	"testing"

	"poskey/pkg/device"
	"poskey/pkg/device/emulator"
	"poskey/pkg/device/manage"
	"poskey/pkg/errorcode"
)

// TestARefusalIsKnownAgainInTheJournal: the journal keeps the sentence of a refusal, so a table or a sentence that changes
// must not make it unreadable here.
func TestARefusalIsKnownAgainInTheJournal(t *testing.T) {
	all := refusals()
	if len(all) < 40 {
		t.Fatalf("%d refusals", len(all))
	}
	for _, want := range all {
		said := (&device.CodeError{Dialect: "any", Answer: want.Code, CodeInfo: want}).Error()
		got, ok := refusalIn("load slot 3, nothing stored: " + said)
		if !ok || got.Meaning.String() != want.Meaning.String() || got.Cause != want.Cause {
			t.Errorf("%q is read as %s (%q), want %s", said, got.Code, got.Cause, want.Code)
		}
	}
}

func TestARefusalOfATerminalInItsOwnLogHasCauses(t *testing.T) {
	n := 0
	for _, row := range manage.Codes() {
		if row.Action.IsZero() || row.Code == manage.CodeLocked { // about the request, or a lock that keeps the keys
			continue
		}
		n++
		if len(refusedFor(row.Code)) == 0 {
			t.Errorf("a load that is refused for %s has no cause", row.Code)
		}
	}
	if n < 20 {
		t.Errorf("%d codes are about keys", n)
	}
}

func TestEventsOfADeviceAreCalledAsTheDeviceCallsThem(t *testing.T) {
	for ours, theirs := range map[string]emulator.EventKind{
		eventStored: emulator.Stored, eventDamaged: emulator.Damaged, eventCorrupted: emulator.Corrupted,
		eventTampered: emulator.Tampered, eventRefused: emulator.Refused, eventRestarted: emulator.Restarted,
	} {
		if ours != string(theirs) {
			t.Errorf("%q is called %q", ours, theirs)
		}
	}
}

func TestWhoMakesNoDeviceIsAVendorOfTheDictionary(t *testing.T) {
	d, err := errorcode.Open()
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range noMakers() {
		if !slices.ContainsFunc(d.Vendors(), func(v errorcode.Vendor) bool { return v.ID == id }) {
			t.Errorf("the dictionary has no vendor %q", id)
		}
	}
}
