package futurex

import (
	"fmt"
	"strconv"

	"poskey/internal/fault"
	"poskey/internal/text"
	"poskey/pkg/device"
)

// Layout is what terminals of this dialect differ in. The zero value is the base layout with decimal slots.
type Layout struct {
	HexSlots bool // slot numbers are written in hex: 0F is slot 15
	Fields   bool // the dialect's fields stand in the inject command: algorithm, subtype, total and index
}

// LayoutOf reads the options' Slots and Profile.
func LayoutOf(o device.Options) Layout {
	return Layout{HexSlots: o.Slots == device.SlotsHex, Fields: o.Profile == device.ProfileDialect}
}

// slots is how many there are: what two digits can number.
func (l Layout) slots() int {
	if l.HexSlots {
		return 256
	}
	return 100
}

// ParseSlot reads a slot's name: its number in decimal, of two digits or more, however the terminal writes it.
func (l Layout) ParseSlot(s device.Slot) (int, error) {
	n, err := strconv.Atoi(string(s))
	if err != nil || n < 0 || n >= l.slots() || SlotName(n) != s {
		return 0, fault.New(fault.NotFound, "there is no slot %q here; slots are numbers from 00 to %d, of two digits or "+
			"more", text.Redact(string(s)), l.slots()-1)
	}
	return n, nil
}

// SlotName names a slot by its number.
func SlotName(n int) device.Slot { return device.Slot(fmt.Sprintf("%02d", n)) }

// slotDigits writes a slot number as the terminal does.
func (l Layout) slotDigits(n int) (string, error) {
	if n < 0 || n >= l.slots() {
		return "", fault.New(fault.NotFound, "slot %d does not fit the two digits for it", n)
	}
	if l.HexSlots {
		return fmt.Sprintf("%02X", n), nil
	}
	return fmt.Sprintf("%02d", n), nil
}

// isHex takes digits and the letters A to F, no small ones.
func isHex[T string | []byte](s T) bool {
	for i := range len(s) {
		if c := s[i]; (c < '0' || c > '9') && (c < 'A' || c > 'F') {
			return false
		}
	}
	return true
}
