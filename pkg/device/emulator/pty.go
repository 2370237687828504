package emulator

import (
	"context"
	"sync"

	"github.com/creack/pty"

	"poskey/internal/fault"
	"poskey/pkg/device"
	"poskey/pkg/device/line"
)

// PTY serves a terminal on a pseudo-terminal of this machine.
type PTY struct {
	path string
	t    *Terminal
	stop context.CancelFunc
	done sync.WaitGroup
}

// ListenPTY makes a pseudo-terminal, raw and without echo, and serves its other end until ctx ends or Close is called.
// As on a serial line nobody notices when the host goes.
func (t *Terminal) ListenPTY(ctx context.Context) (*PTY, error) {
	master, tty, err := pty.Open()
	if err != nil {
		return nil, fault.WrapAs(fault.DeviceLink, err, "make a pseudo-terminal")
	}
	if err := line.MakeRaw(tty); err != nil {
		_, _ = master.Close(), tty.Close()
		return nil, fault.WrapAs(fault.DeviceLink, err, "set the pseudo-terminal to raw mode")
	}
	polled, err := line.Polled(master)
	if err != nil {
		_, _ = master.Close(), tty.Close()
		return nil, fault.WrapAs(fault.DeviceLink, err, "make a pseudo-terminal")
	}
	ctx, stop := context.WithCancel(ctx)
	out := &PTY{path: tty.Name(), t: t, stop: stop}
	out.done.Go(func() {
		_ = t.Serve(ctx, polled) // it ends when ctx does, or when a fault cut the line
		_ = tty.Close()
	})
	return out, nil
}

// Path is what the host opens.
func (p *PTY) Path() string { return p.path }

// URI names the terminal for the loader.
func (p *PTY) URI() string {
	return p.t.name(device.URI{Transport: device.PTY, Address: p.path})
}

// Close gives the pseudo-terminal back; nothing is served any more when it returns.
func (p *PTY) Close() error {
	p.stop()
	p.done.Wait()
	return nil
}
