package dukpt

// Which keys a device holds, told without any key.

import "math/bits"

// Registers tells whose keys a device holds when the KSN's counter is its next, in the order of [State]: one for each
// bit of the counter, the highest first. The check values are left open. It is nil for a counter that no device uses.
func (k KSN) Registers() []Register {
	if k.CheckCounter() != nil {
		return nil
	}
	var all []Register
	for i := bits.Len32(k.counterMask()) - 1; i >= 0; i-- {
		r := Register{Bit: 1 << i}
		if at, ok := pending(k, i); ok {
			r.KSN, r.Filled = at, true
		}
		all = append(all, r)
	}
	return all
}
