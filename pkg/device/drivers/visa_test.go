package drivers_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"poskey/internal/cipherx"
	"poskey/internal/fault"
	"poskey/internal/secret"
	"poskey/pkg/device"
	"poskey/pkg/device/devicetest"
	"poskey/pkg/device/drivers"
	"poskey/pkg/device/emulator"
	"poskey/pkg/device/visa"
	"poskey/pkg/dukpt"
	"poskey/pkg/keyblock"
)

// Published test keys: the KLK that the block is under, and the initial key of the X9.24 example.
const (
	keyK1   = "19191919191919195B5B5B5B5B5B5B5B"
	keyTest = "0123456789ABCDEFFEDCBA9876543210"
	keyIK   = "6AC292FAA1315B4D858AB3A3D7D5933A"
	ksnIK   = "FFFF9876543210E00000"
	blockIK = "B0104B1TX00N0100KS18FFFF9876543210E000001226BE539A4697C6D958FD5F44313764DBCE923ADFB3FC32B0BA837FBAA5E36A"
	blockK0 = "A0072K0TD00N00007D2D21FC9ECD3EECBB0A2615BD8F05605722120BDFF2CCAC319C3918"
)

func testKSN(t *testing.T) dukpt.KSN {
	t.Helper()
	ksn, err := dukpt.ParseKSN(ksnIK)
	if err != nil {
		t.Fatal(err)
	}
	return ksn
}

func testBlock(t *testing.T, text string) *keyblock.Block {
	t.Helper()
	b, err := keyblock.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// talk connects driver and emulator in memory, in a bubble.
func talk(t *testing.T, s devicetest.Setup, body func(t *testing.T, d visa.Terminal, term *emulator.Terminal)) {
	t.Helper()
	live := secret.Live()
	synctest.Test(t, func(t *testing.T) {
		if s.KLK == nil {
			s.KLK = testKey(t, keyK1)
		}
		term := terminal(t, s)
		host, peer := net.Pipe()
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			_ = term.Serve(ctx, peer) // some tests break the line
		}()
		d, err := drivers.Open(t.Context(), "visa+tcp://in.memory:1", device.Options{Timeout: s.Timeout, Trace: s.Trace,
			Dial: func(context.Context, device.URI) (io.ReadWriteCloser, error) { return host, nil }})
		if err != nil {
			t.Fatal(err)
		}
		body(t, d.(visa.Terminal), term)
		_ = d.Close() // a fault may have closed it already
		stop()
		<-ended
	})
	if secret.Live() != live {
		t.Errorf("%d secrets stayed live", secret.Live()-live)
	}
}

func wantEngine(t *testing.T, term *emulator.Terminal, slot device.Slot) {
	t.Helper()
	s := term.State(slot)
	if !s.Loaded || !strings.HasPrefix(s.Check.Digits, "AF8C07") || !strings.HasPrefix(s.KSN, ksnIK[:14]) {
		t.Errorf("slot %s holds %+v", slot, s)
	}
}

func TestInitialKeysArriveClearAndInABlock(t *testing.T) {
	for _, name := range []string{"", "drop-ack", "nak-first-2", "bad-lrc", "split-writes", "joined-writes", "no-eot", "lost-ack"} {
		s := devicetest.Setup{Timeout: 20 * time.Second}
		if name != "" {
			s.Faults = []string{name}
		}
		t.Run("clear "+name, func(t *testing.T) {
			talk(t, s, func(t *testing.T, d visa.Terminal, term *emulator.Terminal) {
				c, err := d.LoadInitial(t.Context(), "90", testKey(t, keyIK), testKSN(t))
				if err != nil || !c.Closed {
					t.Fatalf("%+v, %v", c, err)
				}
				wantEngine(t, term, "90")
				// Whatever the terminal still says of this exchange is not the answer to the next question.
				if state, err := d.ReadSlot(t.Context(), "F"); err != nil || !state.Loaded && name != "no-eot" {
					t.Errorf("slot F: %+v, %v", state, err)
				}
			})
		})
		t.Run("block "+name, func(t *testing.T) {
			talk(t, s, func(t *testing.T, d visa.Terminal, term *emulator.Terminal) {
				got, err := devicetest.LoadBlock(t.Context(), d, "94", testBlock(t, blockIK))
				if err != nil || got.Proof != device.ProofAnswer {
					t.Fatalf("%+v, %v", got, err)
				}
				wantEngine(t, term, "94")
			})
		})
	}
}

