package diagnose

// Devices: what they tell of themselves.

import (
	"context"
	"fmt"
	"strings"
	"time"

	"poskey/internal/text"
	"poskey/pkg/device"
)

// The limits beyond which a device's own words are a sign. What is measured against them is told with them.
const (
	clockLikely = 5 * time.Minute // most certificates and one-time codes stand that much
	clockProven = time.Hour
	linkWeak    = 50 // per cent
	hottest     = 50.0
	coldest     = 0.0
	dampest     = 85
)

// Weights of what was seen itself: when several are, the one that explains the others comes first. Erased keys explain an
// empty slot, a damaged memory explains a value that differs. What was computed of a slot's key explains more than what is
// seen around the keys; what a log tells of the past explains least. All are above those of other logs and of texts.
const (
	weightTamper = 100 - 3*iota
	weightStorage
	weightExpired
	weightWrongSlot
	weightFirmware
	weightEmpty
	weightComputed
	weightExposed
	weightKSN
	weightParity
	weightRefused
	weightClock
	weightPower
	weightDuplicate
	weightLink
	weightPlace
	weightPast
)

// onDevice is one look at a device.
type onDevice struct {
	c   *Case
	s   *device.Status
	out Report
}

func fromDevice(_ context.Context, c *Case) (Report, error) {
	if c.Device == nil {
		return fromLoads(c), nil
	}
	d := &onDevice{c: c, s: c.Device}
	for _, look := range []func(){d.tamper, d.locks, d.memory, d.slots, d.initial, d.expiry, d.duplicates, d.clock, d.battery,
		d.place, d.link, d.states, d.events, d.power, d.loads, d.takes, d.version, d.parity} {
		look()
	}
	return d.out.withVerdict(), nil
}

// withVerdict gives a family's report its verdict: explained by what it found, else a match of what it looked at.
func (r Report) withVerdict() Report {
	r.Verdict = Match
	if len(r.Findings) > 0 {
		r.Verdict = Explained
	}
	return r
}

func (d *onDevice) found(f Finding, weight float64) {
	f.Weight = weight
	d.out.Findings = append(d.out.Findings, f)
}

func (d *onDevice) ruledOut(c Cause, why text.Text) {
	d.out.RuledOut = append(d.out.RuledOut, Ruling{c, why})
}

// tells reports that the device gives an account of itself. One that is asked slot by slot has no say about its tamper
// switch, its memory and the days of its keys, and what nobody asked rules nothing out.
func (d *onDevice) tells() bool { return d.c.Line == nil }

func (d *onDevice) tampered() bool {
	for _, l := range d.s.Locks {
		if l.Kind == device.LockTamper {
			return true
		}
	}
	return d.s.Tamper.Tripped
}

func (d *onDevice) tamper() {
	switch {
	case d.tampered():
	case d.wasOpened():
		d.past(text.New("the device's log tells that it was tampered with, and of no load since: that is where its keys went"))
		return
	case d.tells():
		d.ruledOut(CauseTamper, text.New("the device says that its tamper switch has not tripped"))
		return
	default:
		return
	}
	sensor := d.s.Tamper.Sensor
	if sensor == "" {
		sensor = "-"
	}
	d.found(seen(CauseTamper, Proven, text.New(
		"the device says that it was tampered with (sensor %s): its keys are gone, and no unlocking brings them back", sensor),
		Seen{What: text.New("tamper switch"), Expected: text.New("closed"), Observed: text.New("tripped")},
		Seen{What: text.New("slots with a key"), Observed: text.Raw(fmt.Sprint(len(d.s.Slots) + len(d.s.Initial)))}), weightTamper)
}

// locks are told: no lock but that of tampering touches a key. Where nothing else is wrong, a lock is what is wrong.
func (d *onDevice) locks() {
	var on []string
	for _, l := range d.s.Locks {
		info, known := device.LockOf(l.Kind)
		if !known || l.Kind == device.LockTamper {
			continue
		}
		on = append(on, string(l.Kind))
		d.out.Notes = append(d.out.Notes, text.New(
			"the device is locked (%s): the keys are kept, this is no fault of a key; lifted by: %s", string(l.Kind), info.LiftedBy))
	}
	if len(on) > 0 {
		d.out.Besides = text.New("the device is locked (%s); no fault of its keys was found", strings.Join(on, ", "))
	}
	if d.s.OpenBatch > 0 {
		d.out.Notes = append(d.out.Notes, text.New(
			"transactions that are not settled: %d; settle them before anything that restarts or resets the device", d.s.OpenBatch))
	}
}

func (d *onDevice) memory() {
	damaged := false
	for _, slot := range d.s.Slots {
		if !slot.Damaged {
			continue
		}
		damaged = true
		f := seen(CauseStorageCorrupt, Proven, text.New(
			"the device says that the key in slot %s cannot be read any more: the memory of the slot is damaged", string(slot.Slot)),
			Seen{What: text.New("slot %s", string(slot.Slot)), Expected: text.New("readable"), Observed: text.New("damaged")})
		f.Evidence.Slot = slot.Slot
		d.found(f, weightStorage)
	}
	if !damaged && d.tells() && len(d.s.Slots) > 0 {
		d.ruledOut(CauseStorageCorrupt, text.New("the device reads every slot"))
	}
}

