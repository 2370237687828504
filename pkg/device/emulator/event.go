package emulator

import (
	"time"

	"poskey/pkg/device"
	"poskey/pkg/kcv"
	"poskey/pkg/keys"
)

// EventKind says what happened.
type EventKind string

// The kinds of events.
const (
	Connected    EventKind = "connected"
	Disconnected EventKind = "disconnected"
	Asked        EventKind = "asked"     // a slot was asked about; Slot
	Staged       EventKind = "staged"    // a key came and is good; it waits for the commit; Slot, Usage, Mode, Length
	Stored       EventKind = "stored"    // it was committed; as Staged, with Check
	Refused      EventKind = "refused"   // Code says why as the dialect does, Reason as the terminal does
	Cancelled    EventKind = "cancelled" // the host gave the exchange up; nothing was stored
	Unanswered   EventKind = "unanswered"
	Damaged      EventKind = "damaged" // a frame came with a wrong LRC, or cut off
	Ignored      EventKind = "ignored" // a good frame with an unknown id
	Misbehaved   EventKind = "misbehaved"

	Erased    EventKind = "erased"   // Slot; "" is all of them
	Renamed   EventKind = "renamed"  // the serial number was set; Detail
	Used      EventKind = "used"     // a key was used: a MAC or a PIN; Slot, KSN
	Selected  EventKind = "selected" // a key or an engine was selected; Slot
	Corrupted EventKind = "corrupted"

	InjectEntered EventKind = "inject-entered"
	InjectLeft    EventKind = "inject-left" // Detail says why

	LoggedIn EventKind = "logged-in" // Account
	Denied   EventKind = "denied"    // Account, Detail
	Approved EventKind = "approved"  // approvals were spent on an order; Detail
	Locked   EventKind = "locked"    // Lock
	Unlocked EventKind = "unlocked"  // Lock
	Tampered EventKind = "tampered"  // Detail names the sensor; the keys are gone
	// Undestroyed comes in place of Tampered while the keys on the disk could not be destroyed, Detail says why; the
	// terminal goes on trying, and has none in memory. Unwritten: the state on the disk is older than what happened.
	Undestroyed EventKind = "keys-not-destroyed"
	Unwritten   EventKind = "state-not-written"

	Restarted EventKind = "restarted"
	ResetDone EventKind = "reset"
	Updated   EventKind = "updated" // Detail is the version
)

// Event is something that happened at the terminal. It never holds key bytes.
type Event struct {
	At      time.Time // by Config.Env.Now; zero without
	Kind    EventKind
	Slot    device.Slot
	Code    string
	Reason  Refusal
	Usage   keys.Usage
	Mode    byte
	Length  int       // of the key, in bytes
	Clear   bool      // the key came in clear
	Check   kcv.Value // computed here, from the key that was stored
	KSN     string
	Fault   Fault // of Misbehaved
	Account string
	Lock    device.LockKind
	Detail  string
}