func TestRefusalsOfInitialKeysAreExplained(t *testing.T) {
	for name, c := range map[string]struct {
		setup devicetest.Setup
		load  func(t *testing.T, d visa.Terminal) error
		code  string
	}{
		"clear outside the key inject mode": {devicetest.Setup{ClearOff: true}, func(t *testing.T, d visa.Terminal) error {
			_, err := d.LoadInitial(t.Context(), "90", testKey(t, keyIK), testKSN(t))
			return err
		}, "1"},
		"a block under another KLK": {devicetest.Setup{KLK: testKey(t, keyTest)}, func(t *testing.T, d visa.Terminal) error {
			_, err := d.LoadBlock(t.Context(), "94", testBlock(t, blockIK))
			return err
		}, "C"},
	} {
		t.Run(name, func(t *testing.T) {
			talk(t, c.setup, func(t *testing.T, d visa.Terminal, term *emulator.Terminal) {
				err := c.load(t, d)
				var refused *device.CodeError
				if !errors.As(err, &refused) || refused.Code != c.code || term.State("90").Loaded || term.State("94").Loaded {
					t.Errorf("error %v", err)
				}
			})
		})
	}
}

// TestALoadThatIsCutAtAnyByteSaysWhatIsSo: the line ends after n bytes in both directions together, for every n that an
// exchange has. What is said to be loaded is, what is said not to be stored is not; only "nobody knows" may be either.
func TestALoadThatIsCutAtAnyByteSaysWhatIsSo(t *testing.T) {
	for name, c := range map[string]struct {
		slot  device.Slot
		bytes int
		load  func(t *testing.T, d visa.Terminal) error
	}{
		"clear initial key": {"90", 57 + 1 + 6 + 1, func(t *testing.T, d visa.Terminal) error {
			_, err := d.LoadInitial(t.Context(), "90", testKey(t, keyIK), testKSN(t))
			return err
		}},
		"initial key in a block": {"94", 5 + 1 + 17 + 1 + 1 + 109 + 1 + 6 + 1, func(t *testing.T, d visa.Terminal) error {
			_, err := d.LoadBlock(t.Context(), "94", testBlock(t, blockIK))
			return err
		}},
		"block": {"0", 7 + 1 + 6 + 1 + 1 + 78 + 1 + 78 + 1 + 1, func(t *testing.T, d visa.Terminal) error {
			_, err := d.LoadBlock(t.Context(), "0", testBlock(t, blockK0))
			return err
		}},
		"clear key": {"0", 38 + 1 + 38 + 1 + 1, func(t *testing.T, d visa.Terminal) error {
			_, err := d.LoadClear(t.Context(), "0", testKey(t, keyTest), "K0", 'D')
			return err
		}},
	} {
		seen := map[string]int{}
		for n := 1; n <= c.bytes+1; n++ {
			talk(t, devicetest.Setup{Timeout: time.Second, Faults: []string{fmt.Sprint("cut-at=", n)}},
				func(t *testing.T, d visa.Terminal, term *emulator.Terminal) {
					err := c.load(t, d)
					_ = d.Close()
					synctest.Wait()
					time.Sleep(time.Minute) // whatever is under way has ended
					stored := term.State(c.slot).Loaded
					var unknown *device.OutcomeUnknown
					switch {
					case errors.As(err, &unknown):
						seen["unknown"]++
					case err == nil:
						seen["loaded"]++
						if !stored {
							t.Errorf("%s, cut at %d: said to be loaded, and is not", name, n)
						}
					default:
						seen["failed"]++
						if stored || !fault.Is(err, fault.DeviceLink) {
							t.Errorf("%s, cut at %d: %v; stored: %v", name, n, err, stored)
						}
					}
				})
		}
		// Packets 90 and 94 have no commit: once the frame has left whole, nobody can know until the answer is here.
		if seen["unknown"] == 0 || seen["loaded"] == 0 || seen["failed"] == 0 && len(c.slot) == 1 {
			t.Errorf("%s: %v in %d bytes", name, seen, c.bytes)
		}
	}
}

