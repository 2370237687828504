package emulator

// What slots hold, as the terminal tells it, and emptying them.

import (
	"strings"

	"poskey/pkg/device"
	"poskey/pkg/kcv"
	"poskey/pkg/keyblock"
	"poskey/pkg/keys"
)

// State tells what a slot holds, master key or DUKPT engine, as a driver would be told.
func (t *Terminal) State(slot device.Slot) device.SlotReport {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.slotReport(slot)
}

func (t *Terminal) slotReport(slot device.Slot) device.SlotReport {
	out := device.SlotReport{Slot: slot}
	if e, ok := t.s.slots[slot]; ok {
		out.SlotState = device.SlotState{Loaded: true, HasAttributes: true, Usage: e.usage, Mode: e.mode,
			Algorithm: e.algorithm()}
		out.Damaged, out.Expires = e.key == nil, t.expiry(slot, e)
		if e.key != nil {
			out.Check, out.Parity = t.tell(e), e.key.Parity()
		}
	}
	if e, ok := t.s.engines[slot]; ok {
		out.SlotState = device.SlotState{Loaded: true, HasAttributes: true, Usage: keys.UsageIK, Mode: 'X',
			Algorithm: keyblock.AlgorithmChar(e.alg), Check: e.check}
		out.Damaged = e.dev == nil
		if state, err := e.state(); err == nil {
			out.KSN = state.KSN.String()
		}
	}
	return out
}

// tell gives the check value of a key as the terminal says it: by another method, or longer or shorter, where that is
// ordered.
func (t *Terminal) tell(e *entry) kcv.Value {
	method, digits := kcv.Default(e.alg), 0
	if order, on := t.faults.value(KCVMethod); on {
		name, length, _ := strings.Cut(order, "/")
		if name == kcvEcho {
			return kcv.Value{Method: method, Digits: e.told}
		}
		if m, err := kcv.ParseMethod(name); err == nil {
			method = m
		}
		digits = number(length)
	}
	value, err := kcv.Of(e.alg, e.key.Secret().Expose(), method, digits)
	if err != nil {
		value, _ = checkOf(e.key) // the method is not for this algorithm
	}
	return value
}

// KEK tells the check value of a key that protects others, or why there is none.
func (t *Terminal) KEK(slot device.Slot) (kcv.Value, Refusal) {
	t.mu.Lock()
	defer t.mu.Unlock()
	e, why := t.kek(slot, "")
	if why != Accepted {
		return kcv.Value{}, why
	}
	v, err := checkOf(e.key)
	if err != nil {
		return kcv.Value{}, RefusedKEKBroken
	}
	return v, Accepted
}

// Erase empties a slot. RefusedEmpty where it holds nothing.
func (t *Terminal) Erase(slot device.Slot) Refusal {
	t.mu.Lock()
	if !t.holds(slot) {
		t.mu.Unlock()
		return RefusedEmpty
	}
	e := Event{Kind: Erased, Slot: slot}
	why := t.change(func() {
		delete(t.s.slots, slot)
		delete(t.s.engines, slot)
		e = t.note(e)
	})
	t.mu.Unlock()
	if why == Accepted {
		t.say(e)
	}
	return why
}

// EraseAll empties every slot and engine.
func (t *Terminal) EraseAll() Refusal {
	t.mu.Lock()
	e := Event{Kind: Erased}
	why := t.change(func() {
		t.s.slots, t.s.engines = nil, nil
		e = t.note(e)
	})
	t.mu.Unlock()
	if why == Accepted {
		t.say(e)
	}
	return why
}
