package diagnose

// Logs of terminals, HSMs and provisioning: key events, grouped by device and person and held against each other.
//
// What went wrong once and worked afterwards is settled and names no cause: a healthy log has time-outs, too. Nothing
// in a log is proven but a comparison of check values.

import (
	"context"
	"slices"
	"time"

	"poskey/internal/fault"
	"poskey/internal/text"
	"poskey/pkg/errorcode"
)

// Weights of what a log tells: less than what a device says of itself, and what explains the others first.
const (
	weightLogTamper = 44 - iota
	weightLogExposed
	weightLogStorage
	weightLogExpired
	weightLogPower
	weightLogFirmware
	weightLogClock
	weightLogLink
	weightLogProcedure
	weightLogHost
	weightLogTwin
	weightLogPlace
	weightLogCode
)

// How far apart events belong together.
const (
	nearLines  = 20
	nearTime   = 10 * time.Minute
	manySlips  = 3
	manyLink   = 3
	mostLines  = 6 // that a finding names
	mostValues = 64
)

func fromLog(ctx context.Context, c *Case) (Report, error) {
	if len(c.Log) == 0 {
		return Report{}, nil
	}
	events, err := withCauses(c.Log, c.Ears)
	if err != nil {
		return Report{}, err
	}
	l := &logCase{events: events}
	if err := l.values(ctx); err != nil {
		return Report{}, err
	}
	for _, place := range l.places() {
		for _, look := range []func([]*Event){l.tamper, l.power, l.link, l.hosts, l.single, l.codes} {
			look(place)
		}
	}
	l.fromDate()
	l.validity()
	l.people()
	l.twins()
	return l.report(), nil
}

// withCauses looks up the codes of events that another program made: they come without causes, and say whose they
// are.
func withCauses(events []Event, ears *Ears) ([]Event, error) {
	events = slices.Clone(events)
	for i := range events {
		e := &events[i]
		if len(e.Causes) > 0 || e.Code == "" || e.Vendor == "" {
			continue
		}
		var err error
		if ears, err = earsOr(ears); err != nil {
			return nil, err
		}
		a, err := ears.dictionary.Look(errorcode.Query{Text: e.Code, Vendor: e.Vendor, Limit: 1})
		if err != nil {
			return nil, fault.Wrap(err, "line %d of the log", e.Line)
		}
		if len(a.Readings) > 0 {
			e.Causes, e.Names = ears.rules.leadsOf(&a.Readings[0].Row)
		}
	}
	return events, nil
}

// logCase is a look at a log.
type logCase struct {
	events []Event
	out    Report
	open   bool // something failed that nothing settled

	compared []int // lines whose check values are explained
	troubles []trouble
}

func (l *logCase) report() Report {
	r := l.out
	r.Notes = append(r.Notes, l.devices()...)
	r.Findings = merged(r.Findings)
	for i := range r.Findings {
		if s := r.Findings[i].Evidence.Seen; len(s) > mostLines {
			r.Findings[i].Evidence.Seen = s[:mostLines]
		}
	}
	r = r.withVerdict()
	if len(r.Findings) == 0 && l.open {
		r.Verdict = Unexplained
		r.NextStep = text.New("the log tells of failures and not why: give the lines before the first of them too, " +
			"or ask the device: poskey diagnose device")
	}
	return r
}

// trouble is what a device has.
type trouble struct {
	where  string
	cause  Cause
	weight float64
	line   int
}

// mostDevices is how many devices are told of one by one.
const mostDevices = 8

// devices says of a log about several devices which of them has what.
func (l *logCase) devices() []text.Text {
	worst := map[string]trouble{}
	var names []string
	for _, t := range l.troubles {
		w, ok := worst[t.where]
		if !ok && t.where != "" {
			names = append(names, t.where)
		}
		if !ok || t.weight > w.weight {
			worst[t.where] = t
		}
	}
	if len(names) < 2 {
		return nil
	}
	var notes []text.Text
	for i, name := range names {
		if i == mostDevices {
			return append(notes, text.New("further devices with trouble: %d", len(names)-i))
		}
		t := worst[name]
		notes = append(notes, text.New("%s: %s (%s, line %d of the log)", name, t.cause.Title(), string(t.cause),
			t.line))
	}
	return notes
}

// places groups the events by device, in the order in which the devices appear.
func (l *logCase) places() [][]*Event {
	var all [][]*Event
	at := map[string]int{}
	for i := range l.events {
		e := &l.events[i]
		n, ok := at[e.Where]
		if !ok {
			n = len(all)
			at[e.Where] = n
			all = append(all, nil)
		}
		all[n] = append(all[n], e)
	}
	return all
}

func (l *logCase) found(c Cause, worth Certainty, weight float64, says text.Text, events ...*Event) {
	var what []Seen
	for i, e := range events {
		if i < mostLines {
			what = append(what, e.seen())
		}
	}
	if len(events) > 0 {
		l.troubles = append(l.troubles, trouble{events[0].Where, c, weight, events[0].Line})
	}
	f := seen(c, worth, says, what...)
	f.Weight = weight
	l.out.Findings = append(l.out.Findings, f)
}

func (e *Event) seen() Seen {
	return Seen{What: text.New("line %d of the log", e.Line), Observed: text.Raw(text.OneLine(e.Text, mostShown))}
}

// where names a device for a sentence.
func (e *Event) where() text.Text {
	if e.Where == "" {
		return text.New("the device")
	}
	return text.Raw(e.Where)
}

// of lists the events of some kinds.
func of(place []*Event, kinds ...EventKind) []*Event {
	var all []*Event
	for _, e := range place {
		for _, k := range kinds {
			if e.Kind == k {
				all = append(all, e)
			}
		}
	}
	return all
}

// after reports whether a kind of event comes after a line; of a slot, where both name theirs.
func after(place []*Event, e *Event, kinds ...EventKind) bool {
	for _, o := range of(place, kinds...) {
		if o.Line > e.Line && (o.Slot == "" || e.Slot == "" || o.Slot == e.Slot) {
			return true
		}
	}
	return false
}

// unsettled keeps the failures that no success followed.
func unsettled(place, failures []*Event) []*Event {
	var all []*Event
	for _, e := range failures {
		settled := after(place, e, EventLoaded)
		if e.Kind == EventMACError || e.Kind == EventPINError || e.Kind == EventSignInFailed {
			settled = after(place, e, EventTraded) || e.Kind == EventSignInFailed && after(place, e, EventSignedIn)
		}
		if e.Kind == EventCode || e.Kind == EventLink || e.Kind == EventLoginFailed {
			settled = after(place, e, EventLoaded, EventTraded, EventSignedIn)
		}
		if !settled {
			all = append(all, e)
		}
	}
	return all
}
