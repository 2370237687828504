package device

import "time"

// Clock is the passing of time for drivers and the emulator; tests hand in one of their own.
type Clock interface {
	// After gives a channel that receives once when d has passed, and a function that gives the timer back.
	After(d time.Duration) (fired <-chan time.Time, stop func())
}

// RealClock is the clock of the machine.
type RealClock struct{}

// After starts a timer.
func (RealClock) After(d time.Duration) (<-chan time.Time, func()) {
	t := time.NewTimer(d)
	return t.C, func() { t.Stop() }
}
