package agent

import (
	"poskey/internal/fault"
	"poskey/pkg/custody"
)

// SystemClock reads the clocks of the machine: the time of day, one that stands still while the machine sleeps, and one
// that does not. Error: not_permitted on a system that does not have them, where no agent runs.
func SystemClock() (custody.Clock, error) {
	if _, err := readClocks(); err != nil {
		return nil, fault.WrapAs(fault.NotPermitted, err, "the clocks of this system cannot be read")
	}
	return func() custody.Instant {
		now, _ := readClocks() // it worked a moment ago; the zero instant ends every authorisation
		return now
	}, nil
}