// expiry looks at the days of the keys, by both clocks.
func (d *onDevice) expiry() {
	known, any := false, false
	look := func(slot device.Slot, label string, day time.Time) {
		known = known || !day.IsZero()
		any = d.expired(slot, label, day) || any
	}
	for _, slot := range d.s.Slots {
		look(slot.Slot, "", slot.Expires)
	}
	for _, w := range d.c.Wanted {
		look(w.Slot, w.Label, w.Expires)
	}
	for _, e := range d.s.Initial {
		if e.Left == 0 && e.KSN != "" {
			any = true
			f := seen(CauseKeyExpired, Proven, text.New(
				"the DUKPT key in slot %s has no transactions left: it is used up", string(e.Slot)),
				Seen{What: text.New("transactions left"), Observed: text.Raw("0")})
			f.Evidence.Slot = e.Slot
			d.found(f, weightExpired)
		}
	}
	if known && !any && !(d.s.Now.IsZero() && d.c.Now.IsZero()) {
		d.ruledOut(CauseKeyExpired, text.New("no key whose last day is known is past it"))
	}
}

func (d *onDevice) expired(slot device.Slot, label string, day time.Time) bool {
	if day.IsZero() {
		return false
	}
	own := !d.s.Now.IsZero() && d.s.Now.After(day)
	ours := !d.c.Now.IsZero() && d.c.Now.After(day)
	if !own && !ours {
		return false
	}
	worth, says := Proven, text.New("the key in slot %s expired on %s", string(slot), date(day))
	switch { // of two clocks that differ one is wrong, and it is not known which
	case !ours:
		says = text.New("by the device's clock the key in slot %s expired on %s; by ours it has not", string(slot), date(day))
		worth = Likely
	case !own && !d.s.Now.IsZero():
		says = text.New("by our clock the key in slot %s expired on %s; by the device's it has not", string(slot), date(day))
		worth = Likely
	}
	f := seen(CauseKeyExpired, worth, says, Seen{What: text.New("valid until"), Expected: text.Raw(date(day)), Observed: text.Raw(date(d.s.Now))})
	f.Evidence.Slot, f.Evidence.Label = slot, label
	d.found(f, weightExpired)
	return true
}

func date(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.DateOnly)
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// clock compares the device's clock with ours.
func (d *onDevice) clock() {
	if d.s.Now.IsZero() || d.c.Now.IsZero() {
		return
	}
	off := d.s.Now.Sub(d.c.Now).Abs().Round(time.Second)
	what := Seen{What: text.New("clock"), Expected: text.Raw(stamp(d.c.Now)), Observed: text.Raw(stamp(d.s.Now))}
	switch {
	case off >= clockProven:
		d.found(seen(CauseInjectorClock, Proven, text.New(
			"the device's clock is %s away from ours: certificates, one-time codes and approvals fail", spanOf(off)), what), weightClock)
	case off >= clockLikely:
		d.found(seen(CauseInjectorClock, Likely, text.New(
			"the device's clock is %s away from ours: one-time codes and approvals may fail", spanOf(off)), what), weightClock)
	default:
		d.ruledOut(CauseInjectorClock, text.New("the clocks differ by %s", spanOf(off)))
	}
}

// spanOf says how long a time is: long ones in days, since nobody counts hours then.
func spanOf(d time.Duration) text.Text {
	const day = 24 * time.Hour
	if d < 3*day {
		s := d.String() // 26h0m0s
		if strings.HasSuffix(s, "m0s") {
			s = strings.TrimSuffix(s, "0s")
		}
		if strings.HasSuffix(s, "h0m") {
			s = strings.TrimSuffix(s, "0m")
		}
		return text.Raw(s)
	}
	return text.New("%d days", int(d/day))
}

func (d *onDevice) battery() {
	b := d.s.Battery
	switch {
	case b.Low:
		d.found(seen(CausePowerLoss, Proven, text.New(
			"the backup battery is low (%d mV): when it is empty the keys are erased", b.Millivolts),
			Seen{What: text.New("backup battery"), Observed: text.Raw(fmt.Sprintf("%d mV", b.Millivolts))}), weightPower)
	case b.Millivolts > 0:
		d.ruledOut(CausePowerLoss, text.New("the backup battery has %d mV", b.Millivolts))
	}
}

func (d *onDevice) place() {
	e := d.s.Environment
	if e == (device.Environment{}) {
		return
	}
	what := Seen{What: text.New("sensors"), Expected: text.Raw(fmt.Sprintf("%.0f to %.0f °C, up to %d %%", coldest, hottest, dampest)),
		Observed: text.Raw(fmt.Sprintf("%.1f °C, %d %%", e.Celsius, e.Humidity))}
	if e.Celsius > hottest || e.Celsius < coldest || e.Humidity > dampest {
		d.found(seen(CauseEnvironment, Likely, text.New(
			"the device stands at %.1f °C and %d %% humidity: near the limits of tamper sensors and memory", e.Celsius, e.Humidity),
			what), weightPlace)
		return
	}
	d.ruledOut(CauseEnvironment, text.New("the device stands at %.1f °C and %d %% humidity", e.Celsius, e.Humidity))
}

func (d *onDevice) link() {
	l := d.s.Link
	if l == (device.Link{}) {
		return
	}
	if l.Quality < linkWeak {
		d.found(seen(CauseLinkFault, Likely, text.New("the device's connection (%s) is weak: %d %%", l.Kind, l.Quality),
			Seen{What: text.New("connection"), Observed: text.Raw(fmt.Sprintf("%s %d %%", l.Kind, l.Quality))}), weightLink)
		return
	}
	if d.c.Line == nil {
		d.ruledOut(CauseLinkFault, text.New("the device's connection (%s) has %d %%", l.Kind, l.Quality))
	}
}
