package diagnose

// What ends on a day: what worked before it and fails from then on.

import (
	"time"

	"poskey/internal/text"
)

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