func TestTheTerminalProvesItsKeyByAMAC(t *testing.T) {
	talk(t, devicetest.Setup{}, func(t *testing.T, d visa.Terminal, term *emulator.Terminal) {
		zeros := make([]byte, 8)
		if err := term.LoadDirect("B", testKey(t, keyTest), "M3", 'G'); err != nil {
			t.Fatal(err)
		}
		want, err := d.MAC(t.Context(), "B", zeros, zeros)
		if check, ok := term.SlotCheck("B"); err != nil || !ok || !strings.HasPrefix(fmt.Sprintf("%X", want), check.Digits[:6]) ||
			fmt.Sprintf("%X", want) != "08D7B4FB629D0885" {
			t.Errorf("%X, %v; the slot's check value is %s", want, err, check)
		}
		if err := term.LoadDirect("0", testKey(t, keyIK), "K0", 'D'); err != nil {
			t.Fatal(err)
		}
		session := bytes.Repeat([]byte{0x5A}, 16) // a cryptogram that the host chose
		message := bytes.Repeat([]byte("long message "), 40)
		got, err := d.MAC(t.Context(), "0", session, message)
		if err != nil {
			t.Fatal(err)
		}
		if want := hostMAC(t, keyIK, session, message); !bytes.Equal(got, want) {
			t.Errorf("the terminal computes %X, the host %X", got, want)
		}
		var refused *device.CodeError
		if _, err := d.MAC(t.Context(), "0", zeros, zeros); !errors.As(err, &refused) || refused.Code != "A" {
			t.Errorf("zeros with a K0 key: %v", err)
		}
		if _, err := d.MAC(t.Context(), "C", zeros, zeros); !errors.As(err, &refused) || refused.Code != "3" {
			t.Errorf("an empty slot: %v", err)
		}
		if got, err := d.MAC(t.Context(), "B", zeros, zeros); err != nil || !bytes.Equal(got, want) {
			t.Errorf("after refusals: %X, %v", got, err)
		}
	})
}

// hostMAC decrypts the session key under the master key and computes the retail MAC.
func hostMAC(t *testing.T, master string, session, message []byte) []byte {
	t.Helper()
	m := testKey(t, master)
	c, err := m.Cipher()
	if err != nil {
		t.Fatal(err)
	}
	key := make([]byte, len(session))
	cipherx.ECBDecrypt(c, key, session)
	padded := append(bytes.Clone(message), make([]byte, (8-len(message)%8)%8)...)
	mac, err := cipherx.RetailMAC(key, padded)
	if err != nil {
		t.Fatal(err)
	}
	return mac
}

func TestSerialNumbersAndSelectionsReachTheTerminal(t *testing.T) {
	talk(t, devicetest.Setup{}, func(t *testing.T, d visa.Terminal, term *emulator.Terminal) {
		ctx := t.Context()
		if s, err := d.Serial(ctx); err != nil || s != "" {
			t.Errorf("a new terminal says %q, %v", s, err)
		}
		if err := d.SetSerial(ctx, "PK00000001"); err != nil {
			t.Error(err)
		}
		if s, err := d.Serial(ctx); err != nil || s != "PK00000001" || term.Serial() != s {
			t.Errorf("it says %q, %v", s, err)
		}
		if err := d.SelectKey(ctx, "7"); err != nil {
			t.Error(err)
		}
		if err := d.SelectSet(ctx, 1); err != nil {
			t.Error(err)
		}
		if state, err := d.ReadSlot(ctx, "F"); err != nil || !state.Loaded {
			t.Errorf("after a bare ACK: %+v, %v", state, err)
		}
	})
}

func TestTheSpeedOfASerialLineIsChangedOnBothSides(t *testing.T) {
	term := terminal(t, devicetest.Setup{})
	p, err := term.ListenPTY(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Close() })
	d := open(t, term, "visa+serial://"+p.Path(), device.Options{}).Device.(visa.Terminal)
	if err := d.SetSpeed(t.Context(), 115200, "7E1"); err != nil {
		t.Error(err)
	}
	if _, err := d.ReadSlot(t.Context(), "0"); err != nil {
		t.Error(err)
	}
	other, err := drivers.Open(t.Context(), "visa+serial://"+p.Path(), device.Options{})
	if !fault.Is(err, fault.Busy) || other != nil {
		t.Errorf("a second station: %v", err)
	}
}
