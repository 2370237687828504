package emulator

import (
	"fmt"
	"slices"
	"strings"

	"poskey/pkg/device"
)

const (
	// maxLog is how many events the terminal remembers.
	maxLog = 200
	// maxDenials is how many of them tell what was denied or refused. Any host can have itself denied as often as it
	// likes, without a login, and must not push out what is worth reading.
	maxDenials = 50
)

// eventLog is the terminal's own log: numbered, and bounded. A denial or refusal that comes again and again takes one
// place, with its last number and time, and says how often it came.
type eventLog struct {
	events []device.LogEvent
	seq    uint64 // of the last one
	again  string // the last one's detail
	times  int    // how often it came in a row; 0 for one of before the start
}

func (l *eventLog) add(e device.LogEvent) {
	l.seq++
	e.Seq = l.seq
	last := len(l.events) - 1
	if l.times > 0 && last >= 0 && isDenial(e) && l.events[last].Kind == e.Kind && l.again == e.Detail {
		l.times++
		e.Detail = fmt.Sprintf("%s, %d times", e.Detail, l.times)
		l.events[last] = e
		return
	}
	l.again, l.times = e.Detail, 1
	l.makeRoom(e)
	l.events = append(l.events, e)
}

// makeRoom forgets the oldest event where there are too many, of denials the oldest denial.
func (l *eventLog) makeRoom(e device.LogEvent) {
	denials := 0
	for _, was := range l.events {
		if isDenial(was) {
			denials++
		}
	}
	switch {
	case isDenial(e) && denials >= maxDenials:
		oldest := slices.IndexFunc(l.events, isDenial)
		l.events = slices.Delete(l.events, oldest, oldest+1)
	case len(l.events) >= maxLog:
		l.events = slices.Delete(l.events, 0, 1)
	}
}

func isDenial(e device.LogEvent) bool { return e.Kind == string(Denied) || e.Kind == string(Refused) }

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
	t.destroyAgain()
	e = t.note(e)
	if e.Kind.logged() && !t.closed {
		t.keepAnyway() // a log that cannot be written stops nothing; the next store fails
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
			parts = append(parts, strings.TrimSpace(name+" "+value))
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
	return strings.Join(parts, ", ")
}
