package cli

// Times and lengths of time, as people write them and as they are shown.

import (
	"strconv"
	"strings"
	"time"

	"poskey/internal/fault"
	"poskey/internal/text"
)

// parseMoment reads a day, a time or how long ago it was. Times without a zone are UTC, as they stand in the log.
func parseMoment(s string, now time.Time) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	for _, layout := range []string{time.DateOnly, "2006-01-02T15:04Z07:00", time.RFC3339, "2006-01-02T15:04:05", "2006-01-02 15:04:05", "2006-01-02 15:04"} {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UTC(), nil
		}
	}
	if ago, err := parseSpan(s); err == nil {
		return now.Add(-ago), nil
	}
	return time.Time{}, fault.New(fault.Usage, "%q is no time; write 2026-03-01, 2026-03-01T08:00:00Z or 7d", text.Redact(s))
}

// parseSpan reads a length of time as people write it: 365d, 36h, 90m, 10s, 1h30m.
func parseSpan(s string) (time.Duration, error) {
	if days, ok := strings.CutSuffix(s, "d"); ok {
		if n, err := strconv.ParseUint(days, 10, 16); err == nil {
			return time.Duration(n) * 24 * time.Hour, nil
		}
	}
	if span, err := time.ParseDuration(s); err == nil && len(s) > 1 && !strings.ContainsAny(s[:1], "+-") {
		return span, nil
	}
	return 0, fault.New(fault.Usage, "%q is no length of time; write 365d, 36h, 90m or 10s", text.Redact(s))
}

// spanValue is a length of time as a flag takes and shows it.
type spanValue time.Duration

func (v *spanValue) Set(s string) error {
	span, err := parseSpan(s)
	if err == nil || s == "0" {
		*v = spanValue(span)
		return nil
	}
	return err
}

func (v *spanValue) String() string {
	if *v == 0 {
		return "0" // the flag parser takes that for nothing, and shows no default
	}
	s := time.Duration(*v).String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

func (*spanValue) Type() string { return "duration" }

// moment is a time for JSON; nil where there is none.
func moment(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}

// day is a time as a calendar day of the reader's place, "" where there is none.
func day(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Local().Format(time.DateOnly)
}

// clock is a time of the reader's place, "" where there is none.
func clock(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Local().Format(time.DateTime)
}

// shownTime is a record's time for people.
func shownTime(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05Z") }

// at is a time in a document, "" for none.
func at(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}
