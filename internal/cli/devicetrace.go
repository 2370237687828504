package cli

// What crosses the line, for whoever wants to see it.

import (
	"fmt"

	"poskey/pkg/device"
)

// trace shows every frame under -v, keys blotted out by the dialect.
func (a *App) trace() device.Trace {
	if !a.flags.verbose {
		return nil
	}
	return func(direction device.Direction, line string) {
		arrow := "->"
		if direction == device.Received {
			arrow = "<-"
		}
		_, _ = fmt.Fprintf(a.Err, "%s %s\n", arrow, line)
	}
}
