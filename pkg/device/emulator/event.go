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
	Asked        EventKind = "asked"     // packet 04 was answered; Slot
	Staged       EventKind = "staged"    // a key came and is good; it waits for the commit; Slot, Usage, Mode, Length
	Stored       EventKind = "stored"    // it was committed; as Staged, with Check
	Refused      EventKind = "refused"   // Code says why: a code of packet 02, or EOT
	Cancelled    EventKind = "cancelled" // the host gave the exchange up; nothing was stored
	Unanswered   EventKind = "unanswered"
	Damaged      EventKind = "damaged" // a frame came with a wrong LRC, or cut off
	Ignored      EventKind = "ignored" // a good frame with an unknown id
	Misbehaved   EventKind = "misbehaved"
)

// Event is something that happened at the terminal. It never holds key bytes.
type Event struct {
	At     time.Time // by Config.Env.Now; zero without
	Kind   EventKind
	Slot   device.Slot
	Code   string
	Usage  keys.Usage
	Mode   byte
	Length int       // of the key, in bytes
	Clear  bool      // the key came in clear
	Check  kcv.Value // computed here, from the key that was stored
	Fault  Fault     // of Misbehaved
}
