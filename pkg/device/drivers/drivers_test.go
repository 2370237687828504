package drivers_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/creack/pty"

	"poskey/internal/fault"
	"poskey/pkg/device"
	"poskey/pkg/device/devicetest"
	"poskey/pkg/device/drivers"
	"poskey/pkg/device/emulator"
	"poskey/pkg/device/line"
	"poskey/pkg/device/visa"
	"poskey/pkg/keyblock"
	"poskey/pkg/keys"
)

// terminal makes the emulator for a test.
func terminal(t *testing.T, s devicetest.Setup) *emulator.Terminal {
	t.Helper()
	faults, err := emulator.ParseFaults(s.Faults)
	if err != nil {
		t.Fatal(err)
	}
	term := emulator.New(emulator.Config{InjectModeOff: s.ClearOff, Faults: faults, SlowFor: s.SlowFor, Seed: s.Seed})
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
	overPTY(t, func(p *emulator.PTY) string { return p.URI() })
}

// TestSuiteOverSerial opens a pseudo-terminal as the serial port of a 7E1 terminal: what differs from TestSuiteOverPTY is
// speed, mode and the wires that are not there.
func TestSuiteOverSerial(t *testing.T) {
	overPTY(t, func(p *emulator.PTY) string { return "visa+serial://" + p.Path() + "?baud=19200&mode=7E1" })
}

// overPTY runs the suite over a pseudo-terminal, under the name that uri gives it.
func overPTY(t *testing.T, uri func(p *emulator.PTY) string) {
	t.Helper()
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
			return open(t, term, uri(p), device.Options{Timeout: s.Timeout, Trace: s.Trace})
		},
	})
}

func TestCapabilitiesFollowTheURI(t *testing.T) {
	for uri, want := range map[string]string{
		"visa+tcp://h:1": "true AB B DT [90 94] 9",
		"visa+serial:///dev/ttyS0?profile=verifone":       "true   D [] 4",
		"visa+tcp://h:1?profile=poskey":                   "true AB BD DTA [90 94] 10",
		"agent+https://h:1?ca=a.pem&cert=b.pem&key=c.pem": "false    [] 0",
	} {
		c, err := drivers.Capabilities(uri)
		got := fmt.Sprint(c.Clear, " ", c.BlockVersions, " ", c.InitialBlocks, " ", c.Algorithms, " ", c.InitialSlots, " ", len(c.Slots))
		if err != nil || got != want {
			t.Errorf("%s: %q, %v; want %q", uri, got, err, want)
		}
	}
	if c, err := drivers.Capabilities("futurex+tcp://h:1?slots=hex"); err != nil || !c.Clear || len(c.Slots) == 0 {
		t.Errorf("futurex: %+v, %v", c, err)
	}
	if _, err := drivers.Capabilities("pax+tcp://h:1"); !fault.Is(err, fault.Usage) {
		t.Errorf("an unknown dialect: %v", err)
	}
}

func TestEveryDialectIsLinked(t *testing.T) {
	for _, uri := range []string{"visa+tcp://h:1", "futurex+tcp://h:1"} {
		host, peer := net.Pipe()
		d, err := drivers.Open(t.Context(), uri, device.Options{
			Dial: func(context.Context, device.URI) (io.ReadWriteCloser, error) { return host, nil }})
		if err != nil || !strings.HasPrefix(uri, d.Dialect()) {
			t.Fatalf("%s: %v", uri, err)
		}
		if err := errors.Join(d.Close(), peer.Close()); err != nil {
			t.Error(err)
		}
	}
	d, err := drivers.Open(t.Context(), "agent+https://127.0.0.1:1?ca=/none&cert=/none&key=/none", device.Options{})
	if !fault.Is(err, fault.NotFound) || d != nil {
		t.Errorf("agent without its files: %v", err)
	}
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

func TestAnUnknownOutcomeIsSettledOverANewConnection(t *testing.T) {
	term := terminal(t, devicetest.Setup{KLK: testKey(t, "19191919191919195B5B5B5B5B5B5B5B"),
		Faults: []string{"disconnect-after-commit"}})
	l, err := term.Listen(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	block, err := keyblock.Parse("A0072K0TD00N00007D2D21FC9ECD3EECBB0A2615BD8F05605722120BDFF2CCAC319C3918")
	if err != nil {
		t.Fatal(err)
	}
	first := open(t, term, l.URI(), device.Options{})
	_, err = devicetest.LoadBlock(t.Context(), first.Device, "0", block)
	var unknown *device.OutcomeUnknown
	if !errors.As(err, &unknown) {
		t.Fatalf("error %v, want an unknown outcome", err)
	}
	second := open(t, term, l.URI(), device.Options{})
	got, err := second.Device.Confirm(t.Context(), unknown.Commit)
	if err != nil || got.Proof != device.ProofCommitAttributes {
		t.Errorf("the slot was empty before, so the outcome can be known now: %+v, %v", got, err)
	}
}

func testKey(t *testing.T, digits string) *keys.Key {
	t.Helper()
	sec, err := keys.ParseHex([]byte(digits))
	if err != nil {
		t.Fatal(err)
	}
	k, err := keys.New(keys.TDES128, sec)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(k.Wipe)
	return k
}

func TestOpeningSaysWhatIsWrong(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	dead := "visa+tcp://" + l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	for uri, want := range map[string]fault.Kind{
		dead: fault.DeviceLink, strings.Replace(dead, "visa", "futurex", 1): fault.DeviceLink,
		"visa+serial:///dev/none": fault.DeviceLink, "visa+pty:///dev/pts/none": fault.DeviceLink,
		"visa+usb:///dev/ttyUSB0":      fault.Usage,
		"agent+https://127.0.0.1:9100": fault.Usage,
	} {
		d, err := drivers.Open(t.Context(), uri, device.Options{})
		if !fault.Is(err, want) || d != nil || !strings.Contains(err.Error(), uri) && want != fault.Usage {
			t.Errorf("%s: %v of kind %s, want %s", uri, err, fault.KindOf(err), want)
		}
	}
}

func TestTheTimeoutOfTheURIReachesTheDial(t *testing.T) {
	var got device.URI
	host, peer := net.Pipe()
	d, err := drivers.Open(t.Context(), "visa+tcp://h:1?timeout=7s", device.Options{
		Dial: func(_ context.Context, u device.URI) (io.ReadWriteCloser, error) { got = u; return host, nil }})
	if err != nil || got.Timeout != 7*time.Second || d.Dialect() != "visa" {
		t.Errorf("%+v, %v", got, err)
	}
	c := d.Capabilities()
	if !c.Clear || c.BlockVersions != "AB" || c.Proof != device.ProofCommitAttributes || len(c.Slots) == 0 {
		t.Errorf("capabilities %+v", c)
	}
	if err := errors.Join(d.Close(), peer.Close()); err != nil {
		t.Error(err)
	}
}
