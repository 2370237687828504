package emulator

import (
	"fmt"
	"strings"

	"poskey/pkg/device"
)

// maxLog is how many events the terminal remembers.
const maxLog = 200

// eventLog is the terminal's own log: numbered, and bounded.
type eventLog struct {
	events []device.LogEvent
	seq    uint64 // of the last one
}

func (l *eventLog) add(e device.LogEvent) {
	l.seq++
	e.Seq = l.seq
	if len(l.events) >= maxLog {
		l.events = append(l.events[:0], l.events[1:]...)
	}
	l.events = append(l.events, e)
}

// after gives events with a higher number, the oldest first.
func (l *eventLog) after(seq uint64, most int) []device.LogEvent {
	var out []device.LogEvent
	for _, e := range l.events {
		if e.Seq > seq && len(out) < most {
			out = append(out, e)
		}
	}
	return out
}

// logged tells which events the terminal's own log has. What a line says is not among them.
func (k EventKind) logged() bool {
	switch k {
	case Connected, Disconnected, Asked, Staged, Unanswered, Damaged, Ignored, Misbehaved, Cancelled:
		return false
	}
	return true
}

// note stamps an event and writes it into the log. The lock is held; keep writes it to disk.
func (t *Terminal) note(e Event) Event {
	if t.cfg.Env.Now != nil {
		e.At = t.cfg.Env.Now()
	}
	if e.Kind.logged() {
		t.log.add(device.LogEvent{At: t.now(), Kind: string(e.Kind), Detail: e.detail()})
	}
	return e
}

// report makes an event known. The lock is not held.
func (t *Terminal) report(e Event) {
	t.mu.Lock()
	e = t.note(e)
	if e.Kind.logged() && !t.closed {
		_ = t.keep() // a log that cannot be written stops nothing; the next store fails
	}
	if e.Kind == Refused {
		t.last, t.loaded = e.Reason, false
	}
	t.mu.Unlock()
	t.say(e)
}

// noteForLater is note for an event that nobody can be told of while the lock is held.
func (t *Terminal) noteForLater(e Event) { t.later = append(t.later, t.note(e)) }

// Report makes an event known that a port has seen.
func (t *Terminal) Report(e Event) { t.report(e) }

// say hands an event out, and trips the switch where that was ordered for it.
func (t *Terminal) say(e Event) {
	t.mu.Lock()
	later := t.later
	t.later = nil
	t.mu.Unlock()
	t.said.Lock()
	for _, l := range later {
		t.cfg.OnEvent(l)
	}
	t.cfg.OnEvent(e)
	t.said.Unlock()
	if t.faults.tampersAt(e.Kind) {
		t.Tamper("ordered")
	}
}

// detail is the log's line for an event.
func (e Event) detail() string {
	var parts []string
	add := func(name string, value string) {
		if value != "" {
			parts = append(parts, name+" "+value)
		}
	}
	add("slot", string(e.Slot))
	add("code", e.Code)
	add("reason", string(e.Reason))
	add("usage", string(e.Usage))
	if e.Length > 0 {
		add("length", fmt.Sprint(e.Length))
	}
	if e.Check.Digits != "" {
		add("check", e.Check.String())
	}
	add("KSN", e.KSN)
	add("account", e.Account)
	add("lock", string(e.Lock))
	add("", e.Detail)
	return strings.TrimSpace(strings.Join(parts, ", "))
}
