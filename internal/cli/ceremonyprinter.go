package cli

// The printer of a ceremony: a local device that takes a sheet and keeps nothing of it.

import (
	"context"
	"errors"
	"io"
	"os"
	"time"

	"poskey/internal/fault"
	"poskey/internal/text"
)

// printerPatience is how long a printer may take nothing: it has no paper, or is off. printerLook is how often it is looked
// whether somebody wants to stop meanwhile.
const (
	printerPatience = 30 * time.Second
	printerLook     = 100 * time.Millisecond
)

// sheetPrinter is the device that was looked at before anybody sat down. No other one is printed on.
type sheetPrinter struct {
	path     string
	began    os.FileInfo // of the device, then
	patience time.Duration
}

// print opens the device, and holds what was opened against what was there at the beginning: a path can be moved away
// under a ceremony that goes on, and a plain file in its place would keep the component.
func (p *sheetPrinter) print(ctx context.Context, write func(io.Writer) error) (err error) {
	f, err := os.OpenFile(p.path, os.O_WRONLY|openPatiently, 0)
	if err != nil {
		return fault.WrapAs(fault.DeviceFailed, err, "the printer")
	}
	defer func() {
		if cerr := f.Close(); err == nil && cerr != nil {
			err = fault.WrapAs(fault.DeviceFailed, cerr, "the printer")
		}
	}()
	info, err := f.Stat()
	switch {
	case err != nil:
		return fault.WrapAs(fault.DeviceFailed, err, "the printer")
	case info.Mode()&os.ModeCharDevice == 0:
		return fault.New(fault.NotPermitted, "%s is no device any more: what is printed would stay in it",
			text.Redact(p.path))
	case !sameDevice(p.began, info):
		return fault.New(fault.NotPermitted, "%s is another device than at the beginning", text.Redact(p.path))
	}
	return fault.WrapAs(fault.DeviceFailed, write(&sheetWriter{ctx: ctx, f: f, patience: p.patience}), "the printer")
}

// sheetWriter writes to a device that may take nothing. It gives up in the end, and at once when its context does.
type sheetWriter struct {
	ctx      context.Context //nolint:containedctx // an io.Writer of one call
	f        *os.File
	patience time.Duration
}

func (w *sheetWriter) Write(b []byte) (written int, err error) {
	for waited := time.Duration(0); written < len(b); {
		if w.ctx.Err() != nil {
			return written, context.Cause(w.ctx)
		}
		deadline := time.Now().Add(printerLook) //nolint:forbidigo // the system holds it against its own clock
		polled := w.f.SetWriteDeadline(deadline) == nil
		n, err := w.f.Write(b[written:])
		if written += n; n > 0 {
			waited = 0
		}
		switch {
		case err == nil:
			continue
		case errors.Is(err, os.ErrDeadlineExceeded):
		case wouldBlock(err) && !polled:
			time.Sleep(printerLook)
		default:
			return written, err
		}
		if waited += printerLook; waited >= w.patience {
			return written, fault.New(fault.DeviceTimeout, "the printer takes nothing: look at paper, cable and power")
		}
	}
	return written, nil
}
