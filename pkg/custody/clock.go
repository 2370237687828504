package custody

import (
	"time"

	"poskey/internal/fault"
)

// Instant is one reading of three clocks. Monotonic stands still while the machine sleeps and Boot does not
// (CLOCK_MONOTONIC and CLOCK_BOOTTIME of Linux); both count from any fixed point and never go back. Wall is the time of
// day, which anybody with the right can set.
type Instant struct {
	Wall      time.Time
	Monotonic time.Duration
	Boot      time.Duration
}

// Clock reads the clocks.
type Clock func() Instant

const (
	maxNap     = 2 * time.Second // Boot may run ahead of Monotonic by so much before it counts as sleep
	maxSetBack = time.Minute     // the wall clock may lose so much against Boot: more than a leap second, less than an act
	maxSkew    = 5 * time.Minute // clocks of two machines may differ by so much
)

// slept reports whether the machine slept between two readings.
func slept(from, now Instant) bool {
	return (now.Boot-now.Monotonic)-(from.Boot-from.Monotonic) > maxNap
}

// setBack is by how much the wall clock has lost against the time that has passed; it is negative for one that gained.
func setBack(from, now Instant) time.Duration {
	return (now.Boot - from.Boot) - now.Wall.Sub(from.Wall)
}

// checkForward refuses clocks that went back since from.
func checkForward(from, now Instant) error {
	if now.Boot < from.Boot || now.Monotonic < from.Monotonic {
		return fault.New(fault.NotPermitted,
			"a clock that only goes forward went back: nothing that depends on time is believed")
	}
	if back := setBack(from, now); back > maxSetBack {
		return fault.New(fault.NotPermitted, "the clock was set back by %s", back.Round(time.Second))
	}
	return nil
}

// stamp is how times stand in documents: whole seconds, UTC.
const stampForm = "2006-01-02T15:04:05Z"

func stamp(t time.Time) string { return wholeSecond(t).Format(stampForm) }

func wholeSecond(t time.Time) time.Time { return t.UTC().Truncate(time.Second) }
