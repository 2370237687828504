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
