package ceremony

// What is in the room: the desk where people sit, and what is on it.

import (
	"context"
	"io"

	"poskey/internal/secret"
	"poskey/internal/text"
	"poskey/pkg/ceremony/script"
	"poskey/pkg/component"
	"poskey/pkg/custody"
	"poskey/pkg/hsm"
	"poskey/pkg/kcv"
)

// Line is a line on the screen.
type Line struct {
	Text  text.Text
	Style Style
}

// Style is what a line is.
type Style string

// The styles.
const (
	Heading Style = "heading" // a step begins
	Aloud   Style = "aloud"   // to be read aloud
	Do      Style = "do"      // to be done
	Told    Style = "told"    // what happened
	Alarm   Style = "alarm"   // what is wrong
)

// Desk is the screen and the keyboard. Nothing is shown that is not on the disk before. Every question may be answered
// by one of the words of [Desk] that all questions know: it then ends with [ErrDeviation] or [ErrAbort].
type Desk interface {
	// Say shows lines.
	Say(ctx context.Context, lines ...Line) error
	// Ask asks for a line that everybody may see.
	Ask(ctx context.Context, question text.Text) (string, error)
	// Confirm asks until exactly the word is typed.
	Confirm(ctx context.Context, question text.Text, word string) error
	// Hidden asks for what nobody may see: a row of a component, a passphrase. It ends with device_timeout when nobody
	// types for a while.
	Hidden(ctx context.Context, question text.Text) (*secret.Bytes, error)
	// Change clears the screen and what lies above it, and waits for somebody to sit down.
	Change(ctx context.Context, to script.Person, as text.Text) error
	// Clear clears the screen.
	Clear(ctx context.Context) error
}

// Made is a key that came into being.
type Made struct {
	Check kcv.Value
	Set   string // of its sheets, when it was cut
	Label string // NAME#VERSION when it is in the store, not yet for use
	// Gone: it lies in the store no more. The ceremony broke after it was destroyed, and before a line said so.
	Gone bool
	// Idle: it lies in the store, and was never made active.
	Idle bool
}

// Exported is a key block that was written.
type Exported struct {
	File, Header string
	SHA256       string
	Check        kcv.Value
}

// Loaded is a key in a device.
type Loaded struct {
	Device, Slot, Proof string
	Check               kcv.Value
}

// Held is what somebody has held, for the ledger: it is written when it happens, since nobody forgets.
type Held struct {
	Ceremony string
	Key      *script.Key
	Label    string
	Check    kcv.Value
	Set      string
	Part     int
	Of       int
	Needed   int
	Person   script.Person
	Seat     string // primary, backup
	Event    string // a word of store.PartEvents
	Bag      string
	Outer    string
	Channel  string
}

// Tools do what the people decide: the boundary, the store, the printer, the devices. One set works for real, one for
// rehearsals with throw-away keys.
type Tools interface {
	// Identity is the locked identity file of somebody.
	Identity(ctx context.Context, p script.Person) (*custody.Locked, error)
	// Generate draws a key inside the boundary. With a store it lies there, not yet active.
	Generate(ctx context.Context, k *script.Key) (Made, error)
	// Split cuts a key that was drawn into its parts.
	Split(ctx context.Context, k *script.Key) ([]*component.Part, error)
	// Form puts parts together. It compares each with what is known of it, and the key, before anything is kept. The parts
	// are wiped.
	Form(ctx context.Context, k *script.Key, f hsm.Forming) (Made, error)
	// Find looks a key of the store up. After a break it is named with its version, where the record has that: the same
	// key is found again, also when it was destroyed in between.
	Find(ctx context.Context, k *script.Key) (Made, error)
	// Keep makes a key of the store active.
	Keep(ctx context.Context, k *script.Key, o *script.Output) (Made, error)
	// Export writes a key block.
	Export(ctx context.Context, k *script.Key, o *script.Output) (Exported, error)
	// Load loads a key into a device and proves it.
	Load(ctx context.Context, k *script.Key, o *script.Output) (Loaded, error)
	// DestroyKey destroys a key of the store. One that was destroyed before a break stays so.
	DestroyKey(ctx context.Context, k *script.Key, reason string) error
	// InitStore draws a master key and cuts it to the officers of the cards.
	InitStore(ctx context.Context, k *script.Key, cards []custody.Card) (Made, error)
	// Print sends a sheet straight to the printer; write is called once.
	Print(ctx context.Context, write func(io.Writer) error) error
	// Practice gives the sheet of a part that would have come from elsewhere; ok is false unless this is a rehearsal.
	Practice(ctx context.Context, k *script.Key, part int) (sheet *component.Part, ok bool, err error)
	// Hold writes into the ledger.
	Hold(ctx context.Context, h Held) error
	// Forget wipes every key that was not kept, and destroys what this ceremony left in the store without keeping it. The
	// ceremony is over: one that broke goes on with what lies there, and whoever made the tools wipes them.
	Forget(ctx context.Context) error
}
