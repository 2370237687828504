package emulator

// The serial number.

// Serial is the serial number, "" where none was set.
func (t *Terminal) Serial() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.s.serial
}

// SetSerial stores a serial number; what form it has is the port's business. Approvals asked for under the old one
// count no more.
func (t *Terminal) SetSerial(serial string) Refusal {
	t.mu.Lock()
	e := Event{Kind: Renamed, Detail: serial}
	why := t.change(func() {
		t.s.serial = serial
		e = t.note(e)
	})
	if why == Accepted {
		t.book = nil
	}
	t.mu.Unlock()
	if why == Accepted {
		t.say(e)
	}
	return why
}
