package emulator

import (
	"poskey/internal/fault"
	"poskey/pkg/device"
)

// Tamper is the switch: all keys are gone when it returns, in memory and on disk. Where those on the disk cannot be
// destroyed it says so (Undestroyed), and tries again with everything that happens.
func (t *Terminal) Tamper(sensor string) {
	t.mu.Lock()
	if t.s.tamper.Tripped || t.closed {
		t.mu.Unlock()
		return
	}
	e := t.trip(sensor)
	t.keepAnyway()
	t.mu.Unlock()
	t.say(e)
}

// trip destroys the keys. The lock is held.
func (t *Terminal) trip(sensor string) Event {
	t.s.wipe()
	now := t.now()
	if !t.s.tamper.Tripped {
		t.s.tamper = device.TamperState{Tripped: true, Sensor: sensor, At: now}
	}
	t.s.lock(device.LockState{Kind: device.LockTamper, Since: now, Detail: sensor})
	t.inject.on = false
	t.boots++ // keys on their way, and sessions, are from before
	return t.destroy(sensor)
}

// destroy destroys the keys on the disk, and notes whether it could. The lock is held.
func (t *Terminal) destroy(sensor string) Event {
	if t.disk != nil {
		t.undone = t.disk.discharge()
	}
	if t.undone != nil {
		return t.note(Event{Kind: Undestroyed, Detail: sensor + ": " + t.undone.Error()})
	}
	return t.note(Event{Kind: Tampered, Detail: sensor})
}

// destroyAgain tries again what failed before. The lock is held.
func (t *Terminal) destroyAgain() {
	if t.undone == nil || t.disk == nil {
		return
	}
	if t.undone = t.disk.discharge(); t.undone == nil {
		t.noteForLater(Event{Kind: Tampered, Detail: t.s.tamper.Sensor})
		t.keepAnyway()
	}
}

// SetBattery sets the voltage of the backup battery. Below 2000 mV it is empty, and a tamper.
func (t *Terminal) SetBattery(millivolts int) {
	t.mu.Lock()
	t.s.millivolts = millivolts
	t.keepAnyway() // a voltage that is not written down is measured again
	t.mu.Unlock()
	if millivolts < emptyBattery {
		t.Tamper("backup battery")
	}
}

// SetLock sets a lock as what happens to the terminal does.
func (t *Terminal) SetLock(kind device.LockKind, detail string) { t.setLock(kind, detail) }

func (t *Terminal) setLock(kind device.LockKind, detail string) {
	t.mu.Lock()
	if t.s.locked(kind) || t.closed {
		t.mu.Unlock()
		return
	}
	t.s.lock(device.LockState{Kind: kind, Since: t.now(), Detail: detail})
	e := t.note(Event{Kind: Locked, Lock: kind, Detail: detail})
	t.keepAnyway() // it holds, whether it can be written down or not
	t.mu.Unlock()
	t.say(e)
}

func (t *Terminal) setUnlock(kind device.LockKind) {
	t.mu.Lock()
	if !t.s.locked(kind) {
		t.mu.Unlock()
		return
	}
	e := Event{Kind: Unlocked, Lock: kind}
	t.change(func() {
		t.s.unlock(kind)
		e = t.note(e)
	})
	t.mu.Unlock()
	t.say(e)
}

// lockBy sets a lock by an order.
func (t *Terminal) lockBy(account string, o device.Order) error {
	t.mu.Lock()
	e := Event{Kind: Locked, Lock: o.Lock, Account: account, Detail: o.Reason}
	why := t.change(func() {
		if o.Lock == device.LockOperator && !t.s.locked(o.Lock) { // ordering it again makes it nobody else's
			t.s.lockedBy = account
		}
		t.s.lock(device.LockState{Kind: o.Lock, Since: t.now(), Detail: o.Reason})
		t.inject.on = false
		e = t.note(e)
	})
	t.mu.Unlock()
	return t.done(why, e)
}

// done says what was done, or why not.
func (t *Terminal) done(why Refusal, e Event) error {
	if why != Accepted {
		return fault.New(fault.DeviceFailed, "the terminal could not do it: %s", string(why))
	}
	t.say(e)
	return nil
}

// lift takes a lock off. After a tamper the terminal comes back without keys.
func (t *Terminal) lift(kind device.LockKind) error {
	t.mu.Lock()
	if kind == device.LockTamper {
		if t.destroyAgain(); t.undone != nil {
			t.mu.Unlock()
			return fault.New(fault.DeviceFailed, "the keys on the terminal's disk are not destroyed: delete its directory")
		}
		if t.s.millivolts < emptyBattery {
			t.mu.Unlock()
			return fault.New(fault.DeviceFailed, "the backup battery is empty: without it the switch trips again")
		}
		if t.disk != nil {
			if err := t.disk.charge(); err != nil {
				t.mu.Unlock()
				return fault.WrapAs(fault.DeviceFailed, err, "make the terminal's battery-backed key")
			}
		}
	}
	e := Event{Kind: Unlocked, Lock: kind}
	why := t.change(func() {
		t.s.unlock(kind)
		switch kind {
		case device.LockOperator:
			t.s.lockedBy = ""
		case device.LockTamper:
			t.s.tamper = device.TamperState{}
		case device.LockPassword:
			t.s.wrong, t.bars = nil, nil
		}
		e = t.note(e)
	})
	t.mu.Unlock()
	return t.done(why, e)
}

// Restart starts the terminal again: sessions, the key inject mode and whatever was half done are gone.
func (t *Terminal) Restart() { t.restart("power") }

func (t *Terminal) restart(why string) {
	t.powerCycle()
	t.mu.Lock()
	w := t.wire
	t.mu.Unlock()
	t.report(Event{Kind: Restarted, Detail: why})
	if w != nil {
		w.Cut()
	}
}

// powerFails is a restart that nobody ordered: the log tells of it, as a terminal finds it out when it starts.
func (t *Terminal) powerFails() {
	t.powerCycle()
	t.report(Event{Kind: Restarted, Detail: "power failure"})
}

// powerCycle forgets what is not kept.
func (t *Terminal) powerCycle() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.boots++
	t.inject.on = false
	t.book = nil
	t.last, t.loaded = Accepted, false
}

// reset erases every key, every setting and the open batch. Locks, the log, the count of loads and the KSNs that were
// loaded stay: they are what a reset would hide.
func (t *Terminal) reset() error {
	t.mu.Lock()
	e := Event{Kind: ResetDone}
	why := t.change(func() {
		t.s.slots, t.s.engines, t.s.batch = nil, nil, 0
		t.s.master, t.s.set, t.s.keyMode, t.s.line = "0", 0, "", ""
		e = t.note(e)
	})
	t.mu.Unlock()
	if err := t.done(why, e); err != nil {
		return err
	}
	t.restart("reset")
	return nil
}
