package agent

import (
	"time"

	"golang.org/x/sys/unix"

	"poskey/pkg/custody"
)

func readClocks() (custody.Instant, error) {
	var wall, still, running unix.Timespec
	for id, into := range map[int32]*unix.Timespec{
		unix.CLOCK_REALTIME: &wall, unix.CLOCK_MONOTONIC: &still, unix.CLOCK_BOOTTIME: &running,
	} {
		if err := unix.ClockGettime(id, into); err != nil {
			return custody.Instant{}, err
		}
	}
	return custody.Instant{Wall: time.Unix(wall.Unix()), Monotonic: time.Duration(still.Nano()),
		Boot: time.Duration(running.Nano())}, nil
}
