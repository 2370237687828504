package drivers_test

import (
	"bytes"
	"context"
	"io"
	"net"
	"testing"
	"time"

	"poskey/pkg/device"
	"poskey/pkg/device/devicetest"
	"poskey/pkg/device/drivers"
	"poskey/pkg/device/emulator"
	"poskey/pkg/device/futurex"
	"poskey/pkg/kcv"
	"poskey/pkg/keys"
)

// loader is a terminal of the futurex dialect for a test.
func loader(t *testing.T, s devicetest.Setup, slots, profile string) *emulator.Terminal {
	t.Helper()
	faults, err := emulator.ParseFaults(s.Faults)
	if err != nil {
		t.Fatal(err)
	}
	term := emulator.New(emulator.Config{Port: emulator.Futurex(slots, profile), InjectModeOff: s.ClearOff, Faults: faults,
		SlowFor: s.SlowFor})
	t.Cleanup(term.Wipe)
	if s.KLK != nil {
		if err := term.LoadDirect("05", s.KLK, "K0", 'N'); err != nil {
			t.Fatal(err)
		}
	}
	return term
}

// dial connects by URI and cleans up.
func dial(t *testing.T, term *emulator.Terminal, uri string, o device.Options) devicetest.Bench {
	t.Helper()
	d, err := drivers.Open(t.Context(), uri, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() }) // a fault may have closed it already
	return devicetest.Bench{Device: d, Check: func(slot device.Slot) (kcv.Value, bool) {
		if v, ok := term.SlotCheck(slot); ok {
			return v, true
		}
		state := term.State(slot) // of a DUKPT engine: it keeps the check value of the key, not the key
		return state.Check, state.Loaded
	}}
}

func attachLoader(host io.ReadWriteCloser, timeout time.Duration) device.Device {
	return futurex.New(host, device.Options{Timeout: timeout})
}

func options(s devicetest.Setup) device.Options {
	return device.Options{Timeout: s.Timeout, Retries: s.Retries, Trace: s.Trace}
}

func TestFuturexSuiteOverPipe(t *testing.T) {
	for _, layout := range []struct{ slots, profile string }{{"", ""}, {device.SlotsHex, device.ProfileBase}} {
		devicetest.RunCryptograms(t, devicetest.Rig{
			Virtual: true, Dialect: devicetest.Futurex(), Attach: attachLoader,
			Pair: func(*testing.T) (io.ReadWriteCloser, io.ReadWriteCloser) { return net.Pipe() },
			Start: func(t *testing.T, s devicetest.Setup) devicetest.Bench {
				term := loader(t, s, layout.slots, layout.profile)
				host, peer := net.Pipe()
				ctx, stop := context.WithCancel(t.Context())
				ended := make(chan struct{})
				go func() {
					defer close(ended)
					_ = term.Serve(ctx, peer) // some tests break the line
				}()
				t.Cleanup(func() { stop(); <-ended })
				o := options(s)
				o.Dial = func(context.Context, device.URI) (io.ReadWriteCloser, error) { return host, nil }
				u := device.URI{Dialect: device.Futurex, Transport: device.TCP, Address: "in.memory:1", Slots: layout.slots,
					Profile: layout.profile}
				return dial(t, term, u.String(), o)
			},
		})
	}
}

func TestFuturexSuiteOverTCP(t *testing.T) {
	devicetest.RunCryptograms(t, devicetest.Rig{
		Dialect: devicetest.Futurex(), Attach: attachLoader, Pair: tcpPair,
		Start: func(t *testing.T, s devicetest.Setup) devicetest.Bench {
			term := loader(t, s, "", "")
			l, err := term.Listen(t.Context(), "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = l.Close() })
			return dial(t, term, l.URI(), options(s))
		},
	})
}

func TestFuturexSuiteOverPTY(t *testing.T) {
	devicetest.RunCryptograms(t, devicetest.Rig{
		Dialect: devicetest.Futurex(), Attach: attachLoader, Pair: ptyPair,
		Start: func(t *testing.T, s devicetest.Setup) devicetest.Bench {
			term := loader(t, s, "", "")
			p, err := term.ListenPTY(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = p.Close() })
			return dial(t, term, p.URI(), options(s))
		},
	})
}

func TestTheURIOfAnEmulatedLoaderSaysHowToTalkToIt(t *testing.T) {
	term := loader(t, devicetest.Setup{}, device.SlotsHex, device.ProfileDialect)
	l, err := term.Listen(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	u, err := device.ParseURI(l.URI())
	if err != nil || u.Slots != device.SlotsHex || u.Profile != device.ProfileDialect || u.Dialect != device.Futurex {
		t.Errorf("%s: %+v, %v", l.URI(), u, err)
	}
	caps, err := drivers.Capabilities(l.URI())
	if err != nil || len(caps.InitialSlots) != 256 || caps.Algorithms != "TA" {
		t.Errorf("%d slots, algorithms %s, %v", len(caps.InitialSlots), caps.Algorithms, err)
	}
}

func TestTheDialectsFieldsCarryAESKeys(t *testing.T) {
	term := loader(t, devicetest.Setup{}, device.SlotsHex, device.ProfileDialect)
	l, err := term.Listen(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	b := dial(t, term, l.URI(), device.Options{Timeout: 20 * time.Second})
	for i, alg := range []keys.Algorithm{keys.AES128, keys.AES192, keys.AES256} {
		ktk, key := generated(t, alg, byte(i)), generated(t, alg, byte(i+10))
		slot := futurex.SlotName(20 * i)
		got, err := devicetest.LoadClear(t.Context(), b.Device, slot, ktk, keys.UsageKEK, 'N')
		if err != nil || got.Proof != device.ProofAnswer {
			t.Fatalf("%s: %+v, %v", alg, got, err)
		}
		clear := futurex.SlotName(20*i + 1)
		if _, err := devicetest.LoadClear(t.Context(), b.Device, clear, key, keys.UsagePIN, 'E'); err != nil {
			t.Fatalf("%s: %v", alg, err)
		}
		v, held := b.Check(clear)
		want, err := kcv.Of(alg, key.Secret().Expose(), kcv.Default(alg), 0)
		if err != nil || !held || v != want {
			t.Errorf("%s: slot %s holds %v, want %v (%v)", alg, clear, v, want, err)
		}
		if state := term.State(clear); state.Algorithm != 'A' || state.Usage != keys.UsagePIN {
			t.Errorf("%s: %+v", alg, state)
		}
	}
}

// generated draws a test key that is the same each time.
func generated(t *testing.T, alg keys.Algorithm, seed byte) *keys.Key {
	t.Helper()
	random := bytes.Repeat([]byte{seed, 0x5D, seed ^ 0xA7, 0x3C, 0x91, seed + 9, 0xE2}, 64)
	k, err := keys.Generate(bytes.NewReader(random), alg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(k.Wipe)
	return k
}
