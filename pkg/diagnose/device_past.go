package diagnose

// What the device's own log tells of the past: what is over, and what still bears on now.

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"poskey/internal/text"
	"poskey/pkg/device"
)

// stale is the age from which a failure in a device's log is taken for history, though no load came after it.
const stale = 7 * 24 * time.Hour

// The kinds of events of the agent dialect that are looked at here.
const (
	eventStored    = "stored"
	eventDamaged   = "damaged"
	eventCorrupted = "corrupted"
	eventTampered  = "tampered"
	eventRefused   = "refused"
	eventRestarted = "restarted"
)

// isOver reports an event that is history: a key was loaded since, into the slot where the event has one, as the
// device's log, the inventory or the journal tells; or it is long ago. The host hears the end of a load after what came
// in the middle of it, and clocks differ, so its own records count only when they are clearly later.
func (d *onDevice) isOver(i int, slot device.Slot) bool {
	stored := func(e device.LogEvent) bool {
		return e.Kind == eventStored && (slot == "" || detailOf(e, "slot") == string(slot))
	}
	if slices.ContainsFunc(d.s.Events[i+1:], stored) {
		return true
	}
	at := d.hostTime(d.s.Events[i].At)
	if at.IsZero() {
		return false
	}
	at = at.Add(clockLikely)
	wanted := func(w Wanted) bool { return (slot == "" || w.Slot == slot) && w.LoadedAt.After(at) }
	loaded := func(l DeviceLoad) bool {
		return (slot == "" || l.Slot == slot) && l.Outcome == LoadConfirmed && l.At.After(at)
	}
	return slices.ContainsFunc(d.c.Wanted, wanted) || slices.ContainsFunc(d.c.Loads, loaded) ||
		!d.c.Now.IsZero() && d.c.Now.Sub(at) > stale
}

// hostTime is a time of the device's clock by ours, which inventory and journal go by.
func (d *onDevice) hostTime(at time.Time) time.Time {
	if at.IsZero() || d.s.Now.IsZero() || d.c.Now.IsZero() {
		return at
	}
	return at.Add(d.c.Now.Sub(d.s.Now))
}

// past is told of what is over: it is worth knowing, and is no cause.
func (d *onDevice) past(says text.Text) { d.out.Notes = append(d.out.Notes, says) }

// events counts what the device's own log tells of the line and of memory.
func (d *onDevice) events() {
	d.damagedFrames()
	d.damagedMemory()
}

func (d *onDevice) damagedFrames() {
	now, over := 0, 0
	for i, e := range d.s.Events {
		switch {
		case e.Kind != eventDamaged:
		case d.isOver(i, ""):
			over++
		default:
			now++
		}
	}
	if over > 0 && now == 0 {
		d.past(text.New(
			"the device's log tells of damaged frames in the past: %d; loads have come since, or it is long ago", over))
	}
	if now == 0 {
		return
	}
	d.found(seen(CauseLinkFault, Likely, text.New("the device's log tells of frames that came damaged: %d", now),
		Seen{What: text.New("damaged frames"), Observed: text.Raw(strconv.Itoa(now))}), weightPast)
}

// damagedMemory names the slots, so that what the device says of one of them now is the same finding.
func (d *onDevice) damagedMemory() {
	var order []device.Slot
	count := map[device.Slot]int{}
	over := false
	for i, e := range d.s.Events {
		if e.Kind != eventCorrupted {
			continue
		}
		slot := device.Slot(detailOf(e, "slot"))
		if d.isOver(i, slot) || d.reads(slot) {
			over = true
			continue
		}
		if count[slot] == 0 {
			order = append(order, slot)
		}
		count[slot]++
	}
	for _, slot := range order {
		d.foundAt(seen(CauseStorageCorrupt, Likely, text.New("the device's log tells of damaged memory: %d times", count[slot]),
			Seen{What: text.New("damaged memory"), Observed: text.Raw(strconv.Itoa(count[slot]))}), weightPast, slot, "")
	}
	if over && len(order) == 0 {
		d.past(text.New(
			"the device's log tells of damaged memory in the past; the slot has been loaded since, or it is long ago"))
	}
}

// reads reports a slot that the device reads now, and in which nothing else is than should be.
func (d *onDevice) reads(slot device.Slot) bool {
	for _, s := range d.s.Slots {
		if s.Slot != slot {
			continue
		}
		other := func(w Wanted) bool { return w.Slot == slot && !sameDigits(w.Check.Digits, s.Check.Digits) }
		return !s.Damaged && !slices.ContainsFunc(d.c.Wanted, other)
	}
	return false
}

// wasOpened reports a device that was tampered with and set right again, and that has had no load since: its switch is
// closed, and its keys are gone because of that all the same.
func (d *onDevice) wasOpened() bool {
	for i, e := range d.s.Events {
		if e.Kind == eventTampered && !d.isOver(i, "") {
			return len(d.s.Slots)+len(d.s.Initial) == 0
		}
	}
	return false
}

// powerFailedIn reports that the device's log has a failure of power right after a store into the slot, and none since.
func (d *onDevice) powerFailedIn(slot device.Slot) bool {
	for i, e := range d.s.Events {
		if isPowerFailure(e) && d.storedBefore(i) == slot && slot != "" && !d.isOver(i, slot) {
			return true
		}
	}
	return false
}

// storedBefore is the slot of the store that is right before an event; "" where something else is.
func (d *onDevice) storedBefore(i int) device.Slot {
	if i == 0 || d.s.Events[i-1].Kind != eventStored {
		return ""
	}
	return device.Slot(detailOf(d.s.Events[i-1], "slot"))
}

// isPowerFailure reports a restart that nobody ordered.
func isPowerFailure(e device.LogEvent) bool {
	return e.Kind == eventRestarted && strings.Contains(e.Detail, "power failure")
}

// power looks for failures of power in the device's own log. One right after a store, before anything else, came in the
// middle of a load.
func (d *onDevice) power() {
	n, over := 0, 0
	var slot device.Slot
	for i, e := range d.s.Events {
		if !isPowerFailure(e) {
			continue
		}
		at := d.storedBefore(i)
		if d.isOver(i, at) {
			over++
			continue
		}
		n++
		if at != "" {
			slot = at
		}
	}
	what := Seen{What: text.New("failures of power in the device's log"), Expected: text.Raw("0"),
		Observed: text.Raw(strconv.Itoa(n))}
	switch {
	case n == 0 && over > 0:
		d.past(text.New(
			"the device's log tells of failures of power in the past: %d; loads have come since, or it is long ago", over))
	case n == 0:
	case slot != "":
		d.foundAt(seen(CausePowerLoss, Proven, text.New(
			"the device's log tells that its power failed right after it had stored the key of slot %s, before it could say so",
			string(slot)), what), weightPower, slot, "")
	default:
		d.found(seen(CausePowerLoss, Likely, text.New("the device's log tells that its power failed: %d times", n), what),
			weightPast)
	}
}
