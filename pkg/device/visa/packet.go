package visa

import (
	"bytes"

	"poskey/internal/fault"
	"poskey/pkg/device"
	"poskey/pkg/device/visa/table"
	"poskey/pkg/keyblock"
	"poskey/pkg/keys"
)

// AskFrame is packet 04: what is in the slot, with or without its attributes?
func AskFrame(slot device.Slot, attributes bool) (Frame, error) {
	if err := checkSlot(slot, table.AskSlots); err != nil {
		return Frame{}, err
	}
	data := []byte(slot)
	if attributes {
		data = append(data, '1')
	}
	return NewFrame(Admin, []byte(table.AskSlot), data)
}

// LoadBlockFrame is packet 02 with a key block.
func LoadBlockFrame(slot device.Slot, block *keyblock.Block) (Frame, error) {
	if err := checkSlot(slot, table.AllSlots); err != nil {
		return Frame{}, err
	}
	lengths := table.BlockLengths(block.Version)
	if lengths == nil {
		return Frame{}, fault.New(fault.VersionUnsupported,
			"packet 02 carries key blocks of version A and B, not %c", block.Version)
	}
	for _, n := range lengths {
		if n == block.Len() {
			return NewFrame(Admin, []byte(table.LoadKey), []byte(slot), []byte(block.Marshal()))
		}
	}
	return Frame{}, fault.New(fault.LengthMalformed, "packet 02 carries version %c blocks of %v characters, not %d; "+
		"make the block without length obfuscation and optional blocks", block.Version, lengths, block.Len())
}

// LoadClearFrame is packet 02 with a clear key of 16 or 24 bytes. The default attributes (K0, D) are left out, as in
// the manual's examples.
func LoadClearFrame(slot device.Slot, key *keys.Key, usage keys.Usage, mode byte) (Frame, error) {
	if err := checkSlot(slot, table.AllSlots); err != nil {
		return Frame{}, err
	}
	if alg := key.Algorithm(); alg != keys.TDES128 && alg != keys.TDES192 {
		return Frame{}, fault.New(fault.Usage, "packet 02 carries clear keys of tdes-128 and tdes-192, not %s", alg)
	}
	if len(usage) != 2 || !isUpperAlnum(usage[0]) || !isUpperAlnum(usage[1]) || !isUpperAlnum(mode) {
		return Frame{}, fault.New(fault.Usage, "usage %q with mode %q is not two letters or digits and one", usage, mode)
	}
	digits := keys.Hex(key.Secret())
	defer digits.Wipe()
	var attributes []byte
	if usage != table.DefaultUsage || mode != table.DefaultMode {
		attributes = append(append([]byte{table.FS}, usage...), mode)
	}
	return NewFrame(Admin, []byte(table.LoadKey), []byte(slot), digits.Expose(), attributes)
}

// KeyOnlyFrame is packet 02 as VeriFone has it: a clear single-length key for one of the slots 0 to 9, no attributes.
func KeyOnlyFrame(slot device.Slot, key *keys.Key) (Frame, error) {
	if err := checkSlot(slot, selectable); err != nil {
		return Frame{}, err
	}
	if alg := key.Algorithm(); alg != keys.DES {
		return Frame{}, fault.New(fault.Usage, "VeriFone's packet 02 carries clear keys of des, not %s", alg)
	}
	digits := keys.Hex(key.Secret())
	defer digits.Wipe()
	return NewFrame(Admin, []byte(table.LoadKey), []byte(slot), digits.Expose())
}

func checkSlot(slot device.Slot, known string) error {
	if len(slot) == 1 && bytes.IndexByte([]byte(known), slot[0]) >= 0 {
		return nil
	}
	return fault.New(fault.NotFound, "there is no slot %q here; slots are one character of %s", slot, known)
}

func isUpperAlnum(c byte) bool { return c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' }

// Answers to packet 04.
const (
	slotEmpty  = '0'
	slotLoaded = 'F'
)

// parseState reads the answer to packet 04: r, or r usage(2) FS mode FS algorithm.
func parseState(data []byte) (device.SlotState, error) {
	switch {
	case len(data) == 1 && data[0] == slotEmpty:
		return device.SlotState{}, nil
	case len(data) == 1 && data[0] == slotLoaded:
		return device.SlotState{Loaded: true}, nil
	case len(data) == 7 && data[0] == slotLoaded && isAttributes(data[1:]):
		return device.SlotState{Loaded: true, HasAttributes: true,
			Usage: keys.Usage(data[1:3]), Mode: data[4], Algorithm: data[6]}, nil
	}
	return device.SlotState{}, fault.New(fault.DeviceLink,
		"packet 04: the answer cannot be read: the %d characters after the id are neither 0, F, nor F with attributes",
		len(data))
}

// isAttributes looks at usage(2) FS mode FS algorithm.
func isAttributes(b []byte) bool {
	return isUpperAlnum(b[0]) && isUpperAlnum(b[1]) && b[2] == table.FS && isUpperAlnum(b[3]) &&
		b[4] == table.FS && isUpperAlnum(b[5])
}

// parseRefusal reads the code out of 02?e.
func parseRefusal(data []byte) (code string, ok bool) {
	if len(data) == 2 && data[0] == '?' && isUpperAlnum(data[1]) {
		return string(data[1:]), true
	}
	return "", false
}
