// Package drivers links the dialects to the names in device URIs. It is the one place that knows them all, so that
// pkg/device stays a vocabulary and a program that needs one dialect can do without the others.
package drivers

import (
	"context"

	"poskey/internal/fault"
	"poskey/pkg/device"
	"poskey/pkg/device/line"
	"poskey/pkg/device/visa"
	"poskey/pkg/device/visa/table"
)

// Open connects to the device that a URI names. It sends nothing: whether a terminal is at the other end shows with the
// first question.
func Open(ctx context.Context, uri string, o device.Options) (device.Device, error) {
	u, err := device.ParseURI(uri)
	if err != nil {
		return nil, err
	}
	o = u.Apply(o)
	dial := o.Dial
	if dial == nil {
		dial = line.Dial
	}
	u.Timeout = o.Timeout
	switch u.Dialect {
	case table.Dialect:
		rw, err := dial(ctx, u)
		if err != nil {
			return nil, fault.Wrap(err, "device %s", uri)
		}
		return visa.New(rw, o), nil
	}
	return nil, unknown(u)
}

func unknown(u device.URI) error {
	return fault.New(fault.Usage, "device dialect %q is not in this version; it has visa", u.Dialect)
}

// Capabilities tells what the dialect that a URI names can do, without a line.
func Capabilities(uri string) (device.Capabilities, error) {
	u, err := device.ParseURI(uri)
	if err != nil {
		return device.Capabilities{}, err
	}
	if u.Dialect == table.Dialect {
		return visa.Capabilities(u.Profile), nil
	}
	return device.Capabilities{}, unknown(u)
}
