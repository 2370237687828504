// Package drivers links the dialects to the names in device URIs. It is the one place that knows them all, so that
// pkg/device stays a vocabulary and a program that needs one dialect can do without the others.
package drivers

import (
	"context"
	"io"

	"poskey/internal/fault"
	"poskey/pkg/device"
	"poskey/pkg/device/futurex"
	"poskey/pkg/device/line"
	"poskey/pkg/device/manage/client"
	"poskey/pkg/device/visa"
)

// Open connects to the device that a URI names. Over a line it sends nothing: whether a terminal is at the other end
// shows with the first question. An agent is asked what it is.
func Open(ctx context.Context, uri string, o device.Options) (device.Device, error) {
	u, err := device.ParseURI(uri)
	if err != nil {
		return nil, err
	}
	o = u.Apply(o)
	u.Timeout = o.Timeout
	if u.Dialect == device.Agent {
		return client.Open(ctx, u, o)
	}
	dial := o.Dial
	if dial == nil {
		dial = line.Dial
	}
	rw, err := dial(ctx, u)
	if err != nil {
		return nil, fault.Wrap(err, "device %s", uri)
	}
	return over(rw, u, o), nil
}

// over makes a device of a line. ParseURI lets no other dialect through.
func over(rw io.ReadWriteCloser, u device.URI, o device.Options) device.Device {
	if u.Dialect == device.Futurex {
		return futurex.New(rw, o)
	}
	return visa.New(rw, o)
}

// Capabilities tells what the dialect that a URI names can do, without a line. Of an agent nothing is known beforehand:
// what it takes the opened device tells.
func Capabilities(uri string) (device.Capabilities, error) {
	u, err := device.ParseURI(uri)
	if err != nil {
		return device.Capabilities{}, err
	}
	switch u.Dialect {
	case device.Futurex:
		return futurex.LayoutOf(u.Apply(device.Options{})).Capabilities(), nil
	case device.Agent:
		return device.Capabilities{}, nil
	}
	return visa.Capabilities(u.Profile), nil
}
