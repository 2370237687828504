package cli

import (
	"context"

	"poskey/pkg/device"
	"poskey/pkg/device/drivers"
)

// openDevice is the one place of the command line where device drivers are linked.
func openDevice(ctx context.Context, uri string, o device.Options) (device.Device, error) {
	return drivers.Open(ctx, uri, o)
}

// dialectOf tells what the dialect of a device can do, before there is a line to it.
func dialectOf(uri string) (device.Capabilities, error) { return drivers.Capabilities(uri) }
