package agent

import (
	"time"

	"golang.org/x/sys/unix"

	"poskey/pkg/custody"
)

// readClocks: on this system the clock named monotonic goes on while the machine sleeps, and the one named uptime does
// not.
func readClocks() (custody.Instant, error) {
	var wall, still, running unix.Timespec
	for id, into := range map[int32]*unix.Timespec{
		unix.CLOCK_REALTIME: &wall, unix.CLOCK_UPTIME_RAW: &still, unix.CLOCK_MONOTONIC_RAW: &running,
	} {
		if err := unix.ClockGettime(id, into); err != nil {
			return custody.Instant{}, err
		}
	}
	return custody.Instant{Wall: time.Unix(wall.Unix()), Monotonic: time.Duration(still.Nano()),
		Boot: time.Duration(running.Nano())}, nil
}
