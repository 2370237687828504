package diagnose

// The code that a line of a log names.

import (
	"slices"
	"strings"

	"poskey/pkg/errorcode"
)

// codes takes the code that a line names.
func (l *logEars) codes(e *Event, h heard, line *sifted, failing bool) bool {
	said := line.text
	if strings.Contains(said, "00") {
		if m := l.answer.submatch(line); m != nil && m[1] == "00" {
			return l.trade(e, h)
		}
	}
	for _, group := range byPlace(l.dictionary.Find(said)) {
		r := l.best(group)
		lead, names := l.rules.leadsOf(&r.Row)
		if len(lead) == 0 || byWords(*r) {
			continue
		}
		code := said
		if runes := []rune(said); r.End <= len(runes) && r.Start < r.End {
			code = string(runes[r.Start:r.End])
		}
		e.Code, e.Failed = shortCode(code), true
		if r.Weight == errorcode.High && (l.vendor != "" || l.rules.agree1st(group) || r.Via.How == errorcode.ByScreen ||
			r.Via.How == errorcode.WithText) {
			e.Vendor = r.Vendor
		}
		if e.Kind == EventSignInFailed && l.kindOfCode(r) == EventCode {
			e.Causes, e.Names = lead, names && e.Vendor != ""
			return true
		}
		if e.Kind == "" || (e.Kind == EventCode || e.Kind == EventSignInFailed) && !e.Names ||
			e.Kind == EventMismatch && len(e.Expected) == 0 {
			e.Kind, e.Causes, e.Names = l.kindOfCode(r), lead, names && e.Vendor != ""
		}
		return true
	}
	return e.Kind != "" && failing
}

// shortCode keeps a code that can be shown beside others.
func shortCode(code string) string {
	if len(code) > mostLabel {
		return ""
	}
	return code
}

// best is the reading of the log's vendor, else the first.
func (l *logEars) best(group []errorcode.Reading) *errorcode.Reading {
	for i := range group {
		if group[i].Vendor == l.vendor {
			return &group[i]
		}
	}
	return &group[0]
}

func (l *logEars) kindOfCode(r *errorcode.Reading) EventKind {
	lead, _ := l.rules.leadsOf(&r.Row)
	switch {
	case r.Kind == errorcode.MAC && slices.Contains(lead, CauseKeysRolled):
		return EventMACError
	case r.Kind == errorcode.PIN && slices.Contains(lead, CauseKeysRolled):
		return EventPINError
	}
	switch lead[0] {
	case CauseTamper:
		return EventTamper
	case CauseKeyExpired:
		return EventExpired
	case CauseFirmwareOld:
		return EventFirmware
	case CauseLinkFault:
		return EventLink
	case CauseStorageCorrupt:
		return EventStorage
	case CausePowerLoss:
		return EventPower
	case CauseInjectorClock:
		return EventClock
	}
	if l.rules.pageOf(&r.Row) == SituationCheckFailed {
		return EventMismatch
	}
	return EventCode
}
