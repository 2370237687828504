package line

import (
	"time"

	"poskey/pkg/device"
)

// Defaults fills in what the options leave to the dialect: the time-out, how often a frame is sent again (none where
// NoRetries was said, so that Retries counts from here on), the machine's clock, and a trace that nobody reads.
func Defaults(o device.Options, timeout time.Duration, repeats int) device.Options {
	if o.Clock == nil {
		o.Clock = device.RealClock{}
	}
	if o.Timeout <= 0 {
		o.Timeout = timeout
	}
	switch {
	case o.Retries == 0:
		o.Retries = repeats
	case o.Retries < 0:
		o.Retries = 0
	}
	if o.Trace == nil {
		o.Trace = func(device.Direction, string) {}
	}
	return o
}
