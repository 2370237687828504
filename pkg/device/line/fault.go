package line

import (
	"context"
	"errors"
	"io"

	"poskey/internal/fault"
)

// Fault gives an error of Read or Write its kind and a sentence.
func Fault(err error) error {
	switch {
	case errors.Is(err, context.Canceled):
		return fault.WrapAs(fault.Interrupted, err, "the exchange was given up")
	case errors.Is(err, context.DeadlineExceeded):
		return fault.WrapAs(fault.DeviceTimeout, err, "the exchange was given up")
	case errors.Is(err, ErrTimeout):
		return fault.New(fault.DeviceTimeout, "the terminal takes no bytes any more; the line was closed")
	case errors.Is(err, io.EOF):
		return fault.New(fault.DeviceLink, "the terminal closed the line")
	}
	return fault.WrapAs(fault.DeviceLink, err, "the line failed")
}
