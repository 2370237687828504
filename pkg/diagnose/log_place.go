package diagnose

// What the events of one device tell, of a log that may have many.

import "poskey/internal/text"

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
		if e.Kind == EventMismatch && sameDigits(e.Expected, e.Got) {
			continue // values says more: they are cut to different lengths
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

// mostLeads is how many causes of one event count: the rest is too far off.
const mostLeads = 4

func (e *Event) causes() []Cause { return e.Causes[:min(len(e.Causes), mostLeads)] }
