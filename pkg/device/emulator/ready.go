package emulator

// Whether the terminal takes a key at all, before it is looked at.

import (
	"poskey/pkg/device"
)

// Ready tells why the terminal takes no keys now: RefusedTampered, RefusedLocked, or Accepted.
func (t *Terminal) Ready() Refusal {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.ready()
}

func (t *Terminal) ready() Refusal {
	t.liftBars()
	switch {
	case t.closed:
		return RefusedStorage
	case t.s.tamper.Tripped:
		return RefusedTampered
	}
	for _, l := range t.s.locks {
		switch l.Kind {
		case device.LockSignIn, device.LockPINRate: // keys are what helps, or have nothing to do with it
		case device.LockDualAdmin: // it bars the key inject mode
		default:
			return RefusedLocked
		}
	}
	return Accepted
}

// Admits says, before the key is looked at, why the terminal does not take one for a slot.
func (t *Terminal) Admits(slot device.Slot, clear bool) Refusal {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.admits(slot, clear)
}

func (t *Terminal) admits(slot device.Slot, clear bool) Refusal {
	switch why := t.ready(); {
	case why != Accepted:
		return why
	case t.layout.Known != nil && !t.layout.Known(slot):
		return RefusedSlot
	case clear && !t.injecting():
		return RefusedNotInject
	case t.cfg.MaxLoads > 0 && t.s.loads >= t.cfg.MaxLoads:
		return RefusedLimit
	}
	return t.room(slot)
}

// room says whether there is memory for a key in a slot.
func (t *Terminal) room(slot device.Slot) Refusal {
	if _, full := t.faults.value(FullSlots); full {
		return RefusedFull
	}
	_, there := t.s.slots[slot]
	_, engine := t.s.engines[slot]
	held := len(t.s.slots) + len(t.s.engines)
	if t.layout.Capacity > 0 && held >= t.layout.Capacity && !there && !engine {
		return RefusedFull
	}
	return Accepted
}
