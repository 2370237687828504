package device

import (
	"context"
	"slices"
	"strings"

	"poskey/pkg/kcv"
	"poskey/pkg/keyblock"
	"poskey/pkg/keys"
)

// Slot names a place for a key as the dialect writes it: "0" to "9" and "A" to "V" in the visa dialect.
type Slot string

// Device is a terminal as a loader sees it. Calls are taken one at a time; each ends within the time-outs of its
// dialect or with ctx. After an error of the line the device may be unusable: close it and open it again.
type Device interface {
	// Dialect is the name of the protocol, as in the URI.
	Dialect() string
	// Capabilities tells what the dialect can do.
	Capabilities() Capabilities
	// ReadSlot asks what is in a slot.
	ReadSlot(ctx context.Context, slot Slot) (SlotState, error)
	// LoadBlock hands a key block over. The terminal opens it with the key that it holds for that.
	LoadBlock(ctx context.Context, slot Slot, block *keyblock.Block) (Commit, error)
	// LoadClear hands a key over in clear: whoever listens on the line has it.
	LoadClear(ctx context.Context, slot Slot, key *keys.Key, usage keys.Usage, mode byte) (Commit, error)
	// Confirm asks the terminal about a slot that was loaded. It also settles a Commit out of an OutcomeUnknown,
	// or says again that nobody can know.
	Confirm(ctx context.Context, c Commit) (LoadResult, error)
	// Close gives the line back.
	Close() error
}

// SlotState is what a terminal reports of a slot.
type SlotState struct {
	Loaded        bool
	HasAttributes bool // the three below were reported
	Usage         keys.Usage
	Mode          byte // mode of use, as in a key block
	Algorithm     byte // algorithm, as in a key block: T or D
	// Check is the check value that the terminal computed of the key in the slot; empty where the dialect tells none.
	Check kcv.Value
	KSN   string // of an initial key, where the dialect tells it
}

// Capabilities tells what a dialect can do.
type Capabilities struct {
	Clear         bool       // takes clear keys
	BlockVersions string     // versions of key blocks that it takes: "AB"
	BlockLengths  []int      // lengths in characters that fit its packets
	Proof         Proof      // the most that a load can prove
	Slots         []SlotRule // as documented for the model the dialect follows; another model may differ
	InitialSlots  []Slot     // of DUKPT initial keys
	InitialBlocks string     // versions of key blocks that it takes for them
	Cryptograms   bool       // takes bare cryptograms, and no key blocks: see CryptogramLoader
	Algorithms    string     // of keys, one character each as in a key block
	Mute          bool       // no slot can be asked about
	MuteSlots     []Slot     // these cannot be asked about
}

// SlotRule is a row of a terminal's table of slots: which keys may stand where.
type SlotRule struct {
	Slots      string // one character each
	Named      []Slot // slots with longer names
	Usage      keys.Usage
	Lengths    []int  // of the key, in bytes
	Algorithms string // one character each, as in a key block
	Modes      string // one character each, the usual one first
}

// Has says whether the rule is about this slot.
func (r SlotRule) Has(slot Slot) bool {
	return len(slot) == 1 && strings.Contains(r.Slots, string(slot)) || slices.Contains(r.Named, slot)
}
