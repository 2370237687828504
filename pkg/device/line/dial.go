package line

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"time"

	"poskey/internal/fault"
	"poskey/pkg/device"
)

// Dial opens the line that a URI names.
func Dial(ctx context.Context, u device.URI) (io.ReadWriteCloser, error) {
	switch u.Transport {
	case device.TCP:
		return dialTCP(ctx, u)
	case device.Serial, device.PTY:
		return openTTY(u)
	}
	return nil, fault.New(fault.Usage, "%q is no line of bytes; lines are tcp, serial and pty", u.Transport)
}

// connectLimit is how long a connection may take where the URI names no time-out.
const connectLimit = 5 * time.Second

func dialTCP(ctx context.Context, u device.URI) (io.ReadWriteCloser, error) {
	limit := u.Timeout
	if limit == 0 {
		limit = connectLimit
	}
	conn, err := (&net.Dialer{Timeout: limit}).DialContext(ctx, "tcp", u.Address)
	if err == nil {
		return conn, nil
	}
	var timeout net.Error
	switch {
	case errors.Is(err, context.Canceled):
		return nil, fault.WrapAs(fault.Interrupted, err, "connect to %s", u.Address)
	case errors.As(err, &timeout) && timeout.Timeout():
		return nil, fault.New(fault.DeviceTimeout,
			"connect to %s: no answer; is the address right, and the device on?", u.Address)
	}
	return nil, fault.WrapAs(fault.DeviceLink, err, "connect to %s", u.Address)
}

// openTTY opens a terminal line, and nothing else: key bytes must not end up in a file by a slip in the path.
func openTTY(u device.URI) (io.ReadWriteCloser, error) {
	info, err := os.Stat(u.Address)
	if err != nil {
		return nil, fault.WrapAs(fault.DeviceLink, err, "open the terminal line")
	}
	if info.Mode()&os.ModeCharDevice == 0 {
		return nil, fault.New(fault.Usage, "%s is not a terminal line", u.Address)
	}
	p, err := openSerial(u)
	if err != nil {
		return nil, err
	}
	return p, nil
}
