package drivers_test

import (
	"context"
	"io"
	"net"
	"testing"
	"time"

	"github.com/creack/pty"

	"poskey/pkg/device"
	"poskey/pkg/device/devicetest"
	"poskey/pkg/device/drivers"
	"poskey/pkg/device/emulator"
	"poskey/pkg/device/line"
	"poskey/pkg/device/visa"
)

// terminal makes the emulator for a test.
func terminal(t *testing.T, s devicetest.Setup) *emulator.Terminal {
	t.Helper()
	faults, err := emulator.ParseFaults(s.Faults)
	if err != nil {
		t.Fatal(err)
	}
	term := emulator.New(emulator.Config{InjectModeOff: s.ClearOff, Faults: faults, SlowFor: s.SlowFor})
	t.Cleanup(term.Wipe)
	if s.KLK != nil {
		if err := term.LoadDirect("F", s.KLK, "K0", 'D'); err != nil {
			t.Fatal(err)
		}
	}
	return term
}

// open connects by URI and cleans up.
func open(t *testing.T, term *emulator.Terminal, uri string, o device.Options) devicetest.Bench {
	t.Helper()
	d, err := drivers.Open(t.Context(), uri, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() }) // a fault may have closed it already
	return devicetest.Bench{Device: d, Check: term.SlotCheck}
}

func attach(host io.ReadWriteCloser, timeout time.Duration) device.Device {
	return visa.New(host, device.Options{Timeout: timeout})
}

func TestSuiteOverPipe(t *testing.T) {
	devicetest.Run(t, devicetest.Rig{
		Virtual: true, Dialect: devicetest.Visa(), Attach: attach,
		Pair: func(*testing.T) (io.ReadWriteCloser, io.ReadWriteCloser) { return net.Pipe() },
		Start: func(t *testing.T, s devicetest.Setup) devicetest.Bench {
			term := terminal(t, s)
			host, peer := net.Pipe()
			ctx, stop := context.WithCancel(t.Context())
			ended := make(chan struct{})
			go func() {
				defer close(ended)
				_ = term.Serve(ctx, peer) // some tests break the line
			}()
			t.Cleanup(func() { stop(); <-ended })
			return open(t, term, "visa+tcp://in.memory:1", device.Options{Timeout: s.Timeout, Trace: s.Trace,
				Dial: func(context.Context, device.URI) (io.ReadWriteCloser, error) { return host, nil }})
		},
	})
}

func TestSuiteOverTCP(t *testing.T) {
	devicetest.Run(t, devicetest.Rig{
		Dialect: devicetest.Visa(), Attach: attach,
		Pair: tcpPair,
		Start: func(t *testing.T, s devicetest.Setup) devicetest.Bench {
			term := terminal(t, s)
			l, err := term.Listen(t.Context(), "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = l.Close() })
			return open(t, term, l.URI(), device.Options{Timeout: s.Timeout, Trace: s.Trace})
		},
	})
}

func TestSuiteOverPTY(t *testing.T) {
	devicetest.Run(t, devicetest.Rig{
		Dialect: devicetest.Visa(), Attach: attach,
		Pair: ptyPair,
		Start: func(t *testing.T, s devicetest.Setup) devicetest.Bench {
			term := terminal(t, s)
			p, err := term.ListenPTY(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = p.Close() })
			return open(t, term, p.URI(), device.Options{Timeout: s.Timeout, Trace: s.Trace})
		},
	})
}

func tcpPair(t *testing.T) (host, peer io.ReadWriteCloser) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	if host, err = net.Dial("tcp", l.Addr().String()); err != nil {
		t.Fatal(err)
	}
	if peer, err = l.Accept(); err != nil {
		t.Fatal(err)
	}
	return host, peer
}

func ptyPair(t *testing.T) (host, peer io.ReadWriteCloser) {
	t.Helper()
	master, tty, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tty.Close() }()
	polled, err := line.Polled(master)
	if err != nil {
		t.Fatal(err)
	}
	host, err = line.Dial(t.Context(), device.URI{Transport: device.PTY, Address: tty.Name()})
	if err != nil {
		t.Fatal(err)
	}
	return host, polled
}
