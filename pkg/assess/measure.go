package assess

// What measures have in common: they look at a part of the evidence, and have none where it was not looked at.

import (
	"slices"
	"strings"
	"time"

	"poskey/internal/text"
	"poskey/pkg/device"
)

type measure func(*Evidence) Finding

// sentence is a text in both languages. Controls are a table of data that brings its own translation.
func sentence(en, zh string) text.Text { return text.Of(text.Words{EN: en, ZH: zh}) }

func met(found text.Text) Finding { return Finding{Verdict: Met, Found: found} }

// notMet lists whom it is about; at most MaxItems of them, in the order given.
func notMet(found text.Text, items ...string) Finding {
	return Finding{Verdict: NotMet, Found: found}.about(items)
}

func notApplicable(found text.Text) Finding { return Finding{Verdict: NotApplicable, Found: found} }

// missing is not met by what is not there.
func missing(found text.Text) Finding { return Finding{Verdict: NotMet, Found: found, absent: true} }

func noEvidence(found text.Text) Finding { return Finding{Verdict: NoEvidence, Found: found} }

func (f Finding) about(items []string) Finding {
	f.More = max(0, len(items)-MaxItems)
	f.Items = slices.Clone(items[:len(items)-f.More])
	return f
}

// judged is met when nothing speaks against it.
func judged(against []string, good, bad text.Text) Finding {
	if len(against) == 0 {
		return met(good)
	}
	return notMet(bad, against...)
}

// from says where a finding comes from and when it was seen.
func (f Finding) from(o Origin, at time.Time) Finding {
	if f.Verdict == "" {
		f.Verdict = NoEvidence
	}
	if f.Verdict != NoEvidence {
		f.Origin, f.At = o, at
	}
	return f
}

// ofDevice looks at what a terminal tells of itself. One that told only of its slots has told nothing.
func ofDevice(look func(d *DeviceEvidence, e *Evidence) Finding) measure {
	return func(e *Evidence) Finding {
		if e.Device == nil || !e.Device.told() {
			return Finding{}
		}
		return look(e.Device, e).from(FromDevice, e.Device.SeenAt)
	}
}

// ofSlots looks at the keys in a terminal, of which every dialect that can be asked tells.
func ofSlots(look func(d *DeviceEvidence, e *Evidence) Finding) measure {
	return func(e *Evidence) Finding {
		if e.Device == nil || !e.Device.toldSlots() {
			return Finding{}
		}
		return look(e.Device, e).from(FromDevice, e.Device.SeenAt)
	}
}

// ofLine looks at how a terminal was reached.
func ofLine(look func(u *device.URI) Finding) measure {
	return func(e *Evidence) Finding {
		if e.Device == nil || e.Device.URI.Transport == "" {
			return Finding{}
		}
		return look(&e.Device.URI).from(FromDevice, e.Device.SeenAt)
	}
}

func ofStore(look func(s *StoreEvidence, now time.Time) Finding) measure {
	return func(e *Evidence) Finding {
		if e.Store == nil {
			return Finding{}
		}
		return look(e.Store, e.Now).from(FromStore, e.Now)
	}
}

// ofLog looks at what the audit log says. What it does not say is worth nothing where it is broken, so only what it has that
// speaks against a control counts then.
func ofLog(look func(l *LogEvidence, now time.Time) Finding) measure {
	return func(e *Evidence) Finding {
		if e.Log == nil {
			return Finding{}
		}
		f := look(e.Log, e.Now)
		if e.Log.Broken != nil && (f.Verdict == Met || f.absent) {
			f = noEvidence(text.New("the audit log does not verify: what it does not say proves nothing"))
		}
		return f.from(FromLog, e.Now)
	}
}

// ofHost looks at one fact of the machine, by the name of its field.
func ofHost(field string, look func(h *HostEvidence) Finding) measure {
	return func(e *Evidence) Finding {
		if e.Host == nil {
			return Finding{}
		}
		if e.Host.IsUnknown(field) {
			return noEvidence(text.New("it cannot be told on this machine"))
		}
		return look(e.Host).from(FromHost, e.Now)
	}
}

// isSo is about a fact that is there or not.
func isSo(is bool, good, bad text.Text) Finding {
	if is {
		return met(good)
	}
	return notMet(bad)
}

func ofIncidents(look func(e *Evidence) Finding) measure {
	return func(e *Evidence) Finding {
		if e.Incidents == nil {
			return Finding{}
		}
		if len(e.Incidents) == 0 {
			return notApplicable(text.New("there was no incident")).from(FromIncidents, e.Now)
		}
		return look(e).from(FromIncidents, e.Now)
	}
}

func (d *DeviceEvidence) told() bool { return !d.Status.Now.IsZero() }

func (d *DeviceEvidence) toldSlots() bool {
	return d.told() || len(d.Status.Slots)+len(d.Status.Initial) > 0
}

// serial is whose evidence it is, as it may be shown.
func (d *DeviceEvidence) serial() string {
	if d.Status.Serial == "" && d.Listed != nil {
		return d.Listed.Serial
	}
	return plain(d.Status.Serial)
}

// events are those of the log where it was asked for, else the last ones that came with the status.
func (d *DeviceEvidence) events() []device.LogEvent {
	if d.Events != nil {
		return d.Events
	}
	return d.Status.Events
}

func (d *DeviceEvidence) locked(k device.LockKind) bool {
	return slices.ContainsFunc(d.Status.Locks, func(l device.LockState) bool { return l.Kind == k })
}

// plain is a word of somebody else that may be shown: short, on one line, without anything that looks like a key.
func plain(s string) string {
	line, _ := text.Hide(text.OneLine(s, 64))
	return strings.TrimSpace(line)
}

const day = 24 * time.Hour

// ago is how many whole days lie between.
func ago(t, now time.Time) int { return int(now.Sub(t) / day) }

// within reports that t is there and not longer ago. What lies ahead is not: a clock is wrong, and nobody knows how old it is.
func within(t, now time.Time, most time.Duration) bool {
	return !t.IsZero() && !ahead(t, now) && now.Sub(t) <= most
}

// aheadLeast is what two clocks may differ by.
const aheadLeast = clockSkew

// ahead reports a time that has not come yet.
func ahead(t, now time.Time) bool { return t.Sub(now) > aheadLeast }

// howOld judges the age of what should come again and again.
func howOld(t, now time.Time, most time.Duration, old func(days int) text.Text) Finding {
	switch {
	case ahead(t, now):
		return noEvidence(text.New("the last one is of %s, which is in the future: a clock is wrong", t.UTC().Format(time.RFC3339)))
	case !within(t, now, most):
		return notMet(old(ago(t, now)))
	}
	return met(old(ago(t, now)))
}
