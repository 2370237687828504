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
	"poskey/pkg/kcv"
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
	events, err := withCauses(c.Log)
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
func withCauses(events []Event) ([]Event, error) {
	events = slices.Clone(events)
	var d *errorcode.Dictionary
	for i := range events {
		e := &events[i]
		if len(e.Causes) > 0 || e.Code == "" || e.Vendor == "" {
			continue
		}
		if d == nil {
			var err error
			if d, err = errorcode.Open(); err != nil {
				return nil, err
			}
		}
		a, err := d.Look(errorcode.Query{Text: e.Code, Vendor: e.Vendor, Limit: 1})
		if err != nil {
			return nil, fault.Wrap(err, "line %d of the log", e.Line)
		}
		if len(a.Readings) > 0 {
			e.Causes, e.Names = leadsOf(&a.Readings[0].Row)
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

// tamper: the keys are gone until somebody injects again.
func (l *logCase) tamper(place []*Event) {
	events := unsettled(place, of(place, EventTamper))
	if len(events) == 0 {
		return
	}
	says := text.New("the log tells that %s was tampered with: its keys are gone, and nothing says that it was "+
		"injected again", events[0].where())
	l.found(CauseTamper, Likely, weightLogTamper, says, events...)
}

// power: trouble that begins with a restart.
func (l *logCase) power(place []*Event) {
	lost := of(place, EventPower)
	for _, start := range of(place, EventPower, EventRestart) {
		broken := l.brokenBy(place, start)
		if broken == nil {
			continue
		}
		worth := Possible
		if start.Kind == EventPower || len(lost) > 0 && lost[0].Line < broken.Line {
			worth = Likely
		}
		says := text.New("at %s the trouble begins right after a restart or a loss of power (line %d)", start.where(),
			start.Line)
		l.found(CausePowerLoss, worth, weightLogPower, says, start, broken)
		return
	}
	if len(lost) > 0 {
		says := text.New("the log tells that %s lost power or that its backup battery is weak", lost[0].where())
		l.found(CausePowerLoss, Possible, weightLogPower, says, lost...)
	}
}

// brokenBy finds the first failure of a key after a restart, where none was before it.
func (l *logCase) brokenBy(place []*Event, start *Event) *Event {
	open := unsettled(place, of(place, EventCode, EventMismatch, EventStorage, EventLoadFailed))
	if len(open) == 0 || open[0].Line < start.Line {
		return nil
	}
	return nearBy(start, open[0])
}

// nearBy gives an event when it belongs to an earlier one.
func nearBy(earlier, e *Event) *Event {
	if !earlier.At.IsZero() && !e.At.IsZero() {
		if d := e.At.Sub(earlier.At); d < 0 || d > nearTime {
			return nil
		}
		return e
	}
	if e.Line-earlier.Line > nearLines {
		return nil
	}
	return e
}

// link: time-outs and damaged frames around loads that did not work, or many of them.
func (l *logCase) link(place []*Event) {
	events := of(place, EventLink)
	open := unsettled(place, events)
	if len(events) == 0 || len(open) == 0 && len(events) < manyLink {
		return
	}
	l.open = l.open || len(open) > 0
	loads := 0
	for _, f := range unsettled(place, of(place, EventLoadFailed, EventSignInFailed)) {
		for _, e := range events {
			if f.Line-e.Line <= nearLines && e.Line-f.Line <= nearLines {
				loads++
				break
			}
		}
	}
	worth := Possible
	switch {
	case len(open) > 0 && (loads > 0 || len(events) >= manyLink) || len(events) >= 2*manyLink:
		worth = Likely
	case len(open) == 0 || len(events) < 2:
		return
	}
	says := text.New("the line to %s loses or damages frames: %d times in the log, and loads that failed beside "+
		"them: %d", events[0].where(), len(events), loads)
	l.found(CauseLinkFault, worth, weightLogLink, says, events...)
}

// hosts: MACs and PIN blocks that a host refuses, and whether it took any before.
func (l *logCase) hosts(place []*Event) {
	l.refusals(place, EventMACError, CauseMACRule)
	l.refusals(place, EventPINError, CausePINBlock)
}

func (l *logCase) refusals(place []*Event, kind EventKind, rule Cause) {
	all := of(place, kind)
	open := unsettled(place, all)
	if len(open) == 0 {
		if rounds := roundsOf(place, kind); rounds >= manySlips {
			l.found(CauseKeysRolled, Likely, weightLogHost, text.New(
				"at %s keys got out of step again and again, and a sign-in helped each time (%d): does another "+
					"terminal sign in under the same id?",
				all[0].where(), rounds), all...)
		}
		return
	}
	first := open[0]
	goodBefore := false
	for _, e := range of(place, EventTraded) {
		goodBefore = goodBefore || e.Line < first.Line
	}
	signedIn := false
	for _, e := range of(place, EventSignedIn) {
		signedIn = signedIn || e.Line < open[len(open)-1].Line
	}
	switch {
	case kind == EventMACError && namesFirst(open, rule):
		l.found(rule, Likely, weightLogHost, rule.Title(), open...)
	case goodBefore:
		l.found(CauseKeysRolled, Likely, weightLogHost, text.New(
			"%s traded well before; from line %d on the host refuses: its working keys were renewed elsewhere",
			first.where(), first.Line), open...)
	case len(open) >= 2 && signedIn:
		l.found(rule, Likely, weightLogHost, text.New(
			"%s signs in, and the host refuses every trade from the first on: the sides compute by different rules",
			first.where()), open...)
		l.found(CauseKeysRolled, Possible, weightLogHost,
			text.New("signing in again would tell whether the keys are out of step"), open...)
	default:
		l.found(CauseKeysRolled, Possible, weightLogHost,
			text.New("the host refuses what %s sends; the log does not show whether it ever took any", first.where()),
			open...)
		l.found(rule, Possible, weightLogHost-1,
			text.New("the host refuses what %s sends; the log does not show whether it ever took any", first.where()),
			open...)
		if kind == EventMACError {
			l.found(CauseWrongTMK, Possible, weightLogHost-2,
				text.New("the host refuses what %s sends; the log does not show whether it ever took any",
					first.where()), open...)
		}
	}
}

// roundsOf counts how often a refusal was followed by a sign-in and a trade.
func roundsOf(place []*Event, kind EventKind) int {
	n, state := 0, EventKind("")
	for _, e := range place {
		switch e.Kind {
		case kind:
			state = kind
		case EventTraded:
			if state == kind {
				n++
			}
			state = ""
		}
	}
	return n
}

// namesFirst reports whether the first of some events names a cause.
func namesFirst(events []*Event, c Cause) bool {
	first := events[0]
	return first.Names && len(first.Causes) > 0 && first.Causes[0] == c
}

// single takes events that name their cause by themselves.
func (l *logCase) single(place []*Event) {
	for _, k := range []struct {
		cause   Cause
		kinds   []EventKind
		weight  float64
		settles bool // a load afterwards settles it
		says    text.Text
	}{
		{CauseKeyExposed, []EventKind{EventClearKey, EventExposed}, weightLogExposed, false,
			text.New("the log tells that a key or a part of one was in clear or was seen")},
		{CauseStorageCorrupt, []EventKind{EventStorage}, weightLogStorage, true,
			text.New("the log tells of damaged memory")},
		{CauseKeyExpired, []EventKind{EventExpired}, weightLogExpired, true,
			text.New("the log tells that a key is past its day or used up")},
		{CauseFirmwareOld, []EventKind{EventFirmware}, weightLogFirmware, true,
			text.New("the log tells that software is too old for what it was given")},
		{CauseInjectorClock, []EventKind{EventClock}, weightLogClock, true,
			text.New("the log tells of a wrong clock or of a certificate that is not valid")},
		{CauseEnvironment, []EventKind{EventPlace}, weightLogPlace, false,
			text.New("the log tells of heat, damp or fields")},
	} {
		events := of(place, k.kinds...)
		if k.settles {
			events = unsettled(place, events)
		}
		if len(events) > 0 {
			l.found(k.cause, Likely, k.weight, k.says, events...)
		}
	}
}

// codes takes what is left: codes and texts, with the causes that they lead to.
func (l *logCase) codes(place []*Event) {
	open := unsettled(place, of(place, EventCode, EventMismatch, EventLoadFailed, EventSignInFailed))
	l.open = l.open || len(open) > 0
	for _, e := range open {
		if e.Kind == EventMismatch && e.Expected != "" && e.Got != "" && !l.alike(e) {
			continue // values says more
		}
		if e.Kind == EventMismatch && e.Got == "" && l.explained(e) {
			continue
		}
		for n, c := range e.causes() {
			worth := Possible
			if n == 0 && e.Names {
				worth = Likely
			}
			says := text.New("line %d leads there: %s", e.Line, c.Title())
			if e.Code != "" {
				says = text.New("line %d has the code %s, which leads there: %s", e.Line, e.Code, c.Title())
			}
			l.found(c, worth, weightLogCode/float64(1+n), says, e)
		}
	}
}

// explained reports whether check values that were compared stand near a failure that names none.
func (l *logCase) explained(e *Event) bool {
	for _, line := range l.compared {
		if e.Line-line <= nearLines && line-e.Line <= nearLines {
			return true
		}
	}
	return false
}

// causes are those of the event; one that others made may have a code alone.
func (e *Event) causes() []Cause {
	if len(e.Causes) > 4 {
		return e.Causes[:4]
	}
	return e.Causes
}

// alike reports whether two values have nothing in common, so that the code's causes count.
func (l *logCase) alike(e *Event) bool { return !sameDigits(e.Expected, e.Got) }

// values holds check values against each other: two of a line, or those of two lines about one slot where something
// failed.
func (l *logCase) values(ctx context.Context) error {
	tried := map[[2]string]bool{}
	for i := range l.events {
		e := &l.events[i]
		if e.Got == "" || len(tried) >= mostValues {
			continue
		}
		expected, other := e.Expected, (*Event)(nil)
		if expected == "" {
			if other = l.partner(i); other == nil {
				continue
			}
			expected = other.Got
		}
		pair := [2]string{expected, e.Got}
		if tried[pair] {
			continue
		}
		tried[pair] = true
		if err := l.compare(ctx, e, other, expected); err != nil {
			return err
		}
	}
	return nil
}

func (l *logCase) compare(ctx context.Context, e, other *Event, expected string) error {
	a, err := kcv.Parse(expected)
	if err != nil {
		return nil // what is no check value is not compared
	}
	b, err := kcv.Parse(e.Got)
	if err != nil {
		return nil
	}
	found, err := comparedValues(ctx, a, b)
	if err != nil {
		return err
	}
	for i := range found {
		if other != nil {
			if found[i].Cause != CauseKCVLength {
				continue // two lines may be about two keys
			}
			found[i].Evidence.Seen = append(found[i].Evidence.Seen, other.seen())
		}
		found[i].Evidence.Seen = append(found[i].Evidence.Seen, e.seen())
		l.compared = append(l.compared, e.Line)
		l.troubles = append(l.troubles, trouble{e.Where, found[i].Cause, weightLogCode, e.Line})
		l.out.Findings = append(l.out.Findings, found[i])
	}
	return nil
}

// partner finds an earlier line with another form of a value, about the same slot, where a failure stands near.
func (l *logCase) partner(i int) *Event {
	e := &l.events[i]
	failed := false
	for j := range l.events {
		o := &l.events[j]
		failed = failed || o.Failed && o.Line-e.Line <= nearLines && e.Line-o.Line <= nearLines
	}
	if !failed {
		return nil
	}
	for j := i - 1; j >= 0 && l.events[i].Line-l.events[j].Line <= nearLines; j-- {
		o := &l.events[j]
		if o.Got != "" && o.Expected == "" && o.Slot == e.Slot && (o.Where == e.Where || o.Where == "" ||
			e.Where == "") &&
			len(o.Got) != len(e.Got) && sameDigits(o.Got, e.Got) {
			return o
		}
	}
	return nil
}

// fromDate: what worked on days before and fails from a midnight on has an end of validity in it.
func (l *logCase) fromDate() {
	var first, last *Event
	failures, successes := 0, 0
	var lines []*Event
	for i := range l.events {
		e := &l.events[i]
		switch e.Kind {
		case EventLoaded, EventTraded, EventSignedIn:
			successes++
			last = e
		case EventCode, EventLoadFailed, EventSignInFailed, EventMismatch:
			failures++
			lines = append(lines, e)
			if first == nil {
				first = e
			}
		}
	}
	if failures < manySlips || successes < manySlips || first == nil || last.Line > first.Line || first.At.IsZero() ||
		last.At.IsZero() {
		return
	}
	y, m, d := first.At.Date()
	midnight := time.Date(y, m, d, 0, 0, 0, 0, first.At.Location())
	if first.At.Sub(midnight) <= time.Hour && last.At.Before(midnight) {
		l.found(CauseKeyExpired, Likely, weightLogExpired, text.New(
			"everything worked until %s, and everything fails since: something ended on a day",
			midnight.Format(time.DateOnly)), lines...)
	}
}

// validity: a line named the end of a validity, and what came after it failed.
func (l *logCase) validity() {
	for i := range l.events {
		told := &l.events[i]
		if told.Until.IsZero() {
			continue
		}
		end := told.Until.Add(24 * time.Hour)
		var failed *Event
		works := false
		for j := range l.events {
			e := &l.events[j]
			if e.At.Before(end) || e.Where != told.Where && told.Where != "" {
				continue
			}
			works = works || e.Kind == EventLoaded || e.Kind == EventTraded || e.Kind == EventSignedIn
			if failed == nil && e.Failed && e.Kind != EventLink && e.Kind != EventLoginFailed {
				failed = e
			}
		}
		if failed != nil && !works {
			l.found(CauseKeyExpired, Likely, weightLogExpired, text.New(
				"line %d names %s as the last day, and nothing works after it", told.Line,
				told.Until.Format(time.DateOnly)), told, failed)
			return
		}
	}
}

// people: slips that repeat at one person or station, and not at others.
func (l *logCase) people() {
	for _, by := range []func(*Event) string{func(e *Event) string { return e.Who },
		func(e *Event) string { return e.Station }} {
		total := 0
		slips := map[string][]*Event{}
		var names []string
		for i := range l.events {
			e := &l.events[i]
			if e.Kind != EventSlip && e.Kind != EventMismatch && e.Kind != EventLoginFailed &&
				e.Kind != EventLoadFailed {
				continue
			}
			total++
			name := by(e)
			if name != "" && slips[name] == nil {
				names = append(names, name)
			}
			slips[name] = append(slips[name], e)
		}
		for _, name := range names {
			mine := slips[name]
			if len(mine) >= manySlips && 10*len(mine) >= 6*total && apart(mine) {
				l.found(CauseProcedure, Likely, weightLogProcedure, text.New(
					"%d of %d slips in the log happened to one (%s): look at the work there before you look at keys",
					len(mine), total, name), mine...)
				return
			}
		}
	}
}

// apart reports whether slips are of several devices, slots or parts, or of people's hands alone: one key that is
// wrong fails again and again.
func apart(slips []*Event) bool {
	hands := 0
	places := map[[2]string]bool{}
	for _, e := range slips {
		if e.Kind == EventSlip || e.Kind == EventLoginFailed {
			hands++
		}
		places[[2]string{e.Where, e.Slot}] = true
	}
	return hands >= manySlips || len(places) > 1
}
