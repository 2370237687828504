package emulator

// Dialects at the line, and the slots that a terminal has under one.

import (
	"context"
	"slices"

	"poskey/internal/fault"
	"poskey/pkg/device"
	"poskey/pkg/keyblock"
	"poskey/pkg/keys"
)

// Port is a dialect at the terminal's line. It reads frames and answers them; what a key may do is the terminal's
// business. Visa("") is the one of Config's zero value.
type Port interface {
	// Dialect is the name in URIs.
	Dialect() string
	// Layout says which slots the terminal has when it speaks this dialect.
	Layout() Layout
	// Serve answers until the line or ctx ends. io.EOF and ErrCut are ordinary ends.
	Serve(ctx context.Context, w *Wire) error
}

// Layout says which slots there are and what may stand in them.
type Layout struct {
	Rules   []device.SlotRule // which keys stand where; a key that no row takes is refused
	Initial []device.Slot     // of DUKPT engines of their own; none: any slot takes an initial key
	KEK     device.Slot       // of the key that key blocks are under
	// Known says which slots exist. Takes says what is wrong with a key for a slot; nil goes by Rules.
	Known func(device.Slot) bool
	Takes func(slot device.Slot, usage keys.Usage, mode byte, alg keys.Algorithm) Refusal
	// Blocks gives the lengths of key blocks of a version, of initial keys or of others; nil takes all.
	Blocks        func(version byte, initial bool) []int
	KeyVersion    string // of key blocks; "" takes any
	Exportability byte   // of key blocks; 0 takes any
	OneKSN        bool   // an initial key is refused even when it comes again into its slot before its first use
	Capacity      int    // keys that the terminal has memory for; 0 is without end
}

// parse reads a key block as far as that goes without its key.
func (l *Layout) parse(text string, initial bool) (*keyblock.Block, Refusal) {
	block, err := keyblock.Parse(text)
	switch {
	case fault.Is(err, fault.VersionUnsupported):
		return nil, RefusedVersion
	case err != nil:
		return nil, RefusedBlockForm
	}
	if l.Blocks != nil {
		lengths := l.Blocks(block.Version, initial)
		if len(lengths) == 0 {
			return nil, RefusedVersion
		}
		if !slices.Contains(lengths, block.Len()) {
			return nil, RefusedBlockForm
		}
	}
	if l.KeyVersion != "" && block.KeyVersion != l.KeyVersion ||
		l.Exportability != 0 && block.Exportability != l.Exportability {
		return nil, RefusedBlockForm
	}
	return block, Accepted
}
